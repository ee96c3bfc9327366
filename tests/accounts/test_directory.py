from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from ringflow.accounts import clis, customers, dids, trunks
from ringflow.accounts.admission import Admission, Rejection
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.accounts.directory import (
    ARRIVAL,
    ARRIVAL_BEHIND_DID,
    ARRIVAL_IN_OTHER_FORM,
    CALLING,
    Directory,
)
from ringflow.accounts.trunks import Trunk
from ringflow.actor import acting, shell_operator
from ringflow.errors import Refused
from ringflow.numbers import normalise_number
from ringflow.store import LookUp, Store, StoreGone
from ringflow.store.on_sqlite import OnSqlite
from ringflow.store.tables import clis as clis_table
from ringflow.store.tables import metadata

DID = "18005550100"
CLI = "441910000001"


@pytest.fixture
async def directory(store: Store) -> Directory:
    """Customer 42 with one CLI, and a DID that leads to `calling_card`."""
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(42, "Demo", channels=3, caller_id="18005550199"))
        await clis.add_number(actor, 42, CLI)
        await dids.add(actor, Did(DID, "calling_card"))
    return Directory(store, "US")


async def arrive(directory: Directory, cli: str | None = CLI, *, did: str = DID) -> Admission | Rejection:
    return await directory.arrive(did, cli, withheld=False)


async def test_a_whitelisted_caller_is_admitted_as_the_customer(directory: Directory) -> None:
    assert await arrive(directory) == Admission(
        Did(DID, "calling_card", "cli", None, True, None, 403, "identify", "operator"),
        Customer(42, "Demo", "active", "USD", 3, "18005550199", None, "operator"),
        CLI,
        CLI,
    )


@pytest.mark.parametrize("look_up", [ARRIVAL, ARRIVAL_IN_OTHER_FORM, CALLING])
async def test_sqlite_finds_did_and_cli_in_one_search_each(tmp_path: Path, look_up: LookUp) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/no-statistics.db")
    await store.migrate()
    async with store.reading() as connection:
        sql, order = look_up.compile(connection.dialect)
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", ("1",) * len(order))
        told = [str(row[-1]) for row in plan.all()]
    await store.close()
    assert [step for step in told if step.startswith("SEARCH clis")] == [
        "SEARCH clis USING COVERING INDEX ix_clis_number_customer_id (number=?) LEFT-JOIN"
    ]
    assert all(
        "USING PRIMARY KEY" in step for step in told if step.startswith(("SEARCH dids", "SEARCH dialled"))
    )


@pytest.mark.parametrize("cli", ["+441910000001", "00441910000001", "011441910000001", "+44 (0)1910000001"])
@pytest.mark.parametrize("did", ["+18005550100", "0018005550100", "8005550100"])
async def test_did_and_cli_are_known_in_every_form(directory: Directory, did: str, cli: str) -> None:
    answer = await arrive(directory, cli, did=did)
    assert isinstance(answer, Admission)
    assert (answer.did.number, answer.cli, answer.presented_cli) == (DID, CLI, cli)


@pytest.mark.parametrize(
    ("written", "arriving"),
    [
        ("+52 55 1234 5678", "+5215512345678"),
        ("+52 1 55 1234 5678", "525512345678"),
        ("+52 1 55 1234 5678", "0115215512345678"),
        ("+54 11 2345 6789", "+5491123456789"),
        ("+54 9 11 2345 6789", "541123456789"),
        ("+54 11 15 2345 6789", "5491123456789"),
        ("+55 11 98765 4321", "+551187654321"),
        ("+229 01 90 01 12 34", "+22990011234"),
    ],
)
async def test_old_and_mobile_forms_find_the_same_customer_as_the_plain_form(
    store: Store, directory: Directory, written: str, arriving: str
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(7))
        await clis.add_number(actor, 7, written)
        with pytest.raises(Refused, match="already belongs to customer 7"):
            await clis.add_number(actor, 7, arriving)
        assert (await clis.show(actor.connection, arriving, "US")).customer_id == 7
    for form in (written, arriving):
        assert await paying(directory, form) == 7
        assert (await directory.recognise(normalise_number(form, "US"))) == Customer(7)


