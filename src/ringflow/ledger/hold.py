"""Holds: credit set aside for a leg before it is dialled. What a hold is, and how it is read back.

How holds are made and raised is in `hold_requests.py`, how they end in `settlement.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Conflict, Unknown
from ringflow.ledger.server_liveness import SEEN_MS
from ringflow.ledger.terms import Terms, UnreadableTerms, affordable_ms
from ringflow.store.conditions import begins_with, equal
from ringflow.store.ledger_tables import ledger_accounts, ledger_holds
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.statement import Statement


class HoldState(StrEnum):
    """`settled`: charged (perhaps nothing). `released`: the leg never was."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Hold:
    """Credit set aside for a leg. `terms` is None for a leg that is not rated here (upstream).

    `unreadable`: why the terms that are kept with it cannot be read; "" where they can, or there are none.

    `asterisk`: the identity of the Asterisk that the leg lives on, empty where that is not known. `token`:
    what that Asterisk must show to have the leg settled. `left_ms`: when its server lost sight of it, if it
    did.
    """

    leg_id: str
    customer_id: int
    micros: int
    terms: Terms | None
    server: str
    opened_ms: int
    expires_ms: int
    unreadable: str = ""
    asterisk: str = ""
    token: str = ""
    left_ms: int | None = None

    @property
    def paid_ms(self) -> int | None:
        """The longest talk that the hold pays for; None: any."""
        return affordable_ms(self.terms, self.micros) if self.terms is not None else None


@dataclass(frozen=True, slots=True)
class LegHold:
    """What was set aside for a leg, and what became of it, in micro-units of the account's currency.

    `state` is a `HoldState`; `micros`: what is or was held; the rest is what was charged, what of it was
    given back, and what could not be taken. `ended_ms` None: it stands.
    """

    leg_id: str
    customer_id: int
    currency: str
    state: str
    micros: int
    charged_micros: int
    refunded_micros: int
    uncollected_micros: int
    opened_ms: int
    ended_ms: int | None


@dataclass(frozen=True, slots=True)
class NoCredit:
    """No hold: the customer has `available_micros` to spend, which may be below zero."""

    customer_id: int
    available_micros: int


class UnknownLeg(Unknown):
    """No hold was ever made for this leg."""


class LegTaken(Conflict):
    """The leg's id stands for another hold, or for one that has ended."""


@dataclass(frozen=True, slots=True)
class LegRequest:
    """What a call asks about one of its legs."""

    leg_id: str

    @property
    def subject(self) -> str:
        """What the request is about: a batch has one request for each subject."""
        return f"leg:{self.leg_id}"


class HoldRow(NamedTuple):
    """A hold as it is kept; the fields are its columns."""

    leg_id: str
    account_id: int
    asked_micros: int
    micros: int
    state: str
    server: str
    terms: str
    opened_ms: int
    expires_ms: int
    asterisk: str
    token: str
    left_ms: int | None


HOLD_COLUMNS = ", ".join(f"h.{name}" for name in HoldRow._fields)

# A server that never said that it lives counts from the hold's own beginning.
_GONE = f"COALESCE((SELECT {SEEN_MS} FROM ledger_servers AS s WHERE s.id = h.server), h.opened_ms) < :seen_ms"  # noqa: S608
_ABANDONED = f"h.expires_ms < :now_ms OR h.left_ms IS NOT NULL OR {_GONE}"
_FIND = Statement(f"SELECT {HOLD_COLUMNS} FROM ledger_holds AS h WHERE h.leg_id = :leg_id", leg_id="text")  # noqa: S608
_STANDING = Statement(
    f"SELECT {HOLD_COLUMNS} FROM ledger_holds AS h WHERE h.state = 'held' ORDER BY h.opened_ms, h.leg_id"  # noqa: S608
)
_OPEN = Statement(
    "SELECT count(*) AS standing, min(h.opened_ms) AS oldest_ms FROM ledger_holds AS h WHERE h.state = 'held'"
)
_UNATTENDED = Statement(
    f"SELECT {HOLD_COLUMNS} FROM ledger_holds AS h WHERE h.state = 'held' AND ({_ABANDONED}) "  # noqa: S608
    "ORDER BY h.opened_ms, h.leg_id",
    now_ms="bigint",
    seen_ms="bigint",
)
_IS_GONE = Statement(
    f"SELECT 1 FROM ledger_holds AS h WHERE h.leg_id = :leg_id AND {_GONE}",  # noqa: S608
    leg_id="text",
    seen_ms="bigint",
)
_LEAVE = Statement(
    "UPDATE ledger_holds SET left_ms = :now_ms WHERE leg_id = :leg_id AND state = 'held' AND left_ms IS NULL",
    leg_id="text",
    now_ms="bigint",
)


