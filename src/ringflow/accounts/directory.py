"""The directory as calls see it: one round trip to the database says who is called, who calls and who pays.

Patterns and trunks are kept in memory. Each answer of the database brings the directory's revision along, so
a change made anywhere is seen by the next call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Integer, Text, bindparam, case, func, literal_column, select

from ringflow.accounts import trunks
from ringflow.accounts.admission import (
    DID_DISABLED,
    DID_NOT_FOUND,
    Admission,
    Rejection,
    refusal_of,
)
from ringflow.accounts.customers import COLUMNS as CUSTOMER_COLUMNS
from ringflow.accounts.customers import Customer
from ringflow.accounts.customers import find as find_customer
from ringflow.accounts.did_patterns import MOST_PATTERNS, fitting_patterns, number_behind
from ringflow.accounts.dids import COLUMNS as DID_COLUMNS
from ringflow.accounts.dids import Did
from ringflow.accounts.patterns import Pattern, compile_pattern
from ringflow.accounts.trunks import Trunk
from ringflow.errors import Refused
from ringflow.ledger.rates.card import trunks_with_card
from ringflow.numbers import equivalent_forms, extension, identifying_form, normalise_number
from ringflow.plain_text import plain
from ringflow.store import LookUp, Store
from ringflow.store.tables import clis, customer_of_number, customers, dids, directory_revision

log = structlog.get_logger("ringflow.accounts")

__all__ = ["Admission", "Directory", "Rejection"]

_dialled = dids.alias("dialled")
# Without statistics SQLite would search the unique index, and then for the row.
_COVERED = f"INDEXED BY {customer_of_number.name}"
# Whose CLI calls, or whose the DID is.
_payer_id = case((dids.c.identify == literal_column("'cli'"), clis.c.customer_id), else_=dids.c.customer_id)
_as_dialled = select(_dialled.c.number).where(_dialled.c.number == bindparam("did")).scalar_subquery()


def _arrival(number: ColumnElement[Any], parameters: Sequence[str]) -> LookUp:
    """One row whatever is found: the revision, the DID, and the customer who pays unless a pattern tells."""
    return LookUp(
        select(directory_revision.c.revision, *DID_COLUMNS, *CUSTOMER_COLUMNS)
        .select_from(
            directory_revision.outerjoin(dids, dids.c.number == number)
            .outerjoin(clis, clis.c.number == bindparam("cli"))
            .outerjoin(customers, customers.c.id == _payer_id)
        )
        .with_hint(clis, _COVERED, "sqlite"),
        [*parameters, "cli"],
    )


# Nearly every call dials a DID just as it is kept; then one search in its index is enough.
ARRIVAL = _arrival(bindparam("did", type_=Text), ["did"])
ARRIVAL_IN_OTHER_FORM = _arrival(
    func.coalesce(_as_dialled, bindparam("number", type_=Text)), ["did", "number"]
)
# As many as `fitting_patterns` gives at most, of three readings of a number.
_PATTERNS = [f"pattern_{index}" for index in range(MOST_PATTERNS)]
_fitting = (
    select(_dialled.c.number)
    .where(_dialled.c.number.in_([bindparam(name, type_=Text) for name in _PATTERNS]))
    .order_by(func.length(_dialled.c.number).desc())
    .limit(literal_column("1"))
    # Without it SQLAlchemy binds a parameter of its own for SQLite.
    .offset(literal_column("0"))
    .scalar_subquery()
)
ARRIVAL_BEHIND_DID = _arrival(_fitting, _PATTERNS)
"""Asked where no DID is the number as it stands: the one with a number behind it that fits best."""
_DID_AT = 1
_PAYER_AT = _DID_AT + len(DID_COLUMNS)

CALLING = LookUp(
    select(directory_revision.c.revision, *CUSTOMER_COLUMNS)
    .select_from(
        directory_revision.outerjoin(clis, clis.c.number == bindparam("cli")).outerjoin(
            customers, customers.c.id == clis.c.customer_id
        )
    )
    .with_hint(clis, _COVERED, "sqlite"),
    ["cli"],
)
_REVISION = LookUp(select(directory_revision.c.revision), [])
_STATUS = LookUp(
    select(customers.c.status).where(customers.c.id == bindparam("customer_id", type_=Integer)),
    ["customer_id"],
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept in memory, as it was at a revision or later."""

    revision: int
    patterns: tuple[tuple[Pattern, Customer], ...] = ()
    trunks: tuple[Trunk, ...] = ()
    with_card: frozenset[str] = frozenset()