async def test_the_number_that_arrived_is_kept_for_records_and_callees(
    store: Store, directory: Directory
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await clis.add_number(actor, 42, "+54 11 2345 6789")
    answer = await arrive(directory, "+5491123456789")
    assert isinstance(answer, Admission)
    assert answer.cli == "5491123456789"


@pytest.mark.parametrize("pattern", ["^5411", "^54911", "^5255", "^52155"])
async def test_patterns_for_either_form_find_the_caller(
    store: Store, directory: Directory, pattern: str
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await clis.add_pattern(actor, 42, pattern)
    arriving = (
        ("+5491123456789", "+541123456789") if "54" in pattern[:3] else ("+5215512345678", "525512345678")
    )
    assert [await paying(directory, form) for form in arriving] == [42, 42]


@pytest.mark.parametrize("number", ["100", "alice", "*98", "#1", "xy", "0"])
async def test_a_did_may_be_any_extension(store: Store, directory: Directory, number: str) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await dids.add(actor, Did(number, "internal"))
    answer = await arrive(directory, did=number)
    assert isinstance(answer, Admission)
    assert answer.did.app == "internal"


@pytest.mark.parametrize(
    "cli", ["441910000002", "", "anonymous", "100", "x" * 5000, "441910000001&SIP/x", None]
)
async def test_an_unknown_caller_is_not_authorized(directory: Directory, cli: str | None) -> None:
    assert await arrive(directory, cli) == Rejection(403, "CLI Not Authorized")


async def test_a_withheld_number_identifies_the_caller_unless_the_did_rejects_it(
    store: Store, directory: Directory
) -> None:
    answer = await directory.arrive(DID, CLI, withheld=True)
    assert isinstance(answer, Admission)
    assert answer.customer is not None
    assert (answer.customer.id, answer.cli, answer.withheld) == (42, CLI, True)
    async with acting(store, shell_operator("ann"), "US") as actor:
        await dids.alter(actor, DID, withheld="reject")
    assert await directory.arrive(DID, CLI, withheld=True) == Rejection(403, "CLI Not Authorized")
    assert isinstance(await directory.arrive(DID, CLI, withheld=False), Admission)


async def test_a_did_that_rejects_withheld_numbers_and_identifies_nobody_takes_them_as_none(
    store: Store, directory: Directory
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await dids.add(actor, Did("100", "desk", identify="none", customer_id=42, withheld="reject"))
    answer = await directory.arrive("100", CLI, withheld=True)
    assert isinstance(answer, Admission)
    assert answer.customer is not None
    assert (answer.customer.id, answer.cli, answer.withheld) == (42, None, True)


async def test_the_did_chooses_the_code_for_the_unknown(store: Store, directory: Directory) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await dids.alter(actor, DID, reject_code=401)
    assert await arrive(directory, "1") == Rejection(401, "CLI Not Authorized")


@pytest.mark.parametrize(
    "did", ["18005550101", "", "x" * 65, "a b", "1800555\n0100", "'; DROP TABLE dids", "\xe9", "\ud800"]
)
async def test_an_unknown_or_hostile_did_is_not_found(directory: Directory, did: str) -> None:
    assert await arrive(directory, did=did) == Rejection(404, "DID Not Found")


async def test_a_disabled_did_says_so_before_it_looks_at_the_caller(
    store: Store, directory: Directory
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await dids.alter(actor, DID, enabled=False)
    assert await arrive(directory, "1") == Rejection(480, "DID Disabled")


@pytest.mark.parametrize("status", ["inactive", "penalty", "pending"])
async def test_only_active_customers_may_call(store: Store, directory: Directory, status: str) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.alter(actor, 42, status=status)  # type: ignore[arg-type]
    assert await arrive(directory) == Rejection(403, f"Customer Not Active: {status}")


async def test_a_did_that_identifies_nobody_takes_everybody(store: Store, directory: Directory) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await dids.alter(actor, DID, identify="none")
    for cli in (CLI, "441910000002", None):
        answer = await arrive(directory, cli)
        assert isinstance(answer, Admission)
        assert answer.customer is None
    async with acting(store, shell_operator("ann"), "US") as actor:
        await dids.alter(actor, DID, customer_id=42)
    answer = await arrive(directory, None)
    assert isinstance(answer, Admission)
    assert answer.customer is not None
    assert answer.customer.id == 42
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.alter(actor, 42, status="penalty")
    assert await arrive(directory, None) == Rejection(403, "Customer Not Active: penalty")


async def test_the_customer_of_a_did_does_not_pay_for_callers_who_are_identified(
    store: Store, directory: Directory
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(7))
        await dids.alter(actor, DID, customer_id=7)
    answer = await arrive(directory)
    assert isinstance(answer, Admission)
    assert answer.customer is not None
    assert answer.customer.id == 42
    assert await arrive(directory, "441910000002") == Rejection(403, "CLI Not Authorized")


async def paying(directory: Directory, cli: str | None, withheld: bool = False) -> int | None:
    answer = await directory.arrive(DID, cli, withheld)
    return answer.customer.id if isinstance(answer, Admission) and answer.customer else None


async def test_patterns_come_after_exact_numbers_and_the_oldest_wins(
    store: Store, directory: Directory
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        for customer_id, pattern in ((1, r"^4419\d+$"), (2, "^44"), (3, "191000")):
            await customers.add(actor, Customer(customer_id))
            await clis.add_pattern(actor, customer_id, pattern)
    assert await paying(directory, CLI) == 42
    assert await paying(directory, "441910000002") == 1
    assert await paying(directory, "442070000000") == 2
    assert await paying(directory, "33191000000") == 3  # unanchored: anywhere in the number
    assert await paying(directory, "12125550100") is None
    assert await paying(directory, None) is None


async def test_a_pattern_that_matches_nothing_at_all_opens_to_anonymous_callers(
    store: Store, directory: Directory
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(1))
        await clis.add_pattern(actor, 1, "^.*")
    assert await paying(directory, CLI) == 42
    assert await paying(directory, "12125550100") == 1
    assert await paying(directory, None) == 1
    assert await paying(directory, "anonymous") == 1
    async with acting(store, shell_operator("ann"), "US") as actor:
        await dids.alter(actor, DID, withheld="reject")
    assert await paying(directory, CLI, withheld=True) == 1
    answer = await directory.arrive(DID, "Bob\r\n", withheld=False)
    assert isinstance(answer, Admission)
    assert (answer.cli, answer.presented_cli) == (None, "Bob\\r\\n")


async def test_the_first_pattern_decides_also_when_its_customer_may_not_call(
    store: Store, directory: Directory
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(1, status="pending"))
        await customers.add(actor, Customer(2))
        await clis.add_pattern(actor, 1, "^1212")
        await clis.add_pattern(actor, 2, "^1")
    assert await arrive(directory, "12125550100") == Rejection(403, "Customer Not Active: pending")


async def test_a_change_is_seen_by_the_very_next_call_in_every_process(
    store: Store, directory: Directory
) -> None:
    other = Directory(store, "US")
    assert await paying(directory, "12125550100") is None
    assert await paying(other, "12125550100") is None
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(1))
        cli = await clis.add_pattern(actor, 1, "^1212")
        await trunks.add(actor, Trunk("a", "PJSIP/{number}@a"))
    for each in (directory, other):
        assert await paying(each, "12125550100") == 1
        assert [trunk.name for trunk in await each.trunks()] == ["a"]
    async with acting(store, shell_operator("ann"), "US") as actor:
        await clis.remove(actor, cli)
        await trunks.alter(actor, "a", enabled=False)
    for each in (directory, other):
        assert await paying(each, "12125550100") is None
        assert await each.trunks() == ()


async def test_enabled_trunks_come_by_position_then_name(store: Store, directory: Directory) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        for name, position, enabled in (("c", 1, True), ("b", 2, True), ("a", 2, True), ("z", 0, False)):
            trunk = Trunk(name, "PJSIP/{number}@x", {"X-B": "1", "X-A": "2"}, position, enabled)
            await trunks.add(actor, trunk)
    found = await directory.trunks()
    assert [trunk.name for trunk in found] == ["c", "a", "b"]
    assert list(found[0].headers.items()) == [("X-B", "1"), ("X-A", "2")]


async def test_a_pattern_that_got_in_past_the_check_stops_nobody(store: Store, directory: Directory) -> None:
    row = {"customer_id": 42, "notes": "", "source": "operator", "created_ms": 0, "updated_ms": 0}
    async with acting(store, shell_operator("ann"), "US") as actor:
        await actor.connection.execute(clis_table.insert().values(row | {"pattern": "(?=look)"}))
        await clis.add_pattern(actor, 42, "^1212")
    assert await paying(directory, "12125550100") == 42


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_call_costs_one_statement(store: Store, directory: Directory) -> None:
    await arrive(directory, "12125550100")
    assert isinstance(store._database, OnSqlite)
    assert store._database._look_ups is not None
    assert store._database._look_ups.connection is not None
    statements: list[str] = []
    store._database._look_ups.connection.set_trace_callback(statements.append)
    await arrive(directory)
    assert len(statements) == 1
    await arrive(directory, "12125550100")
    assert len(statements) == 2
    await directory.trunks()
    assert len(statements) == 2


async def test_callers_at_once_load_the_patterns_once_and_all_get_their_customer(
    store: Store, directory: Directory
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await clis.add_pattern(actor, 42, "^1212")
    numbers = [f"1212555{index:04}" for index in range(100)]
    assert await asyncio.gather(*[paying(directory, number) for number in numbers]) == [42] * 100


async def test_a_database_that_is_gone_is_said_to_be(store: Store, directory: Directory) -> None:
    await store.close()
    with pytest.raises(StoreGone):
        await arrive(directory)
    with pytest.raises(StoreGone):
        await directory.trunks()


@pytest.mark.parametrize(
    ("kind", "table"), [(Customer, "customers"), (Did, "dids"), (clis.Cli, "clis"), (Trunk, "trunks")]
)
def test_each_noun_has_the_columns_of_its_table(kind: type, table: str) -> None:
    assert dataclasses.is_dataclass(kind)
    fields = {field.name for field in dataclasses.fields(kind)}
    # Columns that were added later stand at the end of their table.
    assert {*fields, "created_ms", "updated_ms"} == set(metadata.tables[table].columns.keys())


async def one_stage(store: Store, *numbers: str, variable: str | None = None) -> Directory:
    """DIDs with a number behind them, each of which leads to an app that is called after it."""
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(42, "Demo"))
        await clis.add_number(actor, 42, CLI)
        for index, number in enumerate(numbers):
            await dids.add(actor, Did(number, f"app{index}", variable=variable))
    return Directory(store, "US")


@pytest.mark.parametrize(
    "dialled",
    [
        "5061999441234567890",
        "+5061999441234567890",
        "005061999441234567890",
        "0115061999441234567890",
        "5061999441234567890#",
    ],
)
async def test_what_is_dialled_behind_a_did_is_the_number_that_is_wanted(store: Store, dialled: str) -> None:
    directory = await one_stage(store, "+506 1999{number}")
    answer = await arrive(directory, did=dialled)
    assert isinstance(answer, Admission)
    assert (answer.did.number, answer.did.variable, answer.brought) == (
        "5061999{number}",
        "ivr_destination",
        "441234567890",
    )


@pytest.mark.parametrize(
    ("dialled", "app", "brought"),
    [
        ("50619994412", "app0", "4412"),
        ("506199955", "app1", "5"),
        ("50619995", "app3", None),
        ("5061234", "app2", "1234"),
    ],
)
async def test_of_dids_with_a_number_behind_them_the_most_digits_win(
    store: Store, dialled: str, app: str, brought: str | None
) -> None:
    directory = await one_stage(store, "5061999{number}", "50619995{number}", "506{number}", "50619995")
    answer = await arrive(directory, did=dialled)
    assert isinstance(answer, Admission)
    assert (answer.did.app, answer.brought) == (app, brought)


@pytest.mark.parametrize("dialled", ["5061999", "5061999abc", "+", "4", "5061999" + "4" * 33])
async def test_a_did_with_a_number_behind_it_is_not_reached_without_one(store: Store, dialled: str) -> None:
    answer = await arrive(await one_stage(store, "5061999{number}"), did=dialled)
    assert answer == Rejection(404, "DID Not Found")


async def test_sqlite_looks_dids_with_a_number_up_by_their_key(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/no-statistics.db")
    await store.migrate()
    async with store.reading() as connection:
        sql, order = ARRIVAL_BEHIND_DID.compile(connection.dialect)
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", ("1",) * len(order))
        told = [str(row[-1]) for row in plan.all()]
    await store.close()
    assert not [step for step in told if step.startswith("SCAN dids") or "SCAN dialled" in step]
    assert "SEARCH dialled USING PRIMARY KEY (number=?)" in told


async def test_which_did_a_number_reaches_is_shown(store: Store) -> None:
    await one_stage(store, "5061999{number}", "506{number}", variable="wanted")
    async with store.reading() as connection:
        assert (await dids.reached(connection, "5061999441234567890", "US")).app == "app0"
        assert (await dids.reached(connection, "+506{number}", "US")).app == "app1"
        with pytest.raises(Refused, match="DID 5071 does not exist"):
            await dids.reached(connection, "5071", "US")


@pytest.mark.parametrize(
    ("did", "message"),
    [
        (Did("5061999{number}", "x"), r"DID 5061999\{number\} exists already and leads to app0"),
        (Did("+506-1999{number}", "x"), r"DID 5061999\{number\} exists already"),
        (
            Did("{number}5061999", "x"),
            r"write at most 20 digits and then \{number\}, such as 5061999\{number",
        ),
        (Did("5061999{dest}", "x"), "write at most 20 digits and then"),
        (Did("5" * 21 + "{number}", "x"), "write at most 20 digits and then"),
        (Did("506{number}", "x", variable="Wanted"), "variable `Wanted`: write small letters"),
        (Did("5060", "x", variable="wanted"), "variable `wanted`: DID 5060 brings no number; leave it out"),
    ],
)
async def test_a_did_with_a_number_behind_it_is_refused_for_a_reason(
    store: Store, did: Did, message: str
) -> None:
    await one_stage(store, "5061999{number}")
    async with acting(store, shell_operator("ann"), "US") as actor:
        with pytest.raises(Refused, match=message):
            await dids.add(actor, did)
