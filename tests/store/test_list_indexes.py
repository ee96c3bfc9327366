"""Every sort of every list, and filters by which much is found, are read by an index on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow import audit
from ringflow.accounts import cli_codes, clis, customer_overview, dids, operators, speed_dials, tokens, trunks
from ringflow.accounts.cards import batch, card
from ringflow.accounts.customer_access import logins
from ringflow.accounts.customer_access import tokens as customer_tokens
from ringflow.accounts.value_lists import entries, entry_value, value_list
from ringflow.accounts.vouchers import voucher
from ringflow.calendars import calendar, overrides
from ringflow.calls.outcome import LegStatus
from ringflow.jobs import job
from ringflow.ledger import account_list, hold, movement, server_list
from ringflow.ledger.rates import card as rate_card
from ringflow.money import Rounding
from ringflow.recordings import recording
from ringflow.records import queries
from ringflow.rights import Right
from ringflow.store import Store
from ringflow.store.page_filters import Filters, LookedAt
from ringflow.store.pages import Listing, PageRequest, Place
from ringflow.store.tables import metadata

SMALL = {
    "trunks": "some dozens",
    "operators": "some dozens",
    "tokens": "some dozens",
    "customer's tokens": "at most a hundred that are live, found by their customer",
    "logins": "one or two of a customer; all of them by their own numbers or addresses",
    "calendars": "some dozens",
    "overrides": "some dozens",
    "servers": "some dozens",
    "rate cards": "some dozens",
    "holds": "those of calls in progress: all of them are read by an index of their own, and sorted",
}
"""Lists of which no one is so long that sorting it would matter."""
LARGE = (
    customer_overview.CUSTOMERS,
    clis.CLIS,
    cli_codes.CLI_CODES,
    dids.DIDS,
    speed_dials.SPEED_DIALS,
    card.CARDS,
    batch.BATCHES,
    voucher.VOUCHERS,
    rate_card.RATES,
    account_list.ACCOUNTS,
    movement.MOVEMENTS,
    queries.CALLS,
    audit.ENTRIES,
    recording.RECORDINGS,
    job.JOBS,
    entries.ENTRIES,
    calendar.ENTRIES,
)
ALL = (
    *LARGE,
    calendar.CALENDARS,
    overrides.OVERRIDES,
    trunks.TRUNKS,
    operators.OPERATORS,
    tokens.TOKENS,
    logins.LOGINS,
    customer_tokens.CUSTOMER_TOKENS,
    rate_card.RATE_CARDS,
    server_list.SERVERS,
    hold.HOLDS,
)


class Asked:
    """Keeps the queries that a page is put together of; what ends a page is asked for in vain."""

    def __init__(self) -> None:
        self.queries: list[Select[Any]] = []

    def listen(self, patch: pytest.MonkeyPatch) -> None:
        """Have every page that is asked for kept here."""
        for name in ("branches", "ends_after"):
            patch.setattr(Place, name, self._keeping(getattr(Place, name)))

    def _keeping(self, make: Callable[..., list[Select[Any]]]) -> Callable[..., list[Select[Any]]]:
        def kept(place: Place, *given: Any) -> list[Select[Any]]:
            found = make(place, *given)
            self.queries += found
            return found

        return kept


@dataclass(frozen=True)
class Case:
    """A page of a list: its sort, whether it is a later page, and the filter."""

    listing: Listing
    sort: str
    later: bool
    wanted: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = "".join(f" {name}={value}" for name, value in self.wanted.items())
        return f"{self.listing.name} by {self.sort}{' after a cursor' if self.later else ''}{shown}"


def cases() -> Iterator[Case]:
    for listing in LARGE:
        for sort in listing.sorts:
            for later in (False, True):
                yield Case(listing, sort, later)
                yield Case(listing, f"-{sort}", later)
    for listing, sort, wanted in (
        (customer_overview.CUSTOMERS, "id", {"status": "penalty"}),
        (customer_overview.CUSTOMERS, "name", {"currency": "EUR"}),
        (customer_overview.CUSTOMERS, "-name", {"source": "config", "search": "42"}),
        (clis.CLIS, "id", {"customer_id": 42}),
        (clis.CLIS, "number", {"customer_id": 42}),
        (clis.CLIS, "id", {"is_pattern": True}),
        (clis.CLIS, "number", {"is_pattern": False, "source": "config"}),
        (clis.CLIS, "id", {"search": "4419"}),
        (clis.CLIS, "-number", {"search": "note"}),
        (cli_codes.CLI_CODES, "id", {"customer_id": 42}),
        (cli_codes.CLI_CODES, "number", {"search": "44191"}),
        (speed_dials.SPEED_DIALS, "customer", {"customer_id": 42}),
        (speed_dials.SPEED_DIALS, "customer", {"search": "home"}),
        (dids.DIDS, "number", {"customer_id": 42}),
        (dids.DIDS, "app", {"customer_id": 42}),
        (dids.DIDS, "number", {"app": "menu"}),
        (dids.DIDS, "app", {"app": "menu", "search": "1800"}),
        (dids.DIDS, "number", {"enabled": False}),
        (dids.DIDS, "-number", {"enabled": True, "search": "menu"}),
        (dids.DIDS, "app", {"source": "config"}),
        (card.CARDS, "id", {"status": "disabled"}),
        (card.CARDS, "expires", {"status": "disabled", "customer_id": 42}),
        (card.CARDS, "id", {"customer_id": 42}),
        (card.CARDS, "-customer", {"customer_id": 42}),
        (card.CARDS, "id", {"redeemed_by": 42}),
        (card.CARDS, "id", {"batch": "spring"}),
        (card.CARDS, "redeemed", {"batch": "spring"}),
        (card.CARDS, "id", {"id_prefix": "5"}),
        (card.CARDS, "-expires", {"id_prefix": "5"}),
        (card.CARDS, "id", {"search": "1234"}),
        (card.CARDS, "created", {"search": "spring"}),
        (card.CARDS, "id", {"archived": True}),
        (card.CARDS, "status", {"archived": True, "customer_id": 42}),
        (batch.BATCHES, "-created", {"customer_id": 42, "operator": "ann"}),
        (batch.BATCHES, "name", {"is_ready": False, "search": "spring"}),
        (voucher.VOUCHERS, "id", {"status": "used"}),
        (voucher.VOUCHERS, "id", {"batch": "spring"}),
        (voucher.VOUCHERS, "status", {"batch": "spring"}),
        (voucher.VOUCHERS, "id", {"redeemed_by": 42}),
        (voucher.VOUCHERS, "-id", {"kind": "multiplier"}),
        (voucher.VOUCHERS, "batch", {"kind": "multiplier", "search": "spring"}),
        (rate_card.RATES, "prefix", {"prefix": "5"}),
        (rate_card.RATES, "-prefix", {"prefix": "x"}),
        (rate_card.RATES, "prefix", {"blocked": True, "at_ms": 1, "search": "mobile"}),
        (account_list.ACCOUNTS, "customer", {"currency": "EUR"}),
        (movement.MOVEMENTS, "-booked", {"customer_id": 42}),
        (movement.MOVEMENTS, "-booked", {"customer_id": 42, "kind": "refund", "since_ms": 1}),
        (movement.MOVEMENTS, "-booked", {"since_ms": 2, "until_ms": 9}),
        (movement.MOVEMENTS, "-booked", {"kind": "refund"}),
        (movement.MOVEMENTS, "booked", {"kind": "charge"}),
        (movement.MOVEMENTS, "-booked", {"operator": "ann", "kind": "refund"}),
        (movement.MOVEMENTS, "-booked", {"search": "order"}),
        (queries.CALLS, "-started", {"customer": 42}),
        (queries.CALLS, "-started", {"cli": "441910000001"}),
        (queries.CALLS, "-started", {"did": "18005550100"}),
        (queries.CALLS, "-started", {"card": "100000000007"}),
        (queries.CALLS, "-started", {"app": "menu"}),
        (queries.CALLS, "started", {"outcome": "rejected", "customer": 42, "did": "18005550100"}),
        (queries.CALLS, "-started", {"since_ms": 2, "until_ms": 9}),
        (queries.CALLS, "-started", {"number": "44123"}),
        (queries.CALLS, "-started", {"trunk": "carrier", "status": LegStatus.BUSY, "since_ms": 1}),
        (queries.CALLS, "-started", {"refused": True}),
        (queries.CALLS, "started", {"unpaid": True, "customer": 42}),
        (queries.CALLS, "-started", {"search": "18005550100"}),
        (queries.CALLS, "-started", {"search": "18005550100", "app": "menu"}),
        (recording.RECORDINGS, "-recorded", {"customer": 42}),
        (recording.RECORDINGS, "-recorded", {"cli": "441910000001"}),
        (recording.RECORDINGS, "-recorded", {"call": "01a"}),
        (recording.RECORDINGS, "-recorded", {"did": "18005550100", "app": "menu"}),
        (recording.RECORDINGS, "recorded", {"search": "01a"}),
        (recording.RECORDINGS, "-recorded", {"since_ms": 2, "until_ms": 9}),
        (entries.ENTRIES, "value", {"search": "5"}),
        (job.JOBS, "-queued", {"operator": "ann"}),
        (job.JOBS, "-queued", {"state": "done", "kind": "import", "needed": frozenset([Right.RATES_READ])}),
        (calendar.ENTRIES, "begins", {"since_ms": 1}),
        (audit.ENTRIES, "-at", {"operator": "ann"}),
        (audit.ENTRIES, "-at", {"verb": "set"}),
        (audit.ENTRIES, "-at", {"operator": "ann", "verb": "set", "search": "customer"}),
        (audit.ENTRIES, "-at", {"subject": "customer"}),
        (audit.ENTRIES, "-at", {"since_ms": 2, "until_ms": 9}),
    ):
        yield Case(listing, sort, True, wanted)


async def ask(connection: AsyncConnection, case: Case) -> None:
    """Ask for the page of a case."""
    asked = PageRequest(100, cursor(case, 5) if case.later else None, case.sort, bounded=True)
    wanted = case.wanted
    match case.listing.name:
        case "customers":
            await customer_overview.customer_page(
                connection, customer_overview.CustomerFilter(**wanted), asked
            )
        case "CLIs":
            await clis.page(connection, clis.CliFilter(**wanted), asked)
        case "codes of shared CLIs":
            await cli_codes.code_page(connection, cli_codes.CliCodeFilter(**wanted), asked)
        case "DIDs":
            await dids.page(connection, dids.DidFilter(**wanted), asked)
        case "speed dials":
            await speed_dials.page(connection, wanted.get("customer_id"), wanted.get("search"), asked)
        case "cards":
            await card.card_page(connection, card.Filter(**wanted), asked)
        case "batches":
            await batch.batch_page(connection, batch.BatchFilter(**wanted), asked)
        case "vouchers":
            await voucher.voucher_page(connection, voucher.VoucherFilter(**wanted), asked)
        case "rates":
            retail = rate_card.RateCard(1, "retail", "USD", 4, Rounding.UP, False, 1)
            await rate_card.rate_page(connection, retail, rate_card.RateFilter(**wanted), asked)
        case "accounts":
            await account_list.account_page(connection, account_list.AccountFilter(**wanted), asked, 0)
        case "movements":
            await movement.movement_page(connection, movement.MovementFilter(**wanted), asked)
        case "calls":
            await queries.call_page(connection, queries.Filter(**wanted), asked)
        case "recordings":
            await recording.recording_page(connection, recording.RecordingFilter(**wanted), asked)
        case "jobs":
            await job.job_page(connection, job.JobFilter(**wanted), asked)
        case "entries of a calendar":
            await calendar.entries_of(connection, "england", wanted.get("since_ms"), asked)
        case "entries of the audit log":
            await audit.entry_page(connection, audit.EntryFilter(**wanted), asked)
        case "entries of a list":
            barred = value_list.ValueList(1, "barred", entry_value.ListKind.NUMBERS)
            await entries.page(connection, barred, wanted.get("search"), asked)
        case _:
            raise AssertionError(case.listing.name)


def cursor(case: Case, value: int) -> str:
    return case.listing.cursor(case.sort, row(case, value))


def row(case: Case, value: int) -> tuple[str | int, ...]:
    """The columns of a sort, each with a value."""
    columns = case.listing.sorts[case.sort.removeprefix("-")]
    return tuple(value if one.type.python_type is int else str(value) for one in columns)


async def plan(connection: AsyncConnection, query: Select[Any]) -> list[str]:
    """How the database would read this."""
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = (await connection.exec_driver_sql(f"{explain} {compiled}")).all()
    return [str(row[-1]) for row in rows]


def wrong(lines: Sequence[str], case: Case, dialect: str) -> list[str]:
    """The steps of a plan that read all rows, or sort them."""
    if dialect == "postgresql":
        return [
            line for line in lines if re.search(r"\b(Seq Scan|Sort)\b", line) and "card_batches" not in line
        ]
    scans = [line for line in lines if re.match(r"SCAN (?!card_batches)", line)]
    # The first page begins where the index does; a later one goes to its place in it.
    unsought = [line for line in scans if case.later or not re.search(r"USING (COVERING )?INDEX", line)]
    first_by_key = not case.later and all("USING" not in line for line in scans)
    sorted_ = [line for line in lines if "TEMP B-TREE" in line]
    return sorted_ if first_by_key else unsought + sorted_


async def test_pages_of_long_lists_are_read_by_an_index(
    plans: tuple[AsyncConnection, Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row is looked at only where an index leads along it, in the order of the list, up to an end."""
    connection, asked = plans
    # So many rows fit what has an index of its own that they are not sorted.
    monkeypatch.setattr("ringflow.store.page_filters.FEW_ROWS", -1)
    found: dict[str, list[str]] = {}
    for case in cases():
        asked.queries.clear()
        await ask(connection, case)
        assert asked.queries, case
        with monkeypatch.context() as patch:
            end = row(case, 3 if case.sort.startswith("-") else 7)

            async def ends(*_: object, end: Any = end) -> Any:
                return end

            patch.setattr("ringflow.store.pages._end", ends)
            await ask(connection, case)
        for query in asked.queries:
            lines = await plan(connection, query)
            if wrong(lines, case, connection.dialect.name):
                found[str(case)] = lines
    assert found == {}


