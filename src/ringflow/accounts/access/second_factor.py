"""The second factor of a sign-in: codes of an authenticator (TOTP, RFC 6238), and recovery codes.

A code of the authenticator holds for a time step of 30 seconds; that of the step before and of the step after
are taken too, because clocks differ. A step whose code was used, and all before it, are never taken again.
Recovery codes are ten; each stands in for the authenticator once.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.access import sessions
from ringflow.accounts.access.secret_text import digest_of
from ringflow.accounts.access.sessions import SessionRules
from ringflow.accounts.access.totp_secret import ReadPeppers, open_secret, seal_secret
from ringflow.accounts.operators import show, unknown_operator
from ringflow.accounts.peppers import Peppers
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused
from ringflow.store.operator_tables import operators
from ringflow.store.sign_in_tables import recovery_codes

ISSUER = "Ringflow"
STEP_MS = 30_000
STEPS_EARLIER = 1
STEPS_LATER = 1
RECOVERY_CODES = 10
_GROUPS, _GROUP = 4, 4
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 signs, none of which is taken for another: a code of 16 has 80 random bits."""
_COLUMNS = tuple(operators.c[name] for name in ("id", "totp_secret", "second_factor_ms"))
_CODE = re.compile("[0-9]{6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A second factor that is to be confirmed: its secret, and the same as a URL that an authenticator reads.

    The URL is shown as a QR code (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
    """

    secret: str
    url: str


@dataclass(frozen=True, slots=True)
class FactorState:
    """Whether an operator has a second factor, since when, and how many recovery codes are left."""

    since_ms: int | None
    recovery_codes: int


async def state(connection: AsyncConnection, operator: str) -> FactorState:
    """Return how it stands with an operator's second factor."""
    row = await _row(connection, operator, locked=False)
    left = select(recovery_codes.c.digest).where(recovery_codes.c.operator_id == row.id)
    count = len((await connection.execute(left)).all()) if row.second_factor_ms is not None else 0
    return FactorState(row.second_factor_ms, count)


async def enrol(actor: Actor, operator: str, peppers: Peppers) -> Enrolment:
    """Give an operator a new secret, which no sign-in needs before it is confirmed.

    Raises `Conflict` where there is a second factor already.
    """
    row = await _row(actor.connection, operator)
    if row.second_factor_ms is not None:
        raise Conflict("second_factor.on", "there is a second factor already; turn it off first")
    import pyotp

    secret = pyotp.random_base32()
    changed = update(operators).where(operators.c.id == row.id, operators.c.second_factor_ms.is_(None))
    await actor.connection.execute(
        changed.values(totp_secret=seal_secret(secret, row.id, peppers), totp_step=None)
    )
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=operator, issuer_name=ISSUER))


async def confirm(actor: Actor, operator: str, code: str, peppers: ReadPeppers) -> list[str]:
    """Have an operator's sign-ins need the second factor from now on; returns its recovery codes.

    Other sessions end: whoever began them had no second factor. Raises `Refused`: the code is wrong, there is
    no secret to confirm, or it is confirmed already; and `StartError` where its pepper is missing.
    """
    row = await _row(actor.connection, operator)
    if row.second_factor_ms is not None:
        raise Conflict("second_factor.on", "there is a second factor already; turn it off first")
    if row.totp_secret is None:
        raise Conflict(
            "second_factor.not_enrolled", "there is no second factor to confirm; begin with its secret"
        )
    step = fitting_step(open_secret(row.totp_secret, row.id, peppers), code, actor.now_ms)
    if step is None or not await _use_step(actor.connection, row.id, step):
        raise Refused(
            "second_factor.wrong_code",
            "the code is wrong; read it anew, and look whether the clock of its device is right",
            ("code",),
        )
    changed = update(operators).where(operators.c.id == row.id)
    await actor.connection.execute(changed.values(second_factor_ms=actor.now_ms))
    await note(actor, Verb.SECOND_FACTOR, f"operator {operator}", {"on": False}, {"on": True})
    await sessions.end_all(actor, operator)
    return await _new_recovery_codes(actor.connection, row.id)


