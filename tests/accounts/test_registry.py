from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ringflow.accounts import clis, customers, dids, trunks
from ringflow.accounts.clis import Cli
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.accounts.trunks import Trunk
from ringflow.actor import Actor, acting, shell_operator
from ringflow.audit import EntryFilter, entry_page
from ringflow.errors import Refused
from ringflow.store import Store
from ringflow.store.pages import PageRequest
from ringflow.store.tables import customers as customers_table
from ringflow.store.tables import directory_revision

UNKNOWN: Any = "other"
Work = Callable[[Actor], Coroutine[Any, Any, object]]


def changed(store: Store) -> AbstractAsyncContextManager[Actor]:
    return acting(store, shell_operator("ann"), "US")


async def make(store: Store, *works: Work) -> list[Any]:
    async with changed(store) as actor:
        return [await work(actor) for work in works]


async def refusal(store: Store, work: Work) -> str:
    """The one line with which `work` is refused; the directory is as it was before."""
    before = await revision(store)
    with pytest.raises(Refused) as raised:
        await make(store, work)
    assert await revision(store) == before
    assert "\n" not in str(raised.value)
    return str(raised.value)


async def revision(store: Store) -> int:
    async with store.reading() as connection:
        return int((await connection.execute(directory_revision.select())).one().revision)


@pytest.fixture
async def filled(store: Store) -> Store:
    """Customers 1 and 2; 1 has a CLI and a DID."""
    await make(
        store,
        lambda actor: customers.add(actor, Customer(1, "One")),
        lambda actor: customers.add(actor, Customer(2, "Two", currency="EUR")),
        lambda actor: clis.add_number(actor, 1, "+44 191 000 0001"),
        lambda actor: dids.add(actor, Did("+1 (800) 555-0100", "calling_card", customer_id=1)),
    )
    return store


async def test_what_was_added_is_shown_and_listed(filled: Store) -> None:
    async with filled.reading() as connection:
        assert await customers.show(connection, 2) == Customer(2, "Two", currency="EUR")
        assert [one.id for one in await customers.every(connection)] == [1, 2]
        assert [one.id for one in await customers.every(connection, limit=1)] == [1]
        cli = Cli(1, 1, "441910000001")
        assert await clis.show(connection, "0044 1910000001", "US") == cli
        assert await clis.show(connection, "1", "US") == cli
        assert await clis.every(connection, customer_id=1) == [cli]
        assert await clis.every(connection, customer_id=2) == []
        did = Did("18005550100", "calling_card", customer_id=1)
        assert await dids.show(connection, "8005550100", "US") == did
        assert await dids.every(connection, customer_id=1) == [did]


async def test_times_of_making_and_changing_are_kept(filled: Store) -> None:
    await make(filled, lambda actor: customers.alter(actor, 1, name="Uno"))
    async with filled.reading() as connection:
        rows = (await connection.execute(customers_table.select().order_by(customers_table.c.id))).all()
    assert rows[0].created_ms > 1_600_000_000_000
    assert rows[0].updated_ms >= rows[0].created_ms == rows[1].updated_ms


async def test_every_change_moves_the_revision_once_and_no_change_does_not(filled: Store) -> None:
    start = await revision(filled)
    await make(
        filled,
        lambda actor: customers.alter(actor, 1, name="Uno", channels=5),
        lambda actor: customers.alter(actor, 2, status="penalty"),
    )
    assert await revision(filled) == start + 1
    await make(
        filled,
        lambda actor: customers.alter(actor, 1, name="Uno"),
        lambda actor: dids.alter(actor, "18005550100", enabled=True),
        lambda actor: clis.alter(actor, "441910000001", customer_id=1),
    )
    assert await revision(filled) == start + 1


async def test_a_field_can_be_emptied_and_others_stay(filled: Store) -> None:
    await make(filled, lambda actor: customers.alter(actor, 1, channels=5, caller_id="8005550100"))
    (after,) = await make(filled, lambda actor: customers.alter(actor, 1, channels=None))
    assert after == Customer(1, "One", caller_id="18005550100")
    words: tuple[str | None, ...] = ("own", "withheld", None)
    for word in words:
        await make(filled, partial(customers.alter, customer_id=1, caller_id=word))
        async with filled.reading() as connection:
            assert (await customers.show(connection, 1)).caller_id == word