class Directory:
    """Answers arriving calls from the store. `country` reads national numbers. Raises `StoreGone`."""

    def __init__(self, store: Store, country: str) -> None:
        self._store = store
        self._country = country
        self._known = _Known(revision=-1)
        self._newest = -1
        self._loading = asyncio.Lock()

    async def arrive(self, did_text: str, cli_text: str | None, withheld: bool) -> Admission | Rejection:
        """Who is called, who calls, who pays; or why the call is rejected.

        `did_text` is matched as it is, then normalised, then as a DID with a number behind it. Exact CLIs go
        before patterns, of which the oldest wins. A caller without a CLI, or whose CLI is no telephone
        number, matches only patterns that match the empty text, such as `^.*`; one that is `withheld` is none
        where the DID says so. On a DID with a script nobody is rejected for who calls: `refusal_of` says
        so after the script. Both texts come from the network and may be anything.
        """
        number = normalise_number(did_text, self._country)
        if number != did_text and extension(did_text) is None:
            return DID_NOT_FOUND
        cli = None if cli_text is None else normalise_number(cli_text, self._country)
        identifying = None if cli is None else identifying_form(cli)
        if number is None or number == did_text:
            (row,) = await self._store.look_up(ARRIVAL, did_text, identifying)
        else:
            (row,) = await self._store.look_up(ARRIVAL_IN_OTHER_FORM, did_text, number, identifying)
        self._newest = max(self._newest, row[0])
        did, brought = _did(row[_DID_AT:_PAYER_AT]), None
        if did is None:
            patterns = fitting_patterns(did_text, self._country)
            if not patterns:
                return DID_NOT_FOUND
            asked = [*patterns, *patterns[:1] * (len(_PATTERNS) - len(patterns))]
            (row,) = await self._store.look_up(ARRIVAL_BEHIND_DID, *asked, identifying)
            did = _did(row[_DID_AT:_PAYER_AT])
            if did is None:
                return DID_NOT_FOUND
            brought = number_behind(did.number, did_text, self._country)
        if not did.enabled:
            return DID_DISABLED
        customer = _customer(row[_PAYER_AT:])
        if withheld and did.withheld == "reject":
            cli = None
            customer = None if did.identify == "cli" else customer
        if customer is None and did.identify == "cli":
            customer = await self._by_pattern(cli or "", row[0])
        admission = Admission(did, customer, cli, plain(cli_text or ""), withheld, brought)
        # A script says first who calls and who pays.
        refusal = refusal_of(admission) if did.script is None else None
        return refusal or admission

    async def recognise(self, cli: str | None) -> Customer | None:
        """The customer whom a CLI (E.164 digits, None for an anonymous caller) identifies, active or not.

        As in `arrive`, exact CLIs go before patterns.
        """
        (row,) = await self._store.look_up(CALLING, None if cli is None else identifying_form(cli))
        return _customer(row[1:]) or await self._by_pattern(cli or "", row[0])

    async def learn(self) -> None:
        """Learn of all changes until now, for a call that does not `arrive`."""
        ((revision,),) = await self._store.look_up(_REVISION)
        self._newest = max(self._newest, revision)

    async def customer(self, customer_id: int) -> Customer | None:
        """Return a customer, active or not; None: there is none."""
        async with self._store.reading() as connection:
            return await find_customer(connection, customer_id)

    async def may_call(self, customer_id: int) -> bool:
        """Whether the customer is active now: it may not be any more since it was let in."""
        rows = await self._store.look_up(_STATUS, customer_id)
        return [tuple(row) for row in rows] == [("active",)]

    async def trunks(self) -> tuple[Trunk, ...]:
        """The enabled trunks in the order in which they are tried, as they were when the last call arrived.

        The call that asks has arrived, so it sees every change made before it, without asking once more.
        """
        return (await self._known_now()).trunks

    async def trunks_with_card(self) -> frozenset[str]:
        """The names of those that have a rate card, so that it is known what they cost; as `trunks`."""
        return (await self._known_now()).with_card

    async def keyed_patterns(self) -> tuple[str, ...]:
        """The patterns of numbers that any of them dials as they are keyed; as `trunks`."""
        return tuple(pattern for trunk in await self.trunks() for pattern in trunk.as_keyed)

    async def _known_now(self) -> _Known:
        if self._newest < 0:
            ((revision,),) = await self._store.look_up(_REVISION)
            return await self._known_at(revision)
        return await self._known_at(self._newest)

    async def _by_pattern(self, cli: str, revision: int) -> Customer | None:
        known = await self._known_at(revision)
        forms = equivalent_forms(cli)
        found = (customer for pattern, customer in known.patterns if any(map(pattern.search, forms)))
        return next(found, None)

    async def _known_at(self, revision: int) -> _Known:
        if self._known.revision < revision:
            async with self._loading:
                if self._known.revision < revision:
                    self._known = await self._load()
        return self._known

    async def _load(self) -> _Known:
        async with self._store.reading() as connection:
            # The revision first: a change in between makes the rest newer than it says, and is loaded again.
            revision = (await connection.execute(select(directory_revision.c.revision))).scalar_one()
            query = (
                select(clis.c.pattern, *CUSTOMER_COLUMNS)
                .join(customers, customers.c.id == clis.c.customer_id)
                .where(clis.c.pattern.is_not(None))
                .order_by(clis.c.id)
            )
            patterns = _compiled((await connection.execute(query)).all())
            ways_out = tuple(trunk for trunk in await trunks.every(connection) if trunk.enabled)
            with_card = await trunks_with_card(connection)
        return _Known(revision, patterns, ways_out, with_card)


def _compiled(rows: Sequence[Sequence[Any]]) -> tuple[tuple[Pattern, Customer], ...]:
    found: list[tuple[Pattern, Customer]] = []
    for row in rows:
        try:
            found.append((compile_pattern(row[0]), Customer(*row[1:])))
        except Refused as error:
            # It was checked when it was added; one that got in another way must not stop everybody's calls.
            log.error("pattern skipped", detail=str(error))
    return tuple(found)


def _did(columns: Sequence[Any]) -> Did | None:
    number, app, identify, customer_id, enabled, *rest = columns
    # Look-ups come as the driver gives them: SQLite has no booleans.
    return None if number is None else Did(number, app, identify, customer_id, bool(enabled), *rest)


def _customer(columns: Sequence[Any]) -> Customer | None:
    return None if columns[0] is None else Customer(*columns)
