from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ringflow.accounts import clis, customers, dids, trunks
from ringflow.accounts.admission import Admission
from ringflow.accounts.clis import Cli
from ringflow.accounts.customers import Customer
from ringflow.accounts.declarations import apply_declarations, check_declarations
from ringflow.accounts.dids import Did
from ringflow.accounts.directory import Directory
from ringflow.accounts.trunks import Trunk
from ringflow.actor import CALLER, acting, shell_operator
from ringflow.config import Config, load_config
from ringflow.errors import ConfigError, Refused
from ringflow.store import Store
from ringflow.store.tables import directory_revision

DEMO = """
customers:
  - {id: 42, name: Demo, clis: ["441910000001", "+1 212 555 0100", "^3319"]}
dids:
  - {number: "18005550100", app: calling_card, channels: 10}
  - {number: "100", app: internal, identify: none, customer: 42}
trunks:
  - {name: carrier, dial: "PJSIP/{number}@carrier", server: carrier.example.net, headers: {X-A: "1"}}
"""


def config(folder: Path, text: str) -> Config:
    path = folder / "config.yaml"
    path.write_text(text, "utf-8")
    return load_config(path, {})


def told(error: ConfigError) -> list[str]:
    """The problems from their lines on."""
    return [str(problem).removeprefix(f"{problem.path}:") for problem in error.problems]


async def revision(store: Store) -> int:
    async with store.reading() as connection:
        return int((await connection.execute(directory_revision.select())).one().revision)


async def everything(store: Store) -> list[object]:
    async with store.reading() as connection:
        found: list[object] = [*await customers.every(connection), *await clis.every(connection)]
        return [*found, *await dids.every(connection), *await trunks.every(connection)]


async def test_what_is_declared_is_there_and_marked(store: Store, tmp_path: Path) -> None:
    await apply_declarations(store, config(tmp_path, DEMO))
    assert await everything(store) == [
        Customer(42, "Demo", source="config"),
        Cli(1, 42, "441910000001", source="config"),
        Cli(2, 42, "12125550100", source="config"),
        Cli(3, 42, pattern="^3319", source="config"),
        Did("100", "internal", "none", 42, source="config"),
        Did("18005550100", "calling_card", channels=10, source="config"),
        Trunk(
            "carrier", "PJSIP/{number}@carrier", {"X-A": "1"}, server="carrier.example.net", source="config"
        ),
    ]
    answer = await Directory(store, "US").arrive("18005550100", "441910000001", withheld=False)
    assert isinstance(answer, Admission)


async def test_applying_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    await apply_declarations(store, config(tmp_path, DEMO))
    before, moved = await everything(store), await revision(store)
    assert moved == 2  # one transaction
    await apply_declarations(store, config(tmp_path, DEMO))
    assert (await everything(store), await revision(store)) == (before, moved)
    await apply_declarations(store, config(tmp_path, DEMO.replace("name: Demo", "name: Other")))
    assert await revision(store) == moved + 1


async def test_a_language_that_a_caller_chose_stays_unless_one_is_declared(
    store: Store, tmp_path: Path
) -> None:
    await apply_declarations(store, config(tmp_path, DEMO))
    async with acting(store, CALLER, "US") as actor:
        await customers.remember_language(actor, 42, "es")
    await apply_declarations(store, config(tmp_path, DEMO))
    async with store.reading() as connection:
        assert (await customers.show(connection, 42)).language == "es"
    declared = DEMO.replace("name: Demo", "name: Demo, language: fr")
    await apply_declarations(store, config(tmp_path, declared))
    async with store.reading() as connection:
        assert (await customers.show(connection, 42)).language == "fr"


async def test_what_is_no_longer_declared_goes(store: Store, tmp_path: Path) -> None:
    await apply_declarations(store, config(tmp_path, DEMO))
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(7))
        await dids.add(actor, Did("200", "mine"))
    await apply_declarations(store, config(tmp_path, "country: US"))
    assert await everything(store) == [Customer(7), Did("200", "mine")]


