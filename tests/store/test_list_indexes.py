"""Every sort of every list, and filters by which much is found, are read by an index on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
from ringflow.jobs import job
from ringflow.ledger import account_list, hold, movement, server_list
from ringflow.ledger.rates import card as rate_card
from ringflow.money import Rounding
from ringflow.recordings import recording
from ringflow.records import queries
from ringflow.store import Store
from ringflow.store.pages import Listing, PageRequest
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
    """Keeps the queries of a page instead of running them, and answers that there is nothing."""

    def __init__(self) -> None:
        self.queries: list[Select[Any]] = []

    def listen(self, patch: pytest.MonkeyPatch) -> None:
        """Have every page that is asked for kept here."""
        branches = queries.CALLS.place(PageRequest(1)).__class__.branches

        def kept(place: Any, query: Select[Any]) -> list[Select[Any]]:
            found = branches(place, query)
            self.queries += found
            return found

        patch.setattr("ringflow.store.pages.Place.branches", kept)


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
        (clis.CLIS, "id", {"customer_id": 42}),
        (cli_codes.CLI_CODES, "id", {"customer_id": 42}),
        (cli_codes.CLI_CODES, "number", {"search": "44191"}),
        (speed_dials.SPEED_DIALS, "customer", {"customer_id": 42}),
        (dids.DIDS, "number", {"customer_id": 42}),
        (dids.DIDS, "number", {"app": "menu"}),
        (card.CARDS, "id", {"status": "disabled"}),
        (card.CARDS, "id", {"customer_id": 42}),
        (card.CARDS, "id", {"redeemed_by": 42}),
        (card.CARDS, "id", {"batch": "spring"}),
        (card.CARDS, "id", {"id_prefix": "1234"}),
        (card.CARDS, "id", {"archived": True}),
        (voucher.VOUCHERS, "id", {"status": "used"}),
        (voucher.VOUCHERS, "id", {"batch": "spring"}),
        (voucher.VOUCHERS, "id", {"redeemed_by": 42}),
        (rate_card.RATES, "prefix", {"prefix": "447"}),
        (movement.MOVEMENTS, "-booked", {"customer_id": 42}),
        (movement.MOVEMENTS, "-booked", {"since_ms": 1, "until_ms": 2}),
        (queries.CALLS, "-started", {"customer": 42}),
        (queries.CALLS, "-started", {"cli": "441910000001"}),
        (queries.CALLS, "-started", {"did": "18005550100"}),
        (queries.CALLS, "-started", {"card": "100000000007"}),
        (queries.CALLS, "-started", {"since_ms": 1, "until_ms": 2}),
        (queries.CALLS, "-started", {"number": "44123"}),
        (recording.RECORDINGS, "-recorded", {"customer": 42}),
        (recording.RECORDINGS, "-recorded", {"cli": "441910000001"}),
        (recording.RECORDINGS, "-recorded", {"call": "01a"}),
        (recording.RECORDINGS, "-recorded", {"since_ms": 1, "until_ms": 2}),
        (entries.ENTRIES, "value", {"search": "4419"}),
        (job.JOBS, "-queued", {"operator": "ann"}),
        (audit.ENTRIES, "-at", {"operator": "ann"}),
        (audit.ENTRIES, "-at", {"since_ms": 1, "until_ms": 2}),
    ):
        for later in (False, True):
            yield Case(listing, sort, later, wanted)


async def ask(connection: AsyncConnection, case: Case) -> None:
    """Ask for the page of a case."""
    asked = PageRequest(100, cursor(case) if case.later else None, case.sort)
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
            await speed_dials.page(connection, wanted.get("customer_id"), None, asked)
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
            await calendar.entries_of(connection, "england", None, asked)
        case "entries of the audit log":
            await audit.entry_page(connection, audit.EntryFilter(**wanted), asked)
        case "entries of a list":
            barred = value_list.ValueList(1, "barred", entry_value.ListKind.NUMBERS)
            await entries.page(connection, barred, wanted.get("search"), asked)
        case _:
            raise AssertionError(case.listing.name)


def cursor(case: Case) -> str:
    columns = case.listing.sorts[case.sort.removeprefix("-")]
    values = [1 if one.type.python_type is int else "1" for one in columns]
    return case.listing.cursor(case.sort, values)


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


async def test_pages_of_long_lists_are_read_by_an_index(plans: tuple[AsyncConnection, Asked]) -> None:
    connection, asked = plans
    found: dict[str, list[str]] = {}
    for case in cases():
        asked.queries.clear()
        await ask(connection, case)
        assert asked.queries, case
        for query in asked.queries:
            lines = await plan(connection, query)
            if wrong(lines, case, connection.dialect.name):
                found[str(case)] = lines
    assert found == {}


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
        yield connection, asked


def test_every_list_is_tried_here_or_is_short() -> None:
    assert {one.name for one in LARGE} | SMALL.keys() == {one.name for one in ALL}
    assert {one.listing.name for one in cases()} == {one.name for one in LARGE}


@pytest.mark.parametrize(
    ("case", "index"),
    [
        (Case(queries.CALLS, "-started", False, {"number": "441234567"}), "ix_call_legs_dialled"),
        (Case(audit.ENTRIES, "-at", False, {"subject": "customer 42"}), "ix_audit_log_subject"),
    ],
    ids=str,
)
async def test_what_few_rows_begin_with_is_found_by_its_own_index(
    store: Store, case: Case, index: str
) -> None:
    asked = Asked()
    async with store.reading() as connection:
        with pytest.MonkeyPatch.context() as patch:
            asked.listen(patch)
            await ask(connection, case)
        if store.dialect == "postgresql":
            await connection.execute(text("SET enable_seqscan = off"))
        (query,) = asked.queries
        lines = await plan(connection, query.order_by(None))
    found = [line for line in lines if index in line]
    assert found
    assert not any(line.startswith("SCAN") for line in lines)


async def test_the_movements_of_a_call_are_found_by_its_legs(plans: tuple[AsyncConnection, Asked]) -> None:
    connection, _ = plans
    lines = await plan(connection, movement.query_of_legs(["01a.1@1.1", "01a.2@1.1"]).order_by(None))
    assert "ix_ledger_movements_leg" in "\n".join(lines)


async def test_standing_holds_are_found_by_an_index_of_them_alone(store: Store) -> None:
    place = hold.HOLDS.place(PageRequest(10))
    holds = metadata.tables["ledger_holds"]
    query = place.of(select(holds.c.leg_id).where(text("state = 'held'")))
    async with store.reading() as connection:
        if store.dialect == "postgresql":
            await connection.execute(text("SET enable_seqscan = off"))
        assert "ix_ledger_holds_held" in "\n".join(await plan(connection, query))
