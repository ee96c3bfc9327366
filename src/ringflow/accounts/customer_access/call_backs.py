"""Numbers that customers want to be known by: the code that such a number is called with, and its limits.

Whoever sends the code has heard it at that telephone. The house pays for these calls, which go to wherever a
customer says: so few are made for a customer, to a number and in all, and only to where they may go.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.directory_changes import lock_directory
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.config import CallBackConfig
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.store.customer_access_tables import call_backs
from ringflow.store.statement import Statement

CODE_DIGITS = 6
MOST_TRIES = 5
GOOD_FOR_MS = 10 * 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEPT_MS = 2 * DAY_MS

State = Literal["calling", "answered", "not_answered", "failed", "confirmed", "refused"]


@dataclass(frozen=True, slots=True)
class CallBack:
    """A number that is called with a code. `wrong_codes`: how many tries were made."""

    id: str
    customer_id: int
    number: str
    state: State
    wrong_codes: int
    asked_ms: int
    expires_ms: int

    def __str__(self) -> str:
        return f"call back of customer {self.customer_id}"

    @property
    def tries_left(self) -> int:
        """How many codes may still be tried."""
        return 0 if self.state in ("confirmed", "refused") else max(0, MOST_TRIES - self.wrong_codes)


@dataclass(frozen=True, slots=True)
class NewCallBack:
    """One that was just asked for, with its code and the language in which it is said (None: any)."""

    call_back: CallBack
    code: str = field(repr=False)
    language: str | None = None


COLUMNS = tuple(call_backs.c[name] for name in CallBack.__slots__)

_TRY = Statement(
    "UPDATE call_backs SET wrong_codes = wrong_codes + 1 WHERE id = :id AND customer_id = :customer_id "
    "AND wrong_codes < :most AND expires_ms > :now_ms AND state NOT IN ('confirmed', 'refused') "
    "RETURNING code_digest",
    id="text",
    customer_id="bigint",
    most="bigint",
    now_ms="bigint",
)
_END = Statement(
    "UPDATE call_backs SET state = :state WHERE id = :id "
    "AND state NOT IN ('confirmed', 'refused') RETURNING id",
    state="text",
    id="text",
)


async def ask(actor: Actor, customer_id: int, number: str, limits: CallBackConfig) -> NewCallBack:
    """Note that a number (E.164 digits) is to be called, with a new code.

    Raises `Refused` where too many calls were asked for: of this customer, to this number, or at all.
    """
    await lock_directory(actor)
    customer = await customers.show(actor.connection, customer_id)
    connection, now_ms = actor.connection, actor.now_ms
    await connection.execute(call_backs.delete().where(call_backs.c.asked_ms < now_ms - KEPT_MS))
    for most, within_ms, of in (
        (limits.a_customer_an_hour, HOUR_MS, call_backs.c.customer_id == customer_id),
        (limits.a_number_a_day, DAY_MS, call_backs.c.number == number),
        (limits.all_an_hour, HOUR_MS, None),
    ):
        await _refuse_beyond(connection, most, within_ms, of, now_ms)
    code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
    made = CallBack(
        secrets.token_urlsafe(16), customer_id, number, "calling", 0, now_ms, now_ms + GOOD_FOR_MS
    )
    values = {name: getattr(made, name) for name in CallBack.__slots__}
    await connection.execute(call_backs.insert().values(**values, code_digest=_digest(made.id, code)))
    await note(actor, Verb.ADD, str(made), None, {"number": number})
    return NewCallBack(made, code, customer.language)


async def show(connection: AsyncConnection, customer_id: int, call_back_id: str) -> CallBack:
    """Return a call-back of a customer. Raises `Unknown`, also for one of somebody else."""
    mine = (call_backs.c.id == call_back_id) & (call_backs.c.customer_id == customer_id)
    row = (await connection.execute(select(*COLUMNS).where(mine))).one_or_none()
    if row is None:
        raise Unknown(
            "call_back.unknown", "there is no such call-back; it may be over for long", call_back=call_back_id
        )
    return CallBack(*row)


async def try_code(actor: Actor, customer_id: int, call_back_id: str, code: str) -> bool:
    """Use up a try, and say whether the code is the right one. It stands, whatever comes of it.

    Raises `Unknown`, and `Conflict` where it is too late or no try is left.
    """
    found = await _TRY.run(
        actor.connection,
        None,
        id=call_back_id,
        customer_id=customer_id,
        most=MOST_TRIES,
        now_ms=actor.now_ms,
    )
    if not found:
        await show(actor.connection, customer_id, call_back_id)
        raise Conflict(
            "call_back.over", "this call-back is over, or its tries are used up: ask for another call"
        )
    return hmac.compare_digest(_digest(call_back_id, code), found[0][0])


async def end(connection: AsyncConnection, call_back_id: str, state: State) -> None:
    """Say what came of a call-back; one that is confirmed or refused stays so."""
    await _END.run(connection, None, state=state, id=call_back_id)


async def _refuse_beyond(
    connection: AsyncConnection, most: int, within_ms: int, of: ColumnElement[bool] | None, now_ms: int
) -> None:
    """Raise `Refused` where so many were asked for in the time that is just over."""
    query = select(func.count(), func.min(call_backs.c.asked_ms)).where(
        call_backs.c.asked_ms > now_ms - within_ms
    )
    count, first_ms = (await connection.execute(query if of is None else query.where(of))).one()
    if count < most:
        return
    retry_after_s = 1 if first_ms is None else max(1, -(-(first_ms + within_ms - now_ms) // 1000))
    # Which of the limits it was would tell of what others ask for.
    raise Refused(
        "call_back.too_many",
        f"too many calls were asked for: ask again in {retry_after_s} s",
        (),
        retry_after_s=retry_after_s,
    )


def _digest(call_back_id: str, code: str) -> str:
    return hashlib.sha256(f"ringflow-call-back-v1\n{call_back_id}\n{code}".encode()).hexdigest()
