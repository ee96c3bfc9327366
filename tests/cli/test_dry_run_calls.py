"""Simulated calls on a configured database: they meet what real ones do, and leave it as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ringflow.store import Store
from ringflow.store.tables import metadata

ROOT = Path(__file__).parents[2]
CLI, NUMBER = "441910000001", "441234567890#"
CONFIG = f"""
country: US
sounds: {{folder: {ROOT / "sounds"}}}
customers:
  - {{id: 42, clis: ["{CLI}"]}}
dids:
  - {{number: "100", app: calling_card}}
  - {{number: "200", app: prepaid_card, identify: none}}
  - {{number: "300", app: top_up}}
trunks:
  - {{name: dear, dial: "PJSIP/{{number}}@dear", position: 1}}
  - {{name: carrier, dial: "PJSIP/{{number}}@carrier", position: 2}}
"""
TOP_UP = """
app: top_up
slots:
  - slot: redeem
    on: {invalid: bye, locked: bye, no_input: bye, unknown: bye}
  - slot: balance
    on: {unknown: bye}
  - slot: hangup
    id: bye
    file: MISC/goodbye
"""

Command = Callable[..., Any]


async def _rows(url: str) -> dict[str, list[str]]:
    store = await Store.open(url)
    try:
        async with store.reading() as connection:
            return {
                table.name: sorted(map(repr, await connection.execute(select(table))))
                for table in metadata.sorted_tables
            }
    finally:
        await store.close()


def everything(url: str) -> dict[str, list[str]]:
    """Every row of every table."""
    return asyncio.run(_rows(url))


@pytest.fixture
def command(ringflow: Command, tmp_path: Path, database_url: str) -> Command:
    """Runs a command in a configured folder, on each database in turn."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "app_flows").mkdir()
    for name in ("calling_card", "prepaid_card"):
        (tmp_path / "app_flows" / f"{name}.yaml").write_text(
            (ROOT / "app_flows" / f"{name}.yaml").read_text("utf-8")
        )
    (tmp_path / "app_flows" / "top_up.yaml").write_text(TOP_UP)
    (tmp_path / "rates.csv").write_text("prefix,price\n44,0.10\n")
    (tmp_path / "costs.csv").write_text("prefix,price\n44,0.20\n")

    def run(*words: str) -> Any:
        ran = ringflow(
            *words,
            RINGFLOW_DATABASE__URL=database_url,
            RINGFLOW_SECURITY_KEY="a secret for tests only",
            RINGFLOW_PIN_PEPPER="v1:a-pepper-for-tests-only",
        )
        assert ran.code == 0, ran.err
        return ran

    # A call that counts writes the declarations into the database; the others then find them there.
    run("call", "100", "--live")
    run("rate", "add", "sell", "--currency", "USD", "--default")
    run("rate", "import", "rates.csv", "--card", "sell")
    run("rate", "add", "dear", "--currency", "USD")
    run("rate", "import", "costs.csv", "--card", "dear")
    run("rate", "assign", "dear", "--trunk", "dear")
    run("customer", "add", "Template", "--id", "7")
    return run


def legs(called: Any) -> list[tuple[str, str, float]]:
    return [(leg["trunk"], leg["status"], leg["talked_s"]) for leg in called["legs"]]


def test_a_simulated_call_is_priced_as_a_real_one_and_changes_nothing(
    command: Command, database_url: str
) -> None:
    words = ("call", "100", "--from", CLI, "--keys", NUMBER, "--talk", "2h", "--json")
    poor = command(*words).json
    assert legs(poor) == [("dear", "below_cost", 0.0), ("carrier", "no_credit", 0.0)]

    command("ledger", "pay-in", "42", "1.00", "--reason", "cash")
    before = everything(database_url)
    first, second = command(*words).json, command(*words).json
    assert everything(database_url) == before
    assert legs(first) == legs(second) == [("dear", "below_cost", 0.0), ("carrier", "answered", 600.0)]

    counted = command(*words, "--live").json
    assert legs(counted) == legs(first)
    after = everything(database_url)
    assert (len(after["call_legs"]), len(after["ledger_holds"])) == (2, 1)
    assert legs(command(*words).json)[1] == ("carrier", "no_credit", 0.0)


def test_a_simulated_call_by_card_leaves_the_card_as_new(command: Command, database_url: str) -> None:
    made = command("card", "generate", "--customer", "7", "--credit", "1.00", "--json").json
    (card,) = made["secrets"]
    keys = (card["id"], f"{card['pin']}#", "1", NUMBER)
    words = ["call", "200", "--from", "441910000099", "--talk", "2h", "--json", "--hangs-up-after", "3h"]
    words += [word for one in keys for word in ("--keys", one)]
    before = everything(database_url)
    first, second = command(*words).json, command(*words).json
    assert everything(database_url) == before
    assert legs(first) == legs(second) == [("dear", "below_cost", 0.0), ("carrier", "answered", 600.0)]
    assert first["customer"] == second["customer"] == 43

    assert legs(command(*words, "--live").json) == legs(first)
    after = everything(database_url)
    assert len(after["customers"]) == len(before["customers"]) + 1
    assert after["cards"] != before["cards"]


def test_vouchers_and_wrong_codes_of_a_simulated_call_are_used_up_for_that_call_only(
    command: Command, database_url: str
) -> None:
    made = command("voucher", "generate", "--currency", "USD", "--value", "3.00", "--json").json
    (code,) = [one["code"] for one in made["secrets"]]
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    before = everything(database_url)
    words = ("call", "300", "--from", CLI, "--json", "--keys", wrong, "--keys", code)
    for _ in range(2):
        called = command(*words).json
        assert called["outcome"] == "completed"
        heard = [event["detail"] for event in called["transcript"] if event["event"] == "prompt"]
        assert any("3" in prompt for prompt in heard), heard
    assert everything(database_url) == before


def test_a_simulated_call_where_there_is_no_database_makes_none(ringflow: Command, tmp_path: Path) -> None:
    config = CONFIG + f"flows: {ROOT / 'app_flows'}\n"
    (tmp_path / "config.yaml").write_text(config.replace('  - {number: "300", app: top_up}\n', ""))
    database = tmp_path / ".ringflow" / "ringflow.db"
    database.unlink()
    ran = ringflow(
        "call", "100", "--from", CLI, "--keys", NUMBER, RINGFLOW_SECURITY_KEY="a secret for tests only"
    )
    assert ran.code == 2
    assert f"there is no database {database}" in ran.err
    assert list((tmp_path / ".ringflow").iterdir()) == []