async def find_hold(connection: AsyncConnection, leg_id: str) -> Hold | None:
    """The leg's hold, ended or not."""
    found = await _FIND.run(connection, leg_id=leg_id)
    return read_hold(HoldRow._make(found[0])) if found else None


async def standing_hold(connection: AsyncConnection, leg_id: str) -> Hold | None:
    """The leg's hold, unless it has ended."""
    found = [HoldRow._make(row) for row in await _FIND.run(connection, leg_id=leg_id)]
    return read_hold(found[0]) if found and found[0].state == HoldState.HELD else None


async def standing_holds(connection: AsyncConnection) -> list[Hold]:
    """All holds that have not ended, the oldest first."""
    return [read_hold(HoldRow._make(row)) for row in await _STANDING.run(connection)]


HOLDS = Listing("holds", {"opened": (ledger_holds.c.opened_ms, ledger_holds.c.leg_id)}, first="opened")


@dataclass(frozen=True, slots=True)
class HoldFilter:
    """Which of the holds that have not ended: those that fit all given. `search`: how the leg's id begins."""

    customer_id: int | None = None
    server: str | None = None
    search: str | None = None


async def hold_page(connection: AsyncConnection, wanted: HoldFilter, asked: PageRequest) -> Page[Hold]:
    """Read a page of the holds that have not ended."""
    holds = ledger_holds.c
    # As the index has it: with a parameter instead of the word it would not be used.
    conditions: list[ColumnElement[bool]] = [holds.state == literal_column("'held'")]
    conditions += equal(((holds.account_id, wanted.customer_id), (holds.server, wanted.server)))
    if wanted.search is not None:
        conditions.append(begins_with(holds.leg_id, wanted.search))
    query = select(*(holds[name] for name in HoldRow._fields)).where(*conditions)
    return await HOLDS.page(connection, query, asked, lambda row: read_hold(HoldRow._make(row)))


async def holds_of_legs(connection: AsyncConnection, leg_ids: Sequence[str]) -> list[LegHold]:
    """The holds of these legs, ended or not, the oldest first."""
    if not leg_ids:
        return []
    holds, account = ledger_holds.c, ledger_accounts.c
    query = (
        select(
            holds.leg_id,
            holds.account_id,
            account.currency,
            holds.state,
            *(holds[name] for name in LegHold.__slots__[4:]),
        )
        .select_from(ledger_holds.join(ledger_accounts, account.id == holds.account_id))
        .where(holds.leg_id.in_(leg_ids))
        .order_by(holds.opened_ms, holds.leg_id)
    )
    rows = (await connection.execute(query)).all()
    return [LegHold(*row) for row in rows]


async def open_holds(connection: AsyncConnection) -> tuple[int, int | None]:
    """How many holds stand, and when the oldest was made, in milliseconds since 1970."""
    found = (await _OPEN.run(connection))[0]
    return found.standing, found.oldest_ms


async def is_hold_gone(connection: AsyncConnection, leg_id: str, now_ms: int, silent_ms: int) -> bool:
    """Whether the server of a leg's hold is over, or has not been seen for `silent_ms`."""
    return bool(await _IS_GONE.run(connection, leg_id=leg_id, seen_ms=now_ms - silent_ms))


async def leave_hold(connection: AsyncConnection, leg_id: str, now_ms: int) -> None:
    """Note that the server of a leg lost sight of it, unless the leg has ended."""
    await _LEAVE.run(connection, leg_id=leg_id, now_ms=now_ms)


async def abandoned_holds(connection: AsyncConnection, now_ms: int, silent_ms: int) -> list[Hold]:
    """Holds that nobody looks after: of a server that is over, silent for `silent_ms` or lost sight of the
    leg.

    Those that stand longer than they may are among them.
    """
    rows = await _UNATTENDED.run(connection, now_ms=now_ms, seen_ms=now_ms - silent_ms)
    return [read_hold(HoldRow._make(row)) for row in rows]


def read_hold(row: HoldRow) -> Hold:
    """Return the hold of a row, whether its terms can be read or not."""
    terms, unreadable = None, ""
    try:
        terms = Terms.from_json(row.terms) if row.terms else None
    except UnreadableTerms as error:
        unreadable = str(error)
    return Hold(
        leg_id=row.leg_id,
        customer_id=row.account_id,
        micros=row.micros,
        terms=terms,
        server=row.server,
        opened_ms=row.opened_ms,
        expires_ms=row.expires_ms,
        unreadable=unreadable,
        asterisk=row.asterisk,
        token=row.token,
        left_ms=row.left_ms,
    )