async def test_a_customer_that_operators_rows_lean_on_is_set_inactive_and_may_come_back(
    store: Store, tmp_path: Path
) -> None:
    await apply_declarations(store, config(tmp_path, DEMO))
    async with acting(store, shell_operator("ann"), "US") as actor:
        await clis.add_number(actor, 42, "12125550199")
    for _ in range(2):
        await apply_declarations(store, config(tmp_path, "country: US"))
        assert await everything(store) == [
            Customer(42, "Demo", "inactive", source="config"),
            Cli(4, 42, "12125550199"),
        ]
    await apply_declarations(store, config(tmp_path, DEMO))
    async with store.reading() as connection:
        assert (await customers.show(connection, 42)).status == "active"


async def test_each_declaration_that_goes_is_named_in_the_log_once(store: Store, tmp_path: Path) -> None:
    await apply_declarations(store, config(tmp_path, DEMO + "  - {name: b, dial: 'PJSIP/{number}@b'}\n"))
    async with acting(store, shell_operator("ann"), "US") as actor:
        await clis.add_number(actor, 42, "12125550199")
    other = config(tmp_path, "customers: [{id: 7}]")
    with capture_logs() as logs:
        await apply_declarations(store, other)
        await apply_declarations(store, other)
        await apply_declarations(store, config(tmp_path, "country: US"))
    assert {(log["event"], log["log_level"]) for log in logs} == {("declaration removed", "warning")}
    assert [(log["noun"], log["name"], log["outcome"]) for log in logs] == [
        ("CLI", "441910000001", "deleted"),
        ("CLI", "12125550100", "deleted"),
        ("CLI", "^3319", "deleted"),
        ("DID", "100", "deleted"),
        ("DID", "18005550100", "deleted"),
        ("trunk", "b", "deleted"),
        ("trunk", "carrier", "deleted"),
        ("customer", "42", "inactive"),
        ("customer", "7", "deleted"),
    ]


async def test_nothing_is_said_to_be_removed_where_the_declarations_are_refused(
    store: Store, tmp_path: Path
) -> None:
    await apply_declarations(store, config(tmp_path, DEMO))
    before = await everything(store)
    with capture_logs() as logs, pytest.raises(ConfigError):
        await apply_declarations(store, config(tmp_path, "dids: [{number: '1', app: a, customer: 9}]"))
    assert (logs, await everything(store)) == ([], before)


async def test_a_number_moves_between_declared_customers(store: Store, tmp_path: Path) -> None:
    text = "customers: [{{id: 1, clis: [{}]}}, {{id: 2, clis: [{}]}}]"
    await apply_declarations(store, config(tmp_path, text.format('"12125550100"', "")))
    await apply_declarations(store, config(tmp_path, text.format("", '"12125550100"')))
    async with store.reading() as connection:
        assert (await clis.show(connection, "12125550100", "US")).customer_id == 2


async def test_conflicts_are_named_all_at_once_and_nothing_is_changed(store: Store, tmp_path: Path) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(42, "Mine"))
        await customers.add(actor, Customer(1))
        await clis.add_number(actor, 1, "12125550100")
        await dids.add(actor, Did("18005550100", "mine"))
        await trunks.add(actor, Trunk("carrier", "PJSIP/{number}@mine"))
    before, moved = await everything(store), await revision(store)
    text = DEMO + "  - {name: wrong, dial: PJSIP/carrier}\n"
    text = text.replace("customers:", 'customers:\n  - {id: 8, clis: ["12125550100", "bob"]}')
    with pytest.raises(ConfigError) as raised:
        await apply_declarations(store, config(tmp_path, text))
    mend = "was already made by an operator; delete it there, or take it out of config.yaml"
    assert told(raised.value) == [
        "3:20: customer 8: CLI 12125550100 already belongs to customer 1; delete it there first",
        (
            "3:35: customer 8: CLI `bob` is not a telephone number: write its digits alone, with the country "
            "code, or a name around them as in Ann <441910000001>"
        ),
        f"4:5: customer 42 {mend}",
        "4:49: customer 42: CLI 12125550100 already belongs to customer 1; delete it there first",
        f"6:5: DID 18005550100 {mend}",
        f"9:5: trunk carrier {mend}",
        "10:25: trunk wrong: dial `PJSIP/carrier`: write {number} exactly once, as in PJSIP/{number}@carrier",
    ]
    assert (await everything(store), await revision(store)) == (before, moved)


