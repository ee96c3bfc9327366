"""`cxRest` on each database: what scripts read and write, with the rights of the user whom they name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import JsonValue

from ringflow.accounts import operators, roles
from ringflow.accounts.access import password_links
from ringflow.accounts.cards.generation import Plan, generate, open_batch
from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.operators import USED_EVERY_MS, Operator
from ringflow.accounts.passwords import Passwords
from ringflow.accounts.peppers import Pepper, Peppers
from ringflow.accounts.roles import Role
from ringflow.actor import acting, shell_operator
from ringflow.audit import EntryFilter, entry_page
from ringflow.config import Config, CustomerDeclaration, DidDeclaration
from ringflow.rights import Right
from ringflow.scripts.rest import Rest
from ringflow.scripts.run import CallRefused
from ringflow.store import Store
from ringflow.store.pages import PageRequest
from ringflow.store.record_tables import call_records

NOW_MS = 1_767_225_600_000
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
async def ask(store: Store) -> Ask:
    """Asks as a script does: method, resource, fields, and whose rights it uses."""
    config = Config(
        customers=(CustomerDeclaration(id=42, name="Ann", clis=("441910000001",)),),
        dids=(DidDeclaration(number="18005550100", app="calling_card", customer=42),),
    )
    await apply_declarations(store, config)
    async with acting(store, shell_operator("test"), "US") as actor:
        await operators.add(actor, Operator("all@example.com", "admin"), None)
        await operators.add(actor, Operator("reads@example.com", "viewer"), None)
        await operators.add(actor, Operator("gone@example.com", "admin"), None)
        await operators.set_enabled(actor, "gone@example.com", False)
        some = frozenset({Right.CUSTOMERS_READ, Right.CUSTOMERS_CHANGE})
        await roles.add(actor, Role("some", some))
        await operators.add(actor, Operator("some@example.com", "some"), None)
    rest = Rest(store, "US")

    async def asked(
        method: str, resource: JsonValue, fields: JsonValue = None, user: JsonValue = "all@example.com"
    ) -> Any:
        given: dict[str, JsonValue] = {
            "user": user,
            "method": method,
            "resource": resource,
            "given": fields or {},
        }
        return await rest.request("one", given, NOW_MS)

    return asked


def fields(row: JsonValue, *names: str) -> list[JsonValue]:
    assert isinstance(row, dict)
    return [row[name] for name in names]


async def test_a_calling_number_is_added_found_changed_and_deleted(ask: Ask) -> None:
    made = await ask("post", "cli", {"cli": "+44 20 7183 8750", "company_id": "42", "notes": "home"})
    assert fields(made, "cli", "company_id", "notes", "status") == ["442071838750", 42, "home", "OK"]
    (number,) = fields(made, "id")
    for resource, wanted in (
        ("cli", {"cli": "+442071838750"}),
        ("/cli", {"number": "442071838750", "company_id": 42}),
        ("cli?cli=442071838750", {}),
        (f"cli/{number}", {}),
        ("cli", {"id": number}),
        ("cli/442071838750", {}),
        ("cli", {"s": "home"}),
    ):
        (found,) = await ask("get", resource, wanted)
        assert fields(found, "id") == [number], resource
    assert await ask("get", "cli", {"cli": "442071838750", "company_id": 7}) == []
    assert fields(await ask("put", f"cli/{number}", {"notes": "work"}), "notes") == ["work"]
    assert fields(await ask("delete", "cli", {"cli": "442071838750"}), "id", "status") == [number, "OK"]
    assert await ask("get", "cli", {"cli": "442071838750"}) == []


async def test_a_caller_with_a_short_number_is_not_taken_for_the_row_of_that_number(ask: Ask) -> None:
    (row,) = await ask("get", "cli", {"company_id": 42})
    (number,) = fields(row, "id")
    assert await ask("get", "cli", {"cli": str(number)}) == []
    assert await ask("get", "cli", {"cli": number}) == []
    assert await ask("get", "cli", {"cli": ""}) == []


async def test_a_customer_is_added_changed_and_deleted(ask: Ask) -> None:
    made = await ask("post", "customer", {"name": "Bob", "currency": "EUR", "channels": 2})
    assert fields(made, "id", "name", "currency", "channels", "status") == [43, "Bob", "EUR", 2, "active"]
    changed = await ask("put", "customer/43", {"status": "Inactive", "channels": None, "debit_limit": 12.5})
    assert fields(changed, "status", "channels", "debit_limit") == ["inactive", None, 12.5]
    for resource, wanted in (
        ("customer", {"id": 43}),
        ("customer", {"name": "Bob"}),
        ("customer", {"status": "Inactive"}),
        ("customer?currency=EUR", {}),
        ("customer", {"company_id": "43"}),
    ):
        (found,) = await ask("get", resource, wanted)
        assert fields(found, "id") == [43], wanted
    assert fields(await ask("get", "customer/43"), "name") == ["Bob"]
    assert len(await ask("get", "customer", {"_limit": 1})) == 1
    assert fields(await ask("post", "customer", {"id": 50}), "id") == [50]
    assert fields(await ask("delete", "customer/50"), "id") == [50]
    assert await ask("get", "customer", {"id": 50}) == []


async def test_a_did_is_added_changed_and_deleted(ask: Ask) -> None:
    made = await ask(
        "post",
        "did",
        {"did": "18005550142", "destination": "calling_card", "customer_id": 42, "identify": "none"},
    )
    assert fields(made, "did", "app", "company_id", "identify") == ["18005550142", "calling_card", 42, "none"]
    changed = await ask("put", "did/18005550142", {"enabled": 0, "company_id": None, "channels": 3})
    assert fields(changed, "enabled", "company_id", "channels") == [False, None, 3]
    (found,) = await ask("get", "did", {"enabled": "false"})
    assert fields(found, "number") == ["18005550142"]
    assert fields(await ask("delete", "did/18005550142"), "did") == ["18005550142"]
    assert await ask("get", "did/18005550142") == []


async def test_money_is_paid_in_once_for_its_key_and_read_again(ask: Ask) -> None:
    paid = await ask(
        "post",
        "payment",
        {"company_id": 42, "total": 10.5, "description": "cash", "status": "Completed", "key": "k"},
    )
    assert fields(paid, "total", "again", "status") == [10.5, False, "Completed"]
    again = await ask(
        "post", "payment", {"company_id": 42, "total": "10.50", "description": "cash", "key": "k"}
    )
    assert fields(again, "again") == [True]
    await ask("post", "/payment", {"company_id": 42, "total": -0.5})
    balance = await ask("get", "balance", {"company_id": 42})
    assert fields(balance, "credit", "available", "currency", "debit_limit") == [10, 10, "USD", 0]
    assert await ask("get", "balance/42") == balance
    payments = await ask("get", "payment", {"company_id": 42})
    assert [fields(row, "total", "description") for row in payments] == [[-0.5, "script"], [10.5, "cash"]]


async def test_a_card_is_disabled_and_enabled(ask: Ask, store: Store) -> None:
    secrets: list[tuple[str, str]] = []
    peppers = Peppers([Pepper("v1", b"a-pepper-for-tests")])
    plan = Plan("spring", 42, 3_000_000, count=1)
    batch = await generate(lambda: acting(store, shell_operator("test"), "US"), plan, peppers, secrets.extend)
    async with acting(store, shell_operator("test"), "US") as actor:
        await open_batch(actor, batch)
    (card,) = await ask("get", "card", {"batch": "spring"})
    assert fields(card, "status", "credit", "template_id", "company_id") == ["available", 3, 42, None]
    assert "pin" not in card
    number = card["id"]
    assert fields(await ask("put", f"card/{number}", {"status": "Disabled"}), "status") == ["disabled"]
    assert fields(await ask("put", "card", {"id": number, "status": "available"}), "status") == ["available"]
    assert await ask("get", f"card/{number}") == [card]


async def test_records_of_calls_are_found_by_their_fields(ask: Ask, store: Store) -> None:
    call = {
        "server": "ringflow",
        "duration_ms": 1500,
        "did": "18005550100",
        "cli": "441910000001",
        "app": "calling_card",
        "customer_id": 42,
        "outcome": "completed",
        "reason": "hung up",
    }
    async with store.writing() as connection:
        for number in range(3):
            row = {"call_id": f"c{number}", "started_ms": NOW_MS + number * 1000, **call}
            await connection.execute(call_records.insert().values(row))
    for wanted, expected in (
        ({"cli": "441910000001"}, ["c2", "c1", "c0"]),
        ({"company_id": 42, "_limit": 2}, ["c2", "c1"]),
        ({"from": NOW_MS + 1000, "until": NOW_MS + 2000}, ["c1"]),
        ({"did": "100"}, []),
        ({"id": "c0"}, ["c0"]),
    ):
        rows = await ask("get", "cdr", wanted)
        assert [fields(row, "id") for row in rows] == [[one] for one in expected], wanted
    (row,) = await ask("get", "cdr/c1")
    assert fields(row, "duration", "dt", "company_id") == [1.5, NOW_MS // 1000 + 1, 42]


async def test_what_a_script_changes_is_in_the_audit_log_as_the_scripts(ask: Ask, store: Store) -> None:
    await ask("post", "cli", {"cli": "442071838750", "company_id": 42}, "some@example.com")
    async with store.reading() as connection:
        wanted = EntryFilter(subject="CLI 442071838750")
        (entry, *_) = (await entry_page(connection, wanted, PageRequest(1))).items
    assert (entry.operator, entry.acted_as, entry.token) == ("some@example.com", "script", "script one")


async def test_a_script_acts_as_nobody_who_signs_in_or_is_about_to(ask: Ask, store: Store) -> None:
    async def refusal(user: str) -> tuple[str, int]:
        with pytest.raises(CallRefused) as caught:
            await ask("get", "balance", {"company_id": 42}, user)
        return caught.value.code, caught.value.status

    async with acting(store, shell_operator("test"), "US") as actor:
        hashed = await operators.new_password_hash(Passwords(), "correct horse battery", "ann")
        await operators.add(actor, Operator("ann", "admin"), hashed)
        await operators.add(actor, Operator("bob", "admin"), None)
    async with acting(store, shell_operator("test"), "US", NOW_MS) as actor:
        await password_links.make_reset_link(actor, "bob")
    assert await refusal("ann") == ("script.user_signs_in", 403)
    assert await refusal("bob") == ("script.user_signs_in", 403)


async def test_it_is_on_record_when_a_script_last_acted_as_a_user(ask: Ask, store: Store) -> None:
    async def used_ms(name: str) -> int | None:
        async with store.reading() as connection:
            return (await operators.show(connection, name)).script_used_ms

    assert await used_ms("reads@example.com") is None
    await ask("get", "balance", {"company_id": 42}, "reads@example.com")
    assert await used_ms("reads@example.com") == NOW_MS
    rest = Rest(store, "US")
    given: dict[str, JsonValue] = {"method": "get", "resource": "cli", "given": {}}
    for later_ms, expected_ms in ((USED_EVERY_MS - 1, 0), (USED_EVERY_MS, USED_EVERY_MS)):
        await rest.request("one", given | {"user": "reads@example.com"}, NOW_MS + later_ms)
        assert await used_ms("reads@example.com") == NOW_MS + expected_ms
    assert await used_ms("all@example.com") is None


REFUSED: list[tuple[str, JsonValue, JsonValue, str, str, int]] = [
    ("get", "cli", None, "nobody@example.com", "script.no_user", 401),
    ("get", "cli", None, "gone@example.com", "script.no_user", 401),
    ("get", "cli", None, "", "script.no_user", 401),
    ("post", "cli", {"cli": "1"}, "reads@example.com", "right.missing", 403),
    ("get", "did", None, "some@example.com", "right.missing", 403),
    ("put", "customer/42", {"debit_limit": 5}, "some@example.com", "right.missing", 403),
    ("post", "payment", {"company_id": 42, "total": 1}, "some@example.com", "right.missing", 403),
    ("get", "secrets", None, "all@example.com", "script.no_resource", 404),
    ("get", None, None, "all@example.com", "script.no_resource", 404),
    ("patch", "cli", None, "all@example.com", "script.no_resource", 404),
    ("post", "cdr", {"cli": "1"}, "all@example.com", "script.no_resource", 404),
    ("get", "did", {"nonsense": 1}, "all@example.com", "script.no_field", 400),
    ("put", "did/18005550100", {"script": "x"}, "all@example.com", "script.no_field", 400),
    ("get", "customer/nobody", None, "all@example.com", "customer.unknown", 404),
    ("get", "customer", {"id": "4 2"}, "all@example.com", "script.malformed", 400),
    ("get", "customer", {"id": 10**400}, "all@example.com", "script.malformed", 400),
    ("get", "customer", {"id": "0" * 17 + "9" * 20}, "all@example.com", "script.malformed", 400),
    ("get", "customer", {"id": "0" * 17 + "9" * 5000}, "all@example.com", "script.malformed", 400),
    ("get", "customer", {"status": "rich"}, "all@example.com", "script.malformed", 400),
    ("get", "did", {"enabled": "maybe"}, "all@example.com", "script.malformed", 400),
    ("get", "cli", {"cli": ["1"]}, "all@example.com", "script.malformed", 400),
    ("get", "cli", ["x"], "all@example.com", "script.malformed", 400),
    ("get", "balance", None, "all@example.com", "script.malformed", 400),
    ("get", "balance", {"company_id": 99}, "all@example.com", "customer.unknown", 404),
    ("post", "cli", {"cli": "nonsense", "company_id": 42}, "all@example.com", "number.malformed", 400),
    ("post", "cli", {"cli": "441910000001", "company_id": 42}, "all@example.com", "cli.taken", 409),
    ("put", "cli/441910000001", {"notes": "x"}, "all@example.com", "row.declared", 409),
    ("delete", "customer/42", None, "all@example.com", "row.declared", 409),
    ("post", "payment", {"company_id": 42, "total": "1.234"}, "all@example.com", "amount.too_fine", 400),
    (
        "post",
        "payment",
        {"company_id": 42, "total": 1, "status": "Pending"},
        "all@example.com",
        "script.malformed",
        400,
    ),
    (
        "post",
        "payment",
        {"company_id": 42, "total": 1, "key": "leg:1"},
        "all@example.com",
        "key.reserved",
        400,
    ),
    ("put", "card/1", {"status": "disabled"}, "all@example.com", "card.no_id", 400),
]


async def test_what_is_refused_has_a_code_and_changes_nothing(ask: Ask, store: Store) -> None:
    async with store.reading() as connection:
        before = await entry_page(connection, EntryFilter(), PageRequest(100))
    wrong = []
    for method, resource, given, user, code, status in REFUSED:
        with pytest.raises(CallRefused) as caught:
            await ask(method, resource, given, user)
        if (caught.value.code, caught.value.status) != (code, status):
            wrong.append((method, resource, given, caught.value.code, caught.value.status, str(caught.value)))
    assert not wrong, "\n".join(map(str, wrong))
    async with store.reading() as connection:
        assert await entry_page(connection, EntryFilter(), PageRequest(100)) == before
