"""A leg that would be sold below its trunk's cost: what is asked, held and logged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.paying_customers import add_card, add_customer, as_ann, rate

from ringflow.accounts import trunks
from ringflow.accounts.trunks import Trunk
from ringflow.calls.charging import Allowance, Charging, Denial, Denied
from ringflow.calls.outcome import LegStatus
from ringflow.config import load_config
from ringflow.ledger.check import check_books
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.rates.card import BelowCost, set_below_cost
from ringflow.simulator.run import simulate
from ringflow.simulator.scenario_files import read_scenarios
from ringflow.simulator.stage import Stage
from ringflow.store import Store
from ringflow.store.ledger_tables import rates

ROOT = Path(__file__).parents[2]
NUMBER = "441234567890"
NOW_MS = 1_767_225_600_000


@pytest.fixture
async def charging(store: Store) -> AsyncIterator[Charging]:
    """Customer 1 pays 0.20 USD a minute; `dear` costs 0.30, `foreign` 0.30 EUR, `plain` nobody knows."""
    async with as_ann(store, NOW_MS) as ann:
        await add_customer(ann, 1, 5_000_000)
        for name in ("dear", "foreign", "plain"):
            await trunks.add(ann, Trunk(name, "PJSIP/{number}@" + name))
        await add_card(ann, rate(200_000), name="retail")
        await add_card(ann, rate(300_000), name="dear", trunk="dear")
        await add_card(ann, rate(300_000), name="foreign", currency="EUR", trunk="foreign")
    opened = Charging(Ledger(store, "here", lambda: NOW_MS))
    yield opened
    await opened.close()
    assert await check_books(store, NOW_MS) == []


async def say(store: Store, below_cost: BelowCost) -> None:
    async with as_ann(store, NOW_MS) as ann:
        await set_below_cost(ann, "retail", below_cost)


async def test_a_leg_below_cost_is_denied_before_anything_is_held(charging: Charging) -> None:
    with capture_logs() as logs:
        denied = await charging.allow("leg", 1, NUMBER, trunk_with_card="dear")
    wanted = (
        "costs 0.30 USD for 60 s and 0.30 USD a minute (prefix 44), brings 0.20 USD and 0.20 USD (prefix 44)"
    )
    assert denied == Denial(Denied.BELOW_COST, f"dear {wanted}")
    account = await charging.ledger.account(1)
    assert account is not None
    assert account.held_micros == 0
    assert logs == [
        {
            "event": "trunk passed over",
            "log_level": "warning",
            "trunk": "dear",
            "number": NUMBER,
            "detail": wanted,
            "mend": "`ringflow rate compare 'retail' dear` lists what loses money",
        }
    ]


async def test_a_card_that_warns_lets_it_through_and_logs_it(charging: Charging) -> None:
    await say(charging.ledger.store, BelowCost.WARN)
    with capture_logs() as logs:
        allowed = await charging.allow("leg", 1, NUMBER, trunk_with_card="dear")
    assert isinstance(allowed, Allowance)
    assert allowed.loss.startswith("dear costs 0.30 USD")
    assert [one["event"] for one in logs] == ["call below cost"]
    await charging.end(allowed, 0)


@pytest.mark.parametrize("below_cost", [BelowCost.REFUSE, BelowCost.WARN])
async def test_a_trunk_whose_card_blocks_the_destination_is_passed_over_before_anything_is_held(
    charging: Charging, below_cost: BelowCost
) -> None:
    await say(charging.ledger.store, below_cost)
    async with charging.ledger.store.writing() as connection:
        await connection.execute(rates.update().where(rates.c.price_micros == 300_000).values(blocked=True))
    with capture_logs() as logs:
        denied = await charging.allow("leg", 1, NUMBER, trunk_with_card="dear")
    why = f"rate card `dear` blocks 44, so {NUMBER} is not dialled"
    assert denied == Denial(Denied.BELOW_COST, f"dear: {why}")
    assert [(one["event"], one["trunk"], one["detail"]) for one in logs] == [
        ("trunk passed over", "dear", why)
    ]
    account = await charging.ledger.account(1)
    assert account is not None
    assert account.held_micros == 0
    allowed = await charging.allow("leg", 1, NUMBER, trunk_with_card="plain")
    assert isinstance(allowed, Allowance)
    await charging.end(allowed, 0)


@pytest.mark.parametrize(
    ("below_cost", "trunk", "look_ups"),
    [
        # The trunk has no card: the quote is all that is asked.
        (BelowCost.REFUSE, None, 1),
        (BelowCost.ALLOW, "dear", 1),
        (BelowCost.REFUSE, "foreign", 2),
    ],
)
async def test_what_need_not_be_asked_is_not(
    charging: Charging,
    monkeypatch: pytest.MonkeyPatch,
    below_cost: BelowCost,
    trunk: str | None,
    look_ups: int,
) -> None:
    store, asked = charging.ledger.store, 0
    await say(store, below_cost)
    look_up = store.look_up

    def counted(*values: Any) -> Any:
        nonlocal asked
        asked += 1
        return look_up(*values)

    monkeypatch.setattr(store, "look_up", counted)
    with capture_logs() as logs:
        allowed = await charging.allow("leg", 1, NUMBER, trunk_with_card=trunk)
    assert isinstance(allowed, Allowance)
    assert (allowed.loss, logs, asked) == ("", [], look_ups)
    await charging.end(allowed, 0)


CALLS = """
flow: [{slot: destination, external: "441234567890"}]
scenarios:
  - name: nobody asks what a trunk costs
    given:
      below_cost: allow
      customer: {id: 42, clis: ["441910000001"], credit: "5.00"}
      rates: [{prefix: "44", price: "0.20"}]
    expect: {}
  - name: another trunk has one
    given:
      customer: {id: 42, clis: ["441910000001"], credit: "5.00"}
      rates: [{prefix: "44", price: "0.20"}]
      trunks:
        - {name: plain, dial: "PJSIP/{number}@plain", position: 1}
        - {name: other, dial: "PJSIP/{number}@other", position: 2}
      costs: {other: [{prefix: "44", price: "0.10"}]}
    expect: {}
"""


async def test_a_call_through_a_trunk_without_a_card_looks_nothing_up_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "calls.yaml").write_text(CALLS)
    asked, look_up = 0, Store.look_up

    def counted(store: Store, *values: Any) -> Any:
        nonlocal asked
        asked += 1
        return look_up(store, *values)

    monkeypatch.setattr(Store, "look_up", counted)
    counts = []
    async with Stage.open(load_config(ROOT / "config.yaml", {})) as stage:
        for case in read_scenarios(tmp_path / "calls.yaml"):
            asked = 0
            simulated = await simulate(case, stage)
            assert simulated.record.legs[0].status is LegStatus.ANSWERED
            counts.append(asked)
    assert counts[0] == counts[1]
