"""`ringflow asterisk`: the configuration that connects an operator's Asterisk, and a check of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import trunks
from ringflow.accounts.trunks import Trunk
from ringflow.ami.failures import LinkDown
from ringflow.app import configured_link
from ringflow.asterisk import config_diff, write_asterisk_config
from ringflow.asterisk.config_files import TRUNKS_FILE, configured_settings
from ringflow.asterisk.findings import Finding, Severity, most_serious_first
from ringflow.asterisk.watch import check_asterisk, check_files
from ringflow.cli.output import Json, print_json, print_many
from ringflow.cli.project import with_reading
from ringflow.config import Config, LogConfig, load_config
from ringflow.errors import Refused, StartError
from ringflow.logs import set_up_logs

CONNECT_S = 5.0

app = typer.Typer(help="Connect your Asterisk, and check it.", no_args_is_help=True)


@app.callback()
def _asterisk() -> None:
    """Connect your Asterisk, and check it."""


@app.command("check")
def check(
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            metavar="DIR",
            help="Also read Asterisk's own configuration files, such as /etc/asterisk.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what endangers calls or money on your Asterisk.

    Each finding has the line to change. Asks the running Asterisk over the manager interface where `ami:` is
    configured. Exit code 1: something serious was found.
    """
    settings = load_config()
    set_up_logs(LogConfig(format="text", level="error"))
    if settings.ami is None and files is None:
        raise Refused(
            "option.missing",
            "there is nothing to look at: configure `ami:` (docs/asterisk.md), or name Asterisk's folder "
            "with --files /etc/asterisk",
            option="--files",
        )

    async def look(connection: AsyncConnection, config: Config) -> list[Finding]:
        enabled = [one for one in await trunks.every(connection) if one.enabled]
        port = config.fastagi.port or None
        found = check_files(files, config, enabled, port) if files is not None else []
        if config.ami is not None:
            found = [*await _ask(config, enabled, port), *found]
        return most_serious_first(dict.fromkeys(found))

    findings = with_reading(look)
    print_many(findings, Finding, as_json)
    if any(one.severity is Severity.SERIOUS for one in findings):
        raise typer.Exit(1)


async def _ask(config: Config, enabled: Sequence[Trunk], port: int | None) -> list[Finding]:
    link = configured_link(config)
    await link.start()
    try:
        await link.wait_up(CONNECT_S)
        return await check_asterisk(link, config, enabled, port)
    except LinkDown as error:
        raise StartError(f"the manager interface cannot be asked: {error}") from error
    finally:
        await link.close()


@app.command("config")
def config(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write the files into.")],
    host: Annotated[
        str | None,
        typer.Option("--host", help="Ringflow's address as Asterisk sees it.", show_default="fastagi.host"),
    ] = None,
    carrier: Annotated[
        str | None,
        typer.Option("--carrier", metavar="HOST", help="Your carrier's address, for the example trunk."),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what would change in the files, and write nothing.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Overwrite Ringflow's own files that were edited; keep them as .bak."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write what your Asterisk's own files include.

    Dialplan, SIP templates and a manager user, which later runs write anew unless you edited them; and
    `pjsip_trunks.conf` for your trunks and telephones, which is written once. A README says what goes where.
    """
    settings = load_config()
    asterisk = configured_settings(settings, host, carrier)
    if diff:
        changes = config_diff(out, asterisk)
        if as_json:
            print_json({"diff": changes})
            return
        for line in changes or ["nothing would change"]:
            typer.echo(line)
        return
    trunks_were_there = (out / TRUNKS_FILE).exists()
    written = write_asterisk_config(out, asterisk, replace=replace)
    if as_json:
        print_json({"files": written.paths, "copies": written.copies, "advice": written.advice})
        return
    for path in written.paths:
        typer.echo(str(path))
    for copy in written.copies:
        typer.echo(f"Kept the file that was edited as {copy}.", err=True)
    for line in written.advice:
        typer.echo(line, err=True)
    if carrier is not None and (trunks_were_there or written.advice):
        typer.echo(f"--carrier changed nothing, for the trunks in {out} are yours: put it there.", err=True)
    typer.echo(f"Next: {out / 'README.md'} says what to include where.", err=True)
