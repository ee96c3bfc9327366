"""`ringflow recording`: what callers said, where a flow recorded them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.cli.ids import id_option
from ringflow.cli.moments import moment_ms
from ringflow.cli.operators import Operator
from ringflow.cli.out_file import Overwrite
from ringflow.cli.output import Json, print_json, print_one
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page, search_option, sort_option
from ringflow.cli.project import opener, with_actor, with_reading, with_store
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.forms.recording import RecordingForm, recording_form
from ringflow.moments import system_now_ms
from ringflow.output_file import file_taken, write_private_file
from ringflow.recordings.recording import (
    RECORDINGS,
    Recording,
    RecordingFilter,
    mark_deleted,
    recording_page,
    searched_number,
    show_recording,
    take_out,
)
from ringflow.recordings.service import Recordings, configured_folder
from ringflow.recordings.upkeep import RecordingUpkeep
from ringflow.store import Store
from ringflow.store.pages import Page, PageRequest
from ringflow.wording import counted

app = typer.Typer(help="Recordings of callers.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The recording, as `recording list` has it.")]
WAV = ".wav"


@app.command("list")
def list_command(
    since: Annotated[str | None, typer.Option("--since", metavar="DATE|24h", help="From then on.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE|24h", help="Before then.")] = None,
    customer: Annotated[int | None, id_option("--customer", "Whose calls.")] = None,
    cli: Annotated[str | None, typer.Option("--cli", metavar="NUMBER", help="Who called.")] = None,
    did: Annotated[str | None, typer.Option("--did", metavar="NUMBER", help="What was called.")] = None,
    app_name: Annotated[
        str | None, typer.Option("--app", metavar="NAME", help="The app that recorded.")
    ] = None,
    call: Annotated[str | None, typer.Option("--call", metavar="CALL_ID", help="Only of this call.")] = None,
    search: Annotated[str | None, search_option("A part of its ID, or of its call's.")] = None,
    sort: Annotated[str | None, sort_option(RECORDINGS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List the recordings, the newest first."""

    async def find(connection: AsyncConnection, config: Config) -> Page[RecordingForm]:
        wanted = RecordingFilter(
            since_ms=moment_ms(since, "--since"),
            until_ms=moment_ms(until, "--until"),
            customer=customer,
            cli=searched_number(cli, config.country),
            did=searched_number(did, config.country),
            app=app_name,
            call=call,
            search=search,
        )
        return (await recording_page(connection, wanted, PageRequest(limit, after, sort))).map(recording_form)

    print_page(with_reading(find), RecordingForm, as_json)


@app.command("show")
def show_command(recording_id: Id, as_json: Json = False) -> None:
    """Show what is known of a recording."""

    async def find(connection: AsyncConnection, config: Config) -> Recording:
        return await show_recording(connection, recording_id)

    print_one(recording_form(with_reading(find)), as_json)


@app.command("export")
def export_command(
    operator: Operator,
    recording_id: Id,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.wav", help="The sound file to write.")],
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a recording to a sound file.

    Only you can read the file. The audit log says who wrote it.
    """
    if out.suffix.lower() != WAV:
        raise Refused("option.malformed", f"{out}: it is a WAV file; call it {out.name}.wav", option="out")
    if out.exists() and not overwrite:
        raise file_taken(out, can_overwrite=True)

    async def take(actor: Actor, config: Config) -> bytes:
        return await take_out(actor, recording_id, configured_folder(config), out.name)

    content = with_actor(operator, take)
    # Loads what converts sounds, which the other commands do without.
    from ringflow.recordings.content import as_wav, length_ms

    write_private_file(out, as_wav(content), overwrite=overwrite)
    duration_s = length_ms(content) / 1000
    if as_json:
        print_json({"id": recording_id, "file": str(out), "duration_s": duration_s})
    else:
        typer.echo(f"{out}: {duration_s:g} s")


@app.command("delete")
def delete_command(
    operator: Operator,
    recording_id: Annotated[str | None, typer.Argument(metavar="ID", help="The recording.")] = None,
    call: Annotated[
        str | None, typer.Option("--call", metavar="CALL_ID", help="Instead all of this call.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Delete a recording, or all recordings of a call.

    Nobody finds or hears them from now on. Files on another server's machine are deleted there within a
    minute.
    """
    if (recording_id is None) is (call is None):
        raise Refused("option.missing", "name one recording, or a call by --call", option="call")

    async def delete(store: Store, config: Config) -> list[Recording]:
        async with opener(store, config, operator)() as actor:
            gone = await mark_deleted(actor, recording_id=recording_id, call=call)
        service = Recordings.configured(config, store, system_now_ms)
        await RecordingUpkeep(store, service, config.charging.server, system_now_ms).delete_due()
        return gone

    gone = with_store(delete)
    if as_json:
        print_json({"deleted": recording_id or call, "recording_count": len(gone)})
    else:
        typer.echo(f"deleted: {counted(len(gone), 'recording')}")
