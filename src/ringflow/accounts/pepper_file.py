"""The file of the key ring under which PINs and codes are digested: peppers added to it, and what needs each.

A running server takes over what changes in it.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.access.totp_secret import seal_counts
from ringflow.accounts.peppers import Peppers, parse_peppers
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.config import Config
from ringflow.errors import Refused, StartError
from ringflow.secret import SECRET_BYTES, replace_secret
from ringflow.store.caller_tables import cli_codes, service_passwords
from ringflow.store.card_tables import cards, vouchers


@dataclass(frozen=True, slots=True)
class PepperVersion:
    """A version of the pepper. `in_ring` False: what was made under it does not open any more."""

    version: str
    in_ring: bool
    newest: bool
    card_count: int
    voucher_count: int
    code_count: int
    second_factor_count: int


def pepper_file(config: Config) -> Path:
    """The file that the configuration names. Raises `Refused` where the ring comes from the environment."""
    cards = config.cards
    if os.environ.get(cards.pepper_env, "").strip():
        what = f"the ring comes from {cards.pepper_env}; add a line `version:secret` there"
        raise Refused(
            "secret.in_environment",
            f"{what}, and restart the servers: an environment is read at the start alone",
            variable=cards.pepper_env,
        )
    if cards.pepper_file is None:
        raise Refused(
            "secret.no_file",
            f"the configuration names no pepper_file; set {cards.pepper_env}",
            variable=cards.pepper_env,
        )
    return config.path(cards.pepper_file)


async def new_pepper(actor: Actor, file: Path) -> str:
    """Add a pepper to the ring's file, with its entry in the audit log; returns its version."""
    # Before the commit: an entry without its pepper would be a lie.
    version = add_pepper(file)
    await note(actor, Verb.ADD, f"pepper {version}", None, {"version": version, "file": str(file)})
    return version


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


async def pepper_versions(connection: AsyncConnection, peppers: Peppers) -> list[PepperVersion]:
    """The versions of the ring and of the database, with how much of each kind still needs each."""
    needing = (
        (cards.c.pepper, cards.c.archived_ms.is_(None)),
        (vouchers.c.pepper, vouchers.c.status != "used"),
        (cli_codes.c.pepper, true()),
        (service_passwords.c.pepper, true()),
    )
    counts = {pepper.version: [0] * len(needing) for pepper in peppers.all}
    for kind, (column, condition) in enumerate(needing):
        query = select(column, func.count()).where(condition).group_by(column)
        for version, count in (await connection.execute(query)).all():
            counts.setdefault(version, [0] * len(needing))[kind] = count
    sealed = await seal_counts(connection)
    for version in sealed:
        counts.setdefault(version, [0] * len(needing))
    newest = peppers.newest.version
    return [
        PepperVersion(
            version,
            peppers.version(version) is not None,
            version == newest,
            card_count=of_cards,
            voucher_count=of_vouchers,
            code_count=of_codes + of_passwords,
            second_factor_count=sealed[version],
        )
        for version, (of_cards, of_vouchers, of_codes, of_passwords) in counts.items()
    ]
