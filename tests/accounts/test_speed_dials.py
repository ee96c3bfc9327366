"""Numbers under short keys: kept by operators and callers, read by calls, gone with their customer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from ringflow.accounts import customers, speed_dials
from ringflow.accounts.customers import Customer
from ringflow.accounts.phone_book import LAST_DIALLED, NUMBER, PhoneBook
from ringflow.accounts.speed_dial_import import SpeedDialImport
from ringflow.accounts.speed_dials import SpeedDial
from ringflow.actor import Actor, acting, shell_operator
from ringflow.errors import DocumentError, Refused
from ringflow.store import Store
from ringflow.store.pages import PageRequest

UNDIALLED = frozenset({"refused", "no_credit"})
WITHOUT_NUMBER = frozenset({"device"})


@pytest.fixture
async def book(store: Store) -> PhoneBook:
    """Customers 42 and 43; Ann is under key 5 of the first."""
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(42, "Demo"))
        await customers.add(actor, Customer(43, "Other"))
        await speed_dials.add(actor, SpeedDial(42, 5, "+44 191 000 0001", "Ann"))
    return PhoneBook(store, "US", lambda: 1000)


async def logged(store: Store) -> list[tuple[str, str | None, str | None]]:
    async with store.reading() as connection:
        rows = await connection.execute(
            text('SELECT verb, "before", "after" FROM audit_log WHERE subject LIKE \'speed%\' ORDER BY id')
        )
        return [(row[0], row[1], row[2]) for row in rows]


async def test_a_key_dials_the_number_in_full(book: PhoneBook) -> None:
    assert await book.number(42, 5) == "+441910000001"
    assert await book.number(42, 6) is None
    assert await book.number(43, 5) is None


async def test_a_caller_keeps_replaces_and_forgets_a_number(book: PhoneBook) -> None:
    assert await book.keep(43, 0, "2025550123")
    assert await book.keep(43, 99, "112")
    assert await book.keep(43, 0, "011441910000009")
    assert await book.every(43) == [SpeedDial(43, 0, "441910000009"), SpeedDial(43, 99, "112")]
    assert await book.number(43, 99) == "112"
    assert await book.forget(43, 0)
    assert not await book.forget(43, 0)
    assert [one.place for one in await book.every(43)] == [99]
    assert [one.place for one in await book.every(42)] == [5]


async def test_calls_that_keep_a_number_under_one_key_at_once_all_keep_theirs(
    book: PhoneBook, database_url: str
) -> None:
    stores = [await Store.open(database_url) for _ in range(3)]
    books = [PhoneBook(store, "US", lambda: 1000) for store in stores]
    try:
        kept = await asyncio.gather(*(books[at % 3].keep(43, 7, f"20255501{at:02d}") for at in range(12)))
    finally:
        for store in stores:
            await store.close()
    assert kept == [True] * 12
    assert [one.place for one in await book.every(43)] == [7]


@pytest.mark.parametrize(("place", "number"), [(100, "2025550123"), (-1, "2025550123"), (1, "12#3"), (1, "")])
async def test_what_cannot_be_kept_is_not(book: PhoneBook, place: int, number: str) -> None:
    assert not await book.keep(43, place, number)
    assert await book.every(43) == []


async def test_the_numbers_go_with_their_customer(store: Store, book: PhoneBook) -> None:
    await book.keep(43, 1, "2025550123")
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.delete(actor, 42)
    assert await book.every(42) == []
    assert len(await book.every(43)) == 1


async def test_the_audit_log_does_not_have_whom_a_customer_calls(store: Store, book: PhoneBook) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await speed_dials.alter(actor, 42, 5, number="2025550123")
        await speed_dials.delete(actor, 42, 5)
    await book.keep(42, 5, "2025550199")
    entries = await logged(store)
    assert [verb for verb, _, _ in entries] == ["add", "set", "delete"]
    assert not [one for entry in entries for one in entry if one and ("1910" in one or "2025" in one)]
    assert not [one for entry in entries for one in entry if one and "Ann" in one]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (SpeedDial(42, 5, "2025550123"), "customer 42 has a number under key 5 already"),
        (SpeedDial(42, 100, "2025550123"), "place 100 is out of range; write a number from 0 to 99"),
        (SpeedDial(42, 6, "Ann"), "`Ann` is not a number that can be dialled: write one such as"),
        (SpeedDial(7, 6, "2025550123"), "customer 7 does not exist"),
    ],
)
async def test_a_wrong_speed_dial_is_refused(
    store: Store, book: PhoneBook, wanted: SpeedDial, message: str
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        with pytest.raises(Refused, match=message):
            await speed_dials.add(actor, wanted)


async def test_speed_dials_are_read_page_by_page(store: Store, book: PhoneBook) -> None:
    for place in (7, 0, 30):
        await book.keep(43, place, "2025550123")
    async with store.reading() as connection:
        first = await speed_dials.page(connection, None, None, PageRequest(3))
        rest = await speed_dials.page(connection, None, None, PageRequest(3, first.next))
        named = await speed_dials.page(connection, None, "ann", PageRequest(3))
        own = await speed_dials.page(connection, 43, None, PageRequest(9))
    found = [(one.customer_id, one.place) for one in (*first.items, *rest.items)]
    assert found == [(42, 5), (43, 0), (43, 7), (43, 30)]
    assert [one.place for one in named.items] == [5]
    assert len(own.items) == 3


async def imported(actor: Actor, path: Path, lines: str, *, update: bool = False) -> tuple[int, int, int]:
    await asyncio.to_thread(path.write_text, lines)
    done = await SpeedDialImport(actor).run(path, update=update, dry_run=False)
    return done.added, done.changed, done.unchanged


async def test_speed_dials_are_imported(store: Store, book: PhoneBook, tmp_path: Path) -> None:
    file = tmp_path / "dials.csv"
    async with acting(store, shell_operator("ann"), "US") as actor:
        lines = "customer,key,number,name\n43,1,2025550123,Bob\n43,02,+441910000002,\n42,5,12025550123,\n"
        assert await imported(actor, file, lines, update=True) == (2, 1, 0)
        assert await imported(actor, file, lines, update=True) == (0, 0, 3)
    assert await book.every(43) == [SpeedDial(43, 1, "12025550123", "Bob"), SpeedDial(43, 2, "441910000002")]
    assert await book.every(42) == [SpeedDial(42, 5, "12025550123", "Ann")]
    assert not [one for entry in await logged(store) for one in entry if one and "2025" in one]


async def test_every_wrong_line_of_an_import_is_named(store: Store, book: PhoneBook, tmp_path: Path) -> None:
    lines = "customer,place,number\n9,1,2025550123\n42,100,2025550123\n42,1,no\n42,5,2025550123\n42,,1\n"
    async with acting(store, shell_operator("ann"), "US") as actor:
        with pytest.raises(DocumentError) as refused:
            await imported(actor, tmp_path / "dials.csv", lines)
    told = "\n".join(map(str, refused.value.problems))
    for what in (
        "customer 9 does not exist",
        "place 100 is out of range",
        "`no` is not a number that can be dialled",
        "speed dial 5 of customer 42 exists already",
        "is empty; write a number",
    ):
        assert what in told
    assert await book.every(43) == []


async def record(
    store: Store, call_id: str, customer: int, *legs: tuple[str, str, str], trunk: str = "t"
) -> None:
    async with store.writing() as connection:
        await connection.execute(
            text(
                "INSERT INTO call_records (call_id, server, started_ms, duration_ms, did, customer_id, "
                "outcome, reason) VALUES (:id, 'a', :at, 1, '100', :customer, 'completed', '')"
            ),
            {"id": call_id, "at": int(call_id), "customer": customer},
        )
        for position, (keyed, dialled, status) in enumerate(legs, 1):
            await connection.execute(
                text(
                    "INSERT INTO call_legs (call_id, position, dialled, keyed, trunk, status) "
                    "VALUES (:id, :position, :dialled, :keyed, :trunk, :status)"
                ),
                {
                    "id": call_id,
                    "position": position,
                    "dialled": dialled,
                    "keyed": keyed,
                    "trunk": trunk,
                    "status": status,
                },
            )


async def test_the_last_number_is_the_newest_that_was_dialled(store: Store, book: PhoneBook) -> None:
    assert await book.last_number(42, UNDIALLED, WITHOUT_NUMBER) is None
    await record(store, "1", 42, ("2025550111", "12025550111", "answered"))
    await record(
        store, "2", 42, ("2025550122", "12025550122", "busy"), ("2025550133", "12025550133", "answered")
    )
    await record(
        store,
        "3",
        42,
        ("sip:a@b", "sip:a@b", "answered"),
        ("2025550144", "12025550144", "refused"),
        ("1", "1", "no_credit"),
    )
    await record(store, "4", 43, ("2025550155", "12025550155", "answered"))
    await record(store, "5", 43, ("101", "101", "answered"), trunk="device")
    assert await book.last_number(42, UNDIALLED, WITHOUT_NUMBER) == "2025550133"
    assert await book.last_number(43, UNDIALLED, WITHOUT_NUMBER) == "2025550155"


@pytest.mark.parametrize("look_up", [NUMBER, LAST_DIALLED])
async def test_sqlite_finds_them_by_index(tmp_path: Path, look_up: object) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/no-statistics.db")
    await store.migrate()
    async with store.reading() as connection:
        sql, order = look_up.compile(connection.dialect)  # type: ignore[attr-defined]
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (1,) * len(order))
        told = [str(row[-1]) for row in plan.all()]
    await store.close()
    assert not [step for step in told if step.startswith("SCAN") and "latest" not in step]
