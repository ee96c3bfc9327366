"""`ringflow card pepper`: the key ring under which PINs and voucher codes are digested."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import typer
from sqlalchemy import func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.peppers import Peppers, parse_peppers
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.cli.acting import open_peppers
from ringflow.cli.opening import with_actor, with_reading
from ringflow.cli.operators import Operator
from ringflow.cli.printing import Json, print_json, print_many
from ringflow.config import Config, load_config
from ringflow.errors import Refused, StartError
from ringflow.secret import replace_secret
from ringflow.store.card_tables import cards, vouchers

SECRET_BYTES = 32

app = typer.Typer(help="The key ring of PINs and voucher codes.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class PepperRow:
    """A version of the pepper. `in_ring` no: what was made under it does not open any more."""

    version: str
    in_ring: bool
    newest: bool
    card_count: int
    voucher_count: int


@app.command("new")
def new_command(operator: Operator, as_json: Json = False) -> None:
    """Add a pepper to the ring's file.

    It is the first, or the next, under which all that is new is digested.
    """
    config = load_config()
    if os.environ.get(config.cards.pepper_env, "").strip():
        what = f"the ring comes from {config.cards.pepper_env}; add a line `version:secret` there"
        raise Refused(
            "secret.in_environment",
            f"{what}, and restart the servers: an environment is read at the start alone",
            variable=config.cards.pepper_env,
        )
    if config.cards.pepper_file is None:
        raise Refused(
            "secret.no_file",
            f"the configuration names no pepper_file; set {config.cards.pepper_env}",
            variable=config.cards.pepper_env,
        )
    path = config.path(config.cards.pepper_file)

    async def add(actor: Actor, config: Config) -> str:
        # Before the commit: an entry without its pepper would be a lie.
        made = add_pepper(path)
        await note(actor, Verb.ADD, f"pepper {made}", None, {"version": made, "file": str(path)})
        return made

    version = with_actor(operator, add)
    if as_json:
        print_json({"version": version, "file": path})
    else:
        typer.echo(f"pepper {version} is in {path}; keep a copy in a safe place: without it no card opens")
        typer.echo("servers that read this file use it from the next card on; others need a copy of the file")


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """List the versions.

    They are those of the ring and of the database, with how much still needs each.
    """

    async def count(connection: AsyncConnection, config: Config) -> list[PepperRow]:
        return await _versions(connection, open_peppers(config))

    print_many(with_reading(count), PepperRow, as_json)


def add_pepper(path: Path) -> str:
    """Write a ring with one pepper more, mode 0600; gives its version. Raises `StartError`."""
    try:
        text = path.read_text(encoding="ascii").strip() if path.exists() else ""
        ring = parse_peppers(text, f"the ring {path}").all if text else ()
        taken = {pepper.version for pepper in ring}
        number = len(ring) + 1
        while f"v{number}" in taken:
            number += 1
        lines = [f"{pepper.version}:{pepper.secret.decode('ascii')}" for pepper in ring]
        lines.append(f"v{number}:{secrets.token_hex(SECRET_BYTES)}")
        replace_secret(path, "\n".join(lines) + "\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise StartError(f"the ring {path} cannot be written: {why}") from error
    return f"v{number}"


async def _versions(connection: AsyncConnection, peppers: Peppers) -> list[PepperRow]:
    live = cards.c.archived_ms.is_(None)
    unused = vouchers.c.status != "used"
    count = func.count()
    query = union_all(
        select(cards.c.pepper, count, literal(0)).where(live).group_by(cards.c.pepper),
        select(vouchers.c.pepper, literal(0), count).where(unused).group_by(vouchers.c.pepper),
    )
    found = {pepper.version: (0, 0) for pepper in peppers.all}
    for version, of_cards, of_vouchers in (await connection.execute(query)).all():
        before = found.get(version, (0, 0))
        found[version] = (before[0] + of_cards, before[1] + of_vouchers)
    newest = peppers.newest.version
    return [
        PepperRow(version, peppers.version(version) is not None, version == newest, *counts)
        for version, counts in found.items()
    ]