WRONG = """
customers: [{id: 1}, {id: 1}]
dids:
  - {number: "18005550100", app: a}
  - {number: "+1 800 555 0100", app: "b c", customer: 1}
  - {number: "200", app: "c d", customer: 9}
trunks:
  - {name: a, dial: "A/{number}", headers: {X-A: "1", Via: "2"}}
  - {name: a, dial: "B/{number}", caller_id: me}
  - {name: b, dial: "B", headers: {Via: "1", X-A: "1", x-a: "2"}, server: "a b", caller_id: me}
"""
WHAT_IS_WRONG = [
    "2:27: customer 1 is declared twice (keep one of them)",
    "5:14: DID 18005550100 is declared twice (keep one of them)",
    "5:38: DID +1 800 555 0100: app `b c`: write the app's name: letters, digits, `_` and `-`",
    "6:26: DID 200: app `c d`: write the app's name: letters, digits, `_` and `-`",
    "6:43: DID 200: customer 9 does not exist (add or declare it first)",
    "8:60: trunk a: header `Via` is written by Asterisk; remove it",
    "9:12: trunk a is declared twice (keep one of them)",
    "9:46: trunk a: caller ID `me` is not a number; write digits such as 441910000001",
    "10:21: trunk b: dial `B`: write {number} exactly once, as in PJSIP/{number}@carrier",
    "10:41: trunk b: header `Via` is written by Asterisk; remove it",
    "10:61: trunk b: header `x-a` is given twice; keep one of them",
    "10:75: trunk b: server `a b`: write a host name or an address",
    "10:93: trunk b: caller ID `me` is not a number; write digits such as 441910000001",
]


async def test_a_customer_that_is_refused_does_not_hide_its_clis_nor_make_its_dids_wrong(
    store: Store, tmp_path: Path
) -> None:
    text = """
customers: [{id: 7, currency: ZZZ, caller_id: me, clis: [bob, "^44"]}]
dids: [{number: "100", app: a, customer: 7}]
"""
    with pytest.raises(ConfigError) as raised:
        await apply_declarations(store, config(tmp_path, text))
    assert [str(problem).partition(": ")[2].partition(": write")[0] for problem in raised.value.problems] == [
        "customer 7: `ZZZ` is not a currency",
        "customer 7: caller ID `me` is not a number; write digits such as 441910000001, `own` or `withheld`",
        "customer 7: CLI `bob` is not a telephone number",
    ]
    async with store.reading() as connection:
        assert await customers.every(connection) == []


async def test_all_that_is_wrong_is_told_at_once_with_its_places(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        await apply_declarations(store, config(tmp_path, WRONG))
    assert told(raised.value) == WHAT_IS_WRONG
    assert await everything(store) == []


async def test_declarations_are_checked_without_the_database(tmp_path: Path) -> None:
    url = f"database: {{url: 'sqlite:///{tmp_path}/ringflow.db'}}\n"
    assert await check_declarations(config(tmp_path, DEMO + url)) == []
    problems = await check_declarations(config(tmp_path, WRONG + url))
    assert told(ConfigError(problems)) == WHAT_IS_WRONG
    assert not Path(tmp_path, "ringflow.db").exists()  # noqa: ASYNC240 -- a look at a file of the test


async def test_a_declared_currency_stays(store: Store, tmp_path: Path) -> None:
    await apply_declarations(store, config(tmp_path, "customers: [{id: 1, currency: USD}]"))
    with pytest.raises(ConfigError, match="the currency stays USD"):
        await apply_declarations(store, config(tmp_path, "customers: [{id: 1, currency: EUR}]"))


async def test_commands_do_not_change_what_is_declared(store: Store, tmp_path: Path) -> None:
    await apply_declarations(store, config(tmp_path, DEMO))
    before = await everything(store)
    async with acting(store, shell_operator("ann"), "US") as actor:
        for work in (
            customers.alter(actor, 42, name="x"),
            customers.delete(actor, 42),
            clis.delete(actor, "441910000001"),
            dids.alter(actor, "18005550100", enabled=False),
            trunks.delete(actor, "carrier"),
        ):
            with pytest.raises(Refused, match=r"is declared in config\.yaml; change it there and restart"):
                await work
    assert await everything(store) == before


async def test_a_customers_declared_dids_keep_a_command_from_deleting_it(
    store: Store, tmp_path: Path
) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(7))
    text = 'dids: [{number: "100", app: a, customer: 7}]'
    await apply_declarations(store, config(tmp_path, text))
    with pytest.raises(Refused, match=r"CLIs or DIDs that are declared in config\.yaml"):
        async with acting(store, shell_operator("ann"), "US") as actor:
            await customers.delete(actor, 7, cascade=True)
    assert await everything(store) == [Customer(7), Did("100", "a", customer_id=7, source="config")]