async def test_a_language_that_a_caller_chose_is_kept_and_audited_and_nothing_is_done_twice(
    filled: Store,
) -> None:
    (after,) = await make(filled, lambda actor: customers.remember_language(actor, 1, "es"))
    assert after == Customer(1, "One", language="es")
    moved = await revision(filled)
    await make(filled, lambda actor: customers.remember_language(actor, 1, "es"))
    assert await revision(filled) == moved
    async with filled.reading() as connection:
        newest = (await entry_page(connection, EntryFilter(), PageRequest(1))).items[0]
    before, after = newest.before or {}, newest.after or {}
    assert (newest.subject, before["language"], after["language"]) == ("customer 1", None, "es")


async def test_an_exact_cli_belongs_to_one_customer(filled: Store) -> None:
    line = await refusal(filled, lambda actor: clis.add_number(actor, 2, "00441910000001"))
    assert line == "CLI 441910000001 already belongs to customer 1; delete it there first"
    line = await refusal(filled, lambda actor: clis.add_number(actor, 1, "441910000001"))
    assert line == "CLI 441910000001 already belongs to customer 1"


async def test_a_pattern_belongs_to_one_customer_too(filled: Store) -> None:
    await make(filled, lambda actor: clis.add_pattern(actor, 1, "^44"))
    line = await refusal(filled, lambda actor: clis.add_pattern(actor, 2, "^44"))
    assert line == "CLI pattern ^44 already belongs to customer 1; delete it there first"


async def test_two_claims_in_the_same_instant_give_one_owner(filled: Store) -> None:
    claims = [make(filled, lambda actor, owner=owner: clis.add_number(actor, owner, "12125550100"))  # type: ignore[misc]
              for owner in (1, 2)]  # fmt: skip
    results = await asyncio.gather(*claims, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Refused)]
    assert len(refused) == 1
    assert "already belongs to customer" in str(refused[0])


async def test_ids_are_chosen_upwards_and_those_of_patterns_are_never_given_twice(filled: Store) -> None:
    assert await make(filled, customers.next_id) == [3]
    first, second = await make(
        filled,
        lambda actor: clis.add_pattern(actor, 1, "^1"),
        lambda actor: clis.add_pattern(actor, 1, "^2"),
    )
    await make(filled, lambda actor: clis.remove(actor, second))
    (third,) = await make(filled, lambda actor: clis.add_pattern(actor, 1, "^3"))
    assert first.id < second.id < third.id


async def test_a_customer_with_numbers_is_not_deleted_by_the_way(filled: Store) -> None:
    line = await refusal(filled, lambda actor: customers.delete(actor, 1))
    assert line == "customer 1 has 1 CLIs and 1 DIDs; delete them first"
    await make(filled, lambda actor: customers.delete(actor, 1, cascade=True))
    async with filled.reading() as connection:
        assert [one.id for one in await customers.every(connection)] == [2]
        assert list(await clis.every(connection)) == []
        assert list(await dids.every(connection)) == []


async def test_a_customer_without_numbers_is_deleted(filled: Store) -> None:
    await make(filled, lambda actor: customers.delete(actor, 2))
    async with filled.reading() as connection:
        assert await customers.find(connection, 2) is None


async def test_dids_clis_and_trunks_are_deleted(filled: Store) -> None:
    await make(
        filled,
        lambda actor: trunks.add(actor, Trunk("a", "PJSIP/{number}@a")),
        lambda actor: dids.delete(actor, "+18005550100"),
        lambda actor: clis.delete(actor, "+441910000001"),
        lambda actor: trunks.delete(actor, "a"),
    )
    async with filled.reading() as connection:
        assert list(await dids.every(connection)) == []
        assert list(await clis.every(connection)) == []
        assert list(await trunks.every(connection)) == []


async def test_a_cli_moves_to_another_customer(filled: Store) -> None:
    await make(filled, lambda actor: clis.alter(actor, "441910000001", customer_id=2, notes="moved"))
    async with filled.reading() as connection:
        assert await clis.show(connection, "441910000001", "US") == Cli(1, 2, "441910000001", notes="moved")