async def test_no_filter_of_a_long_list_has_all_rows_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/lists.db")
    await store.migrate()
    monkeypatch.setattr("ringflow.store.page_filters.FEW_ROWS", -1)
    looked_at: list[LookedAt] = []
    ended: list[int] = []
    look = Filters.looked_at

    async def kept(filters: Filters, *given: Any) -> LookedAt:
        looked_at.append(await look(filters, *given))
        return looked_at[-1]

    async def ends(*given: Any) -> None:
        ended.append(given[-1])

    monkeypatch.setattr(Filters, "looked_at", kept)
    monkeypatch.setattr("ringflow.store.pages._end", ends)
    for case in cases():
        looked_at.clear()
        ended.clear()
        async with store.reading() as connection:
            await ask(connection, case)
        (found,) = looked_at
        assert ended == ([case.listing.reach] if found.tried else []), case
    await store.close()


@pytest.fixture
async def plans(store: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A connection that is told to sort nothing where an index has the order, and what is asked of it."""
    asked = Asked()
    asked.listen(monkeypatch)
    async with store.reading() as connection:
        if store.dialect == "postgresql":
            # PostgreSQL reads an empty table whole; told not to, it does so only where nothing else works.
            for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
                await connection.execute(text(f"SET enable_{way} = off"))
            # Steps that it was told not to take look so dear that it would compile them, for a second each.
            await connection.execute(text("SET jit = off"))
        yield connection, asked


FILTERS: dict[str, type] = {
    "customers": customer_overview.CustomerFilter,
    "CLIs": clis.CliFilter,
    "codes of shared CLIs": cli_codes.CliCodeFilter,
    "DIDs": dids.DidFilter,
    "cards": card.Filter,
    "batches": batch.BatchFilter,
    "vouchers": voucher.VoucherFilter,
    "rates": rate_card.RateFilter,
    "accounts": account_list.AccountFilter,
    "movements": movement.MovementFilter,
    "calls": queries.Filter,
    "recordings": recording.RecordingFilter,
    "jobs": job.JobFilter,
    "entries of the audit log": audit.EntryFilter,
}


def test_every_filter_of_a_long_list_is_tried_here() -> None:
    tried: dict[str, set[str]] = {}
    for case in cases():
        tried.setdefault(case.listing.name, set()).update(case.wanted)
    for name, kind in FILTERS.items():
        assert tried[name] == {one.name for one in fields(kind)}, name
    assert tried.keys() - FILTERS.keys() == {"speed dials", "entries of a calendar", "entries of a list"}


def test_every_list_is_tried_here_or_is_short() -> None:
    assert {one.name for one in LARGE} | SMALL.keys() == {one.name for one in ALL}
    assert {one.listing.name for one in cases()} == {one.name for one in LARGE}


@pytest.mark.parametrize(
    ("case", "index"),
    [
        (Case(queries.CALLS, "-started", False, {"number": "441234567"}), "ix_call_legs_dialled"),
        (Case(audit.ENTRIES, "-at", False, {"subject": "customer 42"}), "ix_audit_log_subject"),
        (Case(clis.CLIS, "id", False, {"search": "4419"}), "clis_number"),
        (Case(clis.CLIS, "number", False, {"customer_id": 42}), "ix_clis_customer"),
        (Case(dids.DIDS, "app", False, {"search": "4419"}), "dids"),
        (Case(card.CARDS, "expires", False, {"batch": "spring"}), "ix_cards_batch"),
        (Case(cli_codes.CLI_CODES, "id", False, {"search": "4419"}), "cli_codes"),
    ],
    ids=str,
)
async def test_what_few_rows_have_is_found_by_its_own_index(
    store: Store, monkeypatch: pytest.MonkeyPatch, case: Case, index: str
) -> None:
    """The keys of few rows are read by that index, and then the rows by their keys."""
    asked = Asked()
    asked.listen(monkeypatch)
    looked_at: list[Select[Any]] = []
    run = AsyncConnection.execute

    async def kept(connection: AsyncConnection, statement: Any, *given: Any) -> Any:
        looked_at.append(statement)
        return await run(connection, statement, *given)

    monkeypatch.setattr(AsyncConnection, "execute", kept)
    async with store.reading() as connection:
        if store.dialect == "postgresql":
            await connection.execute(text("SET enable_seqscan = off"))
            looked_at.clear()
        await ask(connection, case)
        lines = await plan(connection, looked_at[0])
    assert [line for line in lines if index in line]
    assert not any(line.startswith("SCAN") for line in lines)
    (query,) = asked.queries
    assert " IN (" in str(query), "read by the keys"


@pytest.mark.parametrize(
    ("case", "index"),
    [
        (Case(clis.CLIS, "id", True, {"is_pattern": True}), "ix_clis_patterns"),
        (Case(dids.DIDS, "-number", True, {"enabled": False}), "ix_dids_disabled"),
        (Case(card.CARDS, "id", True, {"archived": True}), "ix_cards_archived"),
        (Case(movement.MOVEMENTS, "-booked", True, {"kind": "refund"}), "ix_ledger_movements_kind"),
        (Case(movement.MOVEMENTS, "booked", True, {"operator": "ann"}), "ix_ledger_movements_operator"),
    ],
    ids=str,
)
async def test_rows_that_have_an_index_to_themselves_are_read_by_it(
    plans: tuple[AsyncConnection, Asked], case: Case, index: str
) -> None:
    connection, asked = plans
    await ask(connection, case)
    assert asked.queries
    for query in asked.queries:
        assert index in "\n".join(await plan(connection, query))


async def test_the_movements_of_a_call_are_found_by_its_legs(plans: tuple[AsyncConnection, Asked]) -> None:
    connection, _ = plans
    lines = await plan(connection, movement.query_of_legs(["01a.1@1.1", "01a.2@1.1"]).order_by(None))
    assert "ix_ledger_movements_leg" in "\n".join(lines)


async def test_standing_holds_are_found_by_an_index_of_them_alone(store: Store) -> None:
    place = hold.HOLDS.place(PageRequest(10))
    holds = metadata.tables["ledger_holds"]
    query = place.of_each([select(holds.c.leg_id).where(text("state = 'held'"))])
    async with store.reading() as connection:
        if store.dialect == "postgresql":
            await connection.execute(text("SET enable_seqscan = off"))
        assert "ix_ledger_holds_held" in "\n".join(await plan(connection, query))