async def renew_recovery_codes(actor: Actor, operator: str) -> list[str]:
    """Return new recovery codes; those of before open nothing. Raises `Conflict` without a second factor."""
    row = await _row(actor.connection, operator)
    if row.second_factor_ms is None:
        raise _off()
    await note(actor, Verb.SECOND_FACTOR, f"operator {operator}", None, {"recovery_codes": RECOVERY_CODES})
    return await _new_recovery_codes(actor.connection, row.id)


async def remove(actor: Actor, operator: str) -> None:
    """Have an operator's sign-ins need the password alone; its sessions end, but not the actor's own.

    Raises `Conflict` without a second factor.
    """
    row = await _row(actor.connection, operator)
    if row.second_factor_ms is None:
        raise _off()
    changed = update(operators).where(operators.c.id == row.id)
    await actor.connection.execute(changed.values(totp_secret=None, totp_step=None, second_factor_ms=None))
    await actor.connection.execute(delete(recovery_codes).where(recovery_codes.c.operator_id == row.id))
    await note(actor, Verb.SECOND_FACTOR, f"operator {operator}", {"on": True}, {"on": False})
    await sessions.end_all(actor, operator)


async def remove_own(actor: Actor, rules: SessionRules) -> None:
    """Remove the second factor of the operator who acts. Raises `Conflict` where the role must have one."""
    operator = await show(actor.connection, actor.principal.name)
    if rules.needs_second_factor(operator.role):
        text = f"operators of the role {operator.role} must have a second factor"
        raise Conflict("second_factor.required", text, role=operator.role)
    await remove(actor, operator.name)


async def use_code(
    connection: AsyncConnection, operator_id: int, kept: str, code: str, now_ms: int, peppers: ReadPeppers
) -> bool:
    """Return whether a code is good, in the transaction of what it opens: it opens nothing again.

    Of two that use one code at once, on any servers, one is let in. `kept`: the secret as the database has
    it. Raises `StartError` where its pepper is missing; a recovery code needs none.
    """
    if _CODE.fullmatch(code.replace(" ", "")):
        step = fitting_step(open_secret(kept, operator_id, peppers), code, now_ms)
        return step is not None and await _use_step(connection, operator_id, step)
    table = recovery_codes
    used = delete(table).where(table.c.operator_id == operator_id, table.c.digest == _digest(code))
    return bool((await connection.execute(used)).rowcount)


def fitting_step(totp_secret: str, code: str, now_ms: int) -> int | None:
    """Return the time step near this moment whose code this is."""
    import pyotp

    text = code.replace(" ", "")
    if not _CODE.fullmatch(text):
        return None
    totp, step = pyotp.TOTP(totp_secret), now_ms // STEP_MS
    near = range(step - STEPS_EARLIER, step + STEPS_LATER + 1)
    fitting = [one for one in near if hmac.compare_digest(totp.generate_otp(one), text)]
    return fitting[-1] if fitting else None


async def _use_step(connection: AsyncConnection, operator_id: int, step: int) -> bool:
    unused = or_(operators.c.totp_step.is_(None), operators.c.totp_step < step)
    used = update(operators).where(operators.c.id == operator_id, unused).values(totp_step=step)
    return bool((await connection.execute(used)).rowcount)


async def _new_recovery_codes(connection: AsyncConnection, operator_id: int) -> list[str]:
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.operator_id == operator_id))
    rows = [{"operator_id": operator_id, "digest": _digest(code)} for code in codes]
    await connection.execute(recovery_codes.insert(), rows)
    return codes


def _recovery_code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _digest(code: str) -> str:
    """Return what is kept of a recovery code, however its groups are written."""
    return digest_of(re.sub("[ -]", "", code).lower())


async def _row(connection: AsyncConnection, operator: str, *, locked: bool = True) -> Row[Any]:
    """Read an operator's row, which nobody else changes until the transaction ends. Raises `Unknown`."""
    query = select(*_COLUMNS).where(operators.c.name == operator)
    row = (await connection.execute(query.with_for_update() if locked else query)).one_or_none()
    if row is None:
        raise unknown_operator(operator)
    return row


def _off() -> Conflict:
    return Conflict("second_factor.off", "there is no second factor")