@pytest.mark.parametrize(
    ("work", "line"),
    [
        (lambda c: customers.show(c.connection, 9), "customer 9 does not exist"),
        (lambda c: customers.show(c.connection, 10**30), "does not exist"),
        (lambda c: customers.alter(c, -1, name="x"), "customer -1 does not exist"),
        (lambda c: customers.delete(c, 9), "customer 9 does not exist"),
        (lambda c: customers.add(c, Customer(1)), r"customer 1 exists already \(One\)"),
        (lambda c: customers.add(c, Customer(0)), "customer id 0 is out of range"),
        (lambda c: customers.add(c, Customer(2**31)), "customer id 2147483648 is out of range"),
        (lambda c: customers.add(c, Customer(3, "a\nb")), r"name `a\\nb`: write one line"),
        (lambda c: customers.add(c, Customer(3, "a" * 201)), "at most 200"),
        (
            lambda c: customers.add(c, Customer(3, status=UNKNOWN)),
            "status `other` is not known; choose one of active, inactive, penalty",
        ),
        (lambda c: customers.add(c, Customer(3, currency="usd")), "`usd` is not a currency"),
        (
            lambda c: customers.add(c, Customer(3, currency="ABC")),
            "`ABC` is not a currency: write a code",
        ),
        (lambda c: customers.add(c, Customer(3, channels=0)), "channels 0 is out of range"),
        (lambda c: customers.add(c, Customer(3, caller_id="me")), "caller ID `me` is not a number"),
        (
            lambda c: customers.alter(c, 1, language="xx"),
            "`xx` is not a language spoken here: there are",
        ),
        (lambda c: customers.alter(c, 1, currency="EUR"), "customer 1: the currency stays USD"),
        (lambda c: clis.add_number(c, 9, "12125550100"), "customer 9 does not exist"),
        (lambda c: clis.add_number(c, 1, "anonymous"), "CLI `anonymous` is not a telephone number"),
        (lambda c: clis.add_pattern(c, 1, "("), r"pattern `\(`: missing \): \($"),
        (lambda c: clis.add_pattern(c, 1, "(?=4)"), "RE2 takes no look-around"),
        (lambda c: clis.add_pattern(c, 1, ""), "write 1 to 256 printable"),
        (lambda c: clis.add_number(c, 1, "12125550100", notes="\x1b[2J"), "notes"),
        (lambda c: clis.alter(c, "441910000001", customer_id=9), "customer 9 does not exist"),
        (lambda c: clis.delete(c, "12125550100"), "CLI 12125550100 does not exist"),
        (lambda c: dids.add(c, Did("8005550100", "x")), "DID 18005550100 exists already and leads to"),
        (lambda c: dids.add(c, Did("a b", "x")), "DID `a b`: write a telephone number"),
        (lambda c: dids.add(c, Did("100", "../etc")), r"app `\.\./etc`: write the app's name"),
        (lambda c: dids.add(c, Did("100", "a.b")), r"app `a\.b`: write the app's name"),
        (lambda c: dids.add(c, Did("100", "x", customer_id=9)), "customer 9 does not exist"),
        (lambda c: dids.add(c, Did("100", "x", identify=UNKNOWN)), "identify `other` is not known"),
        (lambda c: dids.add(c, Did("100", "x", reject_code=200)), "reject code 200 is out of range"),
        (lambda c: dids.alter(c, "100", app="x"), "DID 100 does not exist"),
        (lambda c: dids.delete(c, "'; DROP"), r"DID \\'; DROP does not exist"),
        (lambda c: trunks.show(c.connection, "a"), "trunk a does not exist"),
        (lambda c: trunks.add(c, Trunk("-a", "PJSIP/{number}@a")), "trunk name `-a`"),
        (
            lambda c: trunks.add(c, Trunk("a", "PJSIP/{number}@a", rated=UNKNOWN)),
            "rated `other` is not known",
        ),
        (lambda c: trunks.add(c, Trunk("a", "PJSIP/{number}@a", server="a b")), "server `a b`"),
        (lambda c: trunks.add(c, Trunk("a", "PJSIP/{number}@a", position=2**31)), "position"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_one_line(filled: Store, work: Work, line: str) -> None:
    assert re.search(line, await refusal(filled, work))


@pytest.mark.parametrize(
    "dial",
    [
        "PJSIP/{number}@carrier",
        "SIP/carrier/{number}",
        "Local/{number}@out/n",
        "local/{number}@out/jn",
        "PJSIP/1234#{number}@carrier",
        "PJSIP/carrier/sip:{number}@[::1]:5060;transport=tcp",
    ],
)
async def test_dial_strings_of_every_technology_are_taken(store: Store, dial: str) -> None:
    (trunk,) = await make(store, lambda actor: trunks.add(actor, Trunk("a", dial)))
    assert trunk.dial == dial


@pytest.mark.parametrize("dial", ["Local/{number}@out", "local/{number}@out/j", "LOCAL/{number}@n"])
async def test_a_local_channel_that_asterisk_would_take_out_of_the_call_is_no_trunk(
    store: Store, dial: str
) -> None:
    with pytest.raises(Refused, match=r"a Local channel needs /n at its end, as in Local/{number}@context/n"):
        await make(store, lambda actor: trunks.add(actor, Trunk("a", dial)))


@pytest.mark.parametrize(
    "dial",
    [
        "",
        "PJSIP/carrier",
        "{number}",
        "PJSIP/{number}@{number}",
        "PJSIP/{number}@a&PJSIP/evil",
        "PJSIP/{number}@a,30",
        "PJSIP/{number}@$" + "{EXTEN}",
        "PJSIP/{number}@a(b)",
        'PJSIP/{number}"',
        "PJSIP/{number}@a\n",
        "PJSIP/ {number}",
        "PJSIP/{number}|a",
        "PJSIP/{number}\\",
        "PJSIP/{number}@\xe9",
        "PJSIP/{NUMBER}",
        "PJSIP/{number}{",
    ],
)
async def test_a_dial_string_that_could_say_something_else_is_refused(store: Store, dial: str) -> None:
    assert "dial `" in await refusal(store, lambda actor: trunks.add(actor, Trunk("a", dial)))


@pytest.mark.parametrize(
    "headers",
    [
        {"": "x"},
        {"X Y": "x"},
        {"X:": "x"},
        {"X-\xe9": "x"},
        {"X-A": "a\r\nVia: b"},
        {"X-A": "\x00"},
        {"X-A": "\x7f"},
        {"X-A": "a" * 513},
        {"Via": "x"},
        {"CALL-ID": "x"},
        {"X-A`": "x"},
        {"x-customer-id": "1"},
        {"X-CX-Sec": "v1.1.0"},
        {"X-A": "1", "x-a": "2"},
        {f"X-{index}": "" for index in range(33)},
    ],
)
async def test_a_header_that_would_break_the_invite_is_refused(store: Store, headers: dict[str, str]) -> None:
    trunk = Trunk("a", "PJSIP/{number}@a", headers)
    assert "header" in await refusal(store, lambda actor: trunks.add(actor, trunk))


async def test_a_trunk_is_changed_field_by_field(store: Store) -> None:
    trunk = Trunk("a", "PJSIP/{number}@a", {"X-A": "1", "X-B": "2"}, caller_id="8005550100")
    (added,) = await make(store, lambda actor: trunks.add(actor, trunk))
    assert added == replace(trunk, caller_id="18005550100")
    start = await revision(store)
    await make(store, lambda actor: trunks.alter(actor, "a", headers={"X-A": "1", "X-B": "2"}))
    assert await revision(store) == start
    await make(
        store, lambda actor: trunks.alter(actor, "a", headers={"X-B": "2", "X-A": "1"}, rated="upstream")
    )
    async with store.reading() as connection:
        found = await trunks.show(connection, "a")
    assert list(found.headers) == ["X-B", "X-A"]
    assert (found.rated, found.caller_id) == ("upstream", "18005550100")
    line = await refusal(store, lambda actor: trunks.add(actor, trunk))
    assert line == "trunk a exists already"


async def test_customers_that_are_added_at_the_same_instant_get_ids_of_their_own(store: Store) -> None:
    async def add() -> int:
        async with changed(store) as actor:
            return (await customers.add(actor, Customer(await customers.next_id(actor)))).id

    assert sorted(await asyncio.gather(*[add() for _ in range(5)])) == [1, 2, 3, 4, 5]


async def test_changes_of_the_directory_wait_for_each_other_whatever_they_change(store: Store) -> None:
    seen: list[str] = []
    first_is_in = asyncio.Event()

    async def first() -> None:
        async with changed(store) as actor:
            await customers.add(actor, Customer(1))
            first_is_in.set()
            # Round trips enough for the other to be done, if it did not wait.
            for _ in range(50):
                await actor.connection.execute(directory_revision.select())
            seen.append("first")

    async def second() -> None:
        await first_is_in.wait()
        async with changed(store) as actor:
            await trunks.add(actor, Trunk("a", "PJSIP/{number}@a"))
            seen.append("second")

    await asyncio.gather(first(), second())
    assert seen == ["first", "second"]


async def test_a_masked_value_of_a_header_keeps_the_one_that_is_there(store: Store) -> None:
    trunk = Trunk("carrier", "PJSIP/{number}@c", {"X-Key": "secret", "X-Line": "7"})
    async with acting(store, shell_operator("ann"), "US") as actor:
        await trunks.add(actor, trunk)
        changed = await trunks.alter(actor, "carrier", headers={"X-Line": "8", "X-Key": "****"})
        assert changed.headers == {"X-Line": "8", "X-Key": "secret"}
        with pytest.raises(Refused, match="stands for a value that is not shown"):
            await trunks.alter(actor, "carrier", headers={"X-Other": "****"})
        with pytest.raises(Refused) as refused:
            await trunks.add(actor, replace(trunk, name="other", headers={"X-Key": "****"}))
    assert (refused.value.code, refused.value.at) == ("trunk.masked_header", ("headers", "X-Key"))