async def test_a_declared_trunk_has_its_failover_and_wrong_entries_are_placed(
    store: Store, tmp_path: Path
) -> None:
    stated = "trunks: [{name: a, dial: 'PJSIP/{number}@a', failover: [5xx, 408], silent_s: 9}]\n"
    await apply_declarations(store, config(tmp_path, stated))
    async with store.reading() as connection:
        (trunk,) = await trunks.every(connection)
    assert (trunk.failover, trunk.silent_s) == (("408", "5xx"), 9)
    wrong = "trunks:\n  - name: a\n    dial: PJSIP/{number}@a\n    failover: [603]\n    silent_s: 40\n"
    with pytest.raises(ConfigError) as refused:
        await apply_declarations(store, config(tmp_path, wrong))
    assert [problem.line for problem in refused.value.problems] == [4, 5]


async def test_declared_clis_are_read_as_people_write_them_and_patterns_are_marked(
    store: Store, tmp_path: Path
) -> None:
    text = """
customers:
  - id: 42
    clis:
      - Ann <441910000001>
      - tel:+44-191-000-0002;phone-context=example.com
      - 44.191.000.0003
      - 441910000004
      - {pattern: "^44192"}
      - {pattern: 44193}
      - "^44194"
"""
    for _ in range(2):
        await apply_declarations(store, config(tmp_path, text))
        async with store.reading() as connection:
            found = await clis.every(connection)
        assert [(cli.id, cli.number, cli.pattern) for cli in found] == [
            (1, "441910000001", None),
            (2, "441910000002", None),
            (3, "441910000003", None),
            (4, "441910000004", None),
            (5, None, "^44192"),
            (6, None, "44193"),
            (7, None, "^44194"),
        ]


async def test_declared_clis_that_could_match_nobody_are_refused_at_their_places(tmp_path: Path) -> None:
    text = """
customers:
  - id: 42
    clis:
      - "4.4191E+11"
      - 441910000001;441910000002
      - '^\\+44191'
      - {pattern: "^0191"}
      - 44191.*
"""
    problems = await check_declarations(config(tmp_path, text))
    nobody = (
        "can match no number: it is searched in E.164 digits such as 441910000001, which have no plus, no 00 "
        "and no national 0, and the lengths of their country; write"
    )
    assert told(ConfigError(problems)) == [
        (
            "5:9: customer 42: CLI `4.4191E+11` is what a spreadsheet makes of a long number, and its last "
            "digits are lost: format the column as text, and write all digits"
        ),
        "6:9: customer 42: CLI `441910000001;441910000002` holds more than one number: write each by itself",
        rf"7:9: customer 42: pattern `^\\+44191` {nobody} ^44191",
        f"8:9: customer 42: pattern `^0191` {nobody} one such as ^44191",
        (
            "9:9: customer 42: CLI `44191.*` is not a telephone number: write its country code too, as in "
            "+441910000001; if it is a pattern, write {pattern: '44191.*'}"
        ),
    ]


@pytest.mark.parametrize(
    ("cli", "problem"),
    [
        ("4.4191E+11", "3:10: `clis`: `4.4191e+11` is a rounded number (write all of its digits, in quotes)"),
        ('{patern: "^44"}', "3:11: unknown key `patern` (did you mean `pattern`? known here: pattern)"),
    ],
)
def test_what_is_no_cli_at_all_is_told_at_its_place(tmp_path: Path, cli: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config(tmp_path, f"customers:\n- id: 42\n  clis: [{cli}]")
    assert problem in told(raised.value)
