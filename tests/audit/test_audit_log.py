"""The audit log: who changed what, in the same transaction, for ever, and without secrets."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ringflow.accounts import clis, customers, dids, trunks
from ringflow.accounts.customers import Customer
from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.dids import Did
from ringflow.accounts.trunks import Trunk
from ringflow.actor import acting, shell_operator
from ringflow.audit import Entry, EntryFilter, Verb, entry_page, note
from ringflow.config import Config, CustomerDeclaration
from ringflow.errors import Refused
from ringflow.store import Store
from ringflow.store.pages import PageRequest


async def entries(store: Store, **wanted: str) -> list[Entry]:
    async with store.reading() as connection:
        return list((await entry_page(connection, EntryFilter(**wanted), PageRequest(100))).items)  # type: ignore[arg-type]


def said(entry: Entry) -> str:
    return f"{entry.operator}: {entry.verb} {entry.subject}"


async def test_every_change_of_the_registry_is_noted_with_its_operator(store: Store) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(1, "One"))
        await clis.add_number(actor, 1, "+441910000001")
        await clis.add_pattern(actor, 1, "^44")
        await dids.add(actor, Did("18005550100", "card", customer_id=1))
        await trunks.add(actor, Trunk("carrier", "PJSIP/{number}@carrier"))
    async with acting(store, shell_operator("bob"), "US") as actor:
        await customers.alter(actor, 1, status="penalty")
        await clis.alter(actor, "441910000001", notes="her mobile")
        await dids.alter(actor, "18005550100", enabled=False)
        await trunks.alter(actor, "carrier", position=5)
        await trunks.delete(actor, "carrier")
        await customers.delete(actor, 1, cascade=True)
    assert [said(one) for one in reversed(await entries(store))] == [
        "ann: add customer 1",
        "ann: add CLI 441910000001",
        "ann: add CLI pattern ^44",
        "ann: add DID 18005550100",
        "ann: add trunk carrier",
        "bob: set customer 1",
        "bob: set CLI 441910000001",
        "bob: set DID 18005550100",
        "bob: set trunk carrier",
        "bob: delete trunk carrier",
        "bob: delete CLI 441910000001",
        "bob: delete CLI pattern ^44",
        "bob: delete DID 18005550100",
        "bob: delete customer 1",
    ]


async def test_an_entry_has_before_and_after(store: Store) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(1, "One"))
        await customers.alter(actor, 1, name="Uno", channels=3)
        await customers.alter(actor, 1, name="Uno")
        await customers.delete(actor, 1)
    gone, altered, made = await entries(store, subject="customer 1")
    assert (made.before, gone.after) == (None, None)
    assert made.after is not None
    assert altered.before == made.after == {**made.after, "name": "One", "channels": None}
    assert altered.after == gone.before == {**made.after, "name": "Uno", "channels": 3}


async def test_a_change_that_is_not_kept_leaves_no_entry(store: Store) -> None:
    async def change_and_fail() -> None:
        async with acting(store, shell_operator("ann"), "US") as actor:
            await customers.add(actor, Customer(1))
            await customers.add(actor, Customer(1))

    with pytest.raises(Refused, match="exists already"):
        await change_and_fail()
    assert await entries(store) == []


async def test_what_the_configuration_declares_is_noted_under_its_name_and_only_once(store: Store) -> None:
    config = Config(customers=(CustomerDeclaration(id=42),))
    for _ in range(2):
        await apply_declarations(store, config)
    assert [said(one) for one in await entries(store)] == ["config.yaml: add customer 42"]


async def test_text_under_a_secrets_name_is_masked(store: Store) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        headers = {"X-Api-Key": "s3cr3t", "Authorization": "Basic s3cr3t", "X-Route": "a"}
        await trunks.add(actor, Trunk("carrier", "PJSIP/{number}@carrier", headers))
        await note(actor, Verb.GENERATE, "batch", None, {"pin": "90817", "pin_length": 5, "pin_only": True})
        lists = {"keys": ["s3cr3t", 7], "servers": [{"name": "a", "password": "s3cr3t"}], "tags": ["open"]}
        await note(actor, Verb.SET, "lists", lists, {"secrets": {"of": {"a": ["s3cr3t"]}}, "pins": None})
    listed, batch, trunk = await entries(store)
    masked = {"keys": ["****", 7], "servers": [{"name": "a", "password": "****"}], "tags": ["open"]}
    assert (listed.before, listed.after) == (masked, {"secrets": {"of": {"a": ["****"]}}, "pins": None})
    assert batch.after == {"pin": "****", "pin_length": 5, "pin_only": True}
    assert trunk.after is not None
    assert trunk.after["headers"] == {"X-Api-Key": "****", "Authorization": "****", "X-Route": "a"}


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET operator = 'eve'", "DELETE FROM audit_log"])
async def test_the_database_itself_refuses_to_change_the_log(store: Store, statement: str) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(1))
    with pytest.raises(DBAPIError, match="the audit log is never changed"):
        async with store.writing() as connection:
            await connection.execute(text(statement))
    assert [said(one) for one in await entries(store)] == ["ann: add customer 1"]


async def test_entries_are_found_by_operator_subject_and_time(store: Store) -> None:
    for now_ms, operator, subject in ((1, "ann", "customer 1"), (2, "bob", "DID 1800"), (3, "bob", "c%")):
        async with acting(store, shell_operator(operator), "US", now_ms) as actor:
            await note(actor, Verb.SET, subject, None, None)
    assert [one.at_ms for one in await entries(store, operator="bob")] == [3, 2]
    assert [one.at_ms for one in await entries(store, subject="c")] == [3, 1]
    assert [one.at_ms for one in await entries(store, subject="c%")] == [3]
    async with store.reading() as connection:
        assert [
            one.at_ms for one in (await entry_page(connection, EntryFilter(since_ms=2), PageRequest(1))).items
        ] == [3]


@pytest.mark.parametrize("operator", ["", "  ", "ann\n", "x" * 201])
async def test_nobody_cannot_change_anything(store: Store, operator: str) -> None:
    with pytest.raises(Refused, match=r"^operator `|the name of who makes it"):
        async with acting(store, shell_operator(operator), "US") as actor:
            await customers.add(actor, Customer(1))
    assert await entries(store) == []
