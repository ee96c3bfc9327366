"""When a call costs more than it brings: the rule, and whole cards compared by the longest prefix."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.paying_customers import add_card, as_ann, rate
from typer.testing import CliRunner, Result

from ringflow.accounts import trunks
from ringflow.accounts.directory import Directory
from ringflow.accounts.trunks import Trunk
from ringflow.actor import acting, shell_operator
from ringflow.cli import rate as rate_commands
from ringflow.ledger.rates.card import (
    BelowCost,
    assign_trunk,
    get_card,
    set_below_cost,
    trunk_subject,
    unassign,
)
from ringflow.ledger.rates.comparison import compare_trunk, overlaid
from ringflow.ledger.rates.margin import LossBy, Margin
from ringflow.ledger.rates.quote import quote
from ringflow.ledger.terms import Terms, charge_micros
from ringflow.money import Rounding
from ringflow.store.ledger_tables import rates

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank

S, M, F = LossBy.SHORTEST, LossBy.MINUTE, LossBy.FURTHER


def terms(price: int, connection: int = 0, minimum: int = 1, increment: int = 1, grace: int = 0) -> Terms:
    """Prices in hundredths of a dollar."""
    return Terms("USD", price * 10_000, connection * 10_000, minimum, increment, grace, 4, Rounding.UP, "44")


@pytest.mark.parametrize(
    ("sell", "buy", "loses_by", "below_cost"),
    [
        (terms(20), terms(19), (), False),
        (terms(20), terms(20), (), False),
        (terms(20), terms(21), (S, M, F), True),
        # Whole minutes bought and seconds sold: lost on the shortest talk, earned on a minute.
        (terms(20), terms(1, minimum=60, increment=60), (S,), False),
        (terms(20), terms(20, minimum=60, increment=60), (S,), False),
        # A connection fee that a minute does not earn, and one that it does.
        (terms(20), terms(10, connection=11), (S, M), True),
        (terms(20), terms(10, connection=10), (S,), False),
        # Our own fee hides for a minute that every further one loses.
        (terms(20, connection=50), terms(21), (F,), True),
        # Nobody pays within the grace, so the shortest charged talk begins behind it.
        (terms(20, grace=90), terms(20), (), False),
        (terms(20, minimum=60, grace=10), terms(20, minimum=90), (S, M), True),
        (terms(0), terms(0), (), False),
        (terms(0), terms(1), (S, M, F), True),
    ],
)  # fmt: skip
def test_by_what_a_call_loses(
    sell: Terms, buy: Terms, loses_by: tuple[LossBy, ...], below_cost: bool
) -> None:
    margin = Margin(sell, buy)
    assert (tuple(margin.losses), margin.below_cost) == (loses_by, below_cost)


def test_the_talks_compared_are_charged_ones() -> None:
    margin = Margin(terms(20, grace=90), terms(6, connection=1))
    assert margin.shortest.talked_ms == margin.minute.talked_ms == 90_001
    assert margin.minute.charge_micros == charge_micros(margin.sell, 90_001) > 0
    assert Margin(terms(20, grace=5), terms(1)).minute.talked_ms == 60_000


PREFIXES = st.sets(st.from_regex(r"\A(?:[1-4]{1,4}|~[1-3*]{1,3})\Z"), max_size=12)


@given(sold=PREFIXES, bought=PREFIXES)
def test_every_prefix_meets_the_longest_of_each_side(sold: set[str], bought: set[str]) -> None:
    def longest(of: set[str], prefix: str) -> str | None:
        return max((one for one in of if prefix.startswith(one)), key=len, default=None)

    wanted = [(one, longest(sold, one), longest(bought, one)) for one in sorted(sold | bought)]
    assert list(overlaid(sold, bought)) == [one for one in wanted if one[1] is not None]


async def furnish(bank: Bank, sold: dict[str, int], bought: dict[str, int], currency: str = "USD") -> None:
    """A card `retail`, and a trunk `carrier` with a card `cost`; prices in hundredths a minute."""
    async with as_ann(bank.store) as ann:
        await trunks.add(ann, Trunk("carrier", "PJSIP/{number}@carrier"))
        await trunks.add(ann, Trunk("other", "PJSIP/{number}@other"))
        sell, buy = (
            [rate(price * 10_000, prefix) for prefix, price in prices.items()] for prices in (sold, bought)
        )
        await add_card(ann, *sell, name="retail", default=False)
        await add_card(ann, *buy, name="cost", currency=currency, trunk="carrier")


async def test_the_policy_of_a_card_comes_with_its_quote(bank: Bank) -> None:
    await bank.customer(1, 5)
    async with acting(bank.store, shell_operator("ann"), "US", 1) as actor:
        card = await add_card(actor, rate(1), name="retail")
        assert card.below_cost is BelowCost.REFUSE
    assert (await bank.ledger.quote("44123", 1)).below_cost is BelowCost.REFUSE
    async with acting(bank.store, shell_operator("ann"), "US", 2) as actor:
        await set_below_cost(actor, "retail", BelowCost.WARN)
    assert (await bank.ledger.quote("44123", 1)).below_cost is BelowCost.WARN
    assert (await quote(bank.store, "44123", 1, bank.now_ms)).below_cost is BelowCost.WARN


async def test_calls_know_at_once_which_trunks_have_a_card(bank: Bank) -> None:
    await furnish(bank, {}, {"44": 1})
    directory = Directory(bank.store, "US")

    async def known() -> frozenset[str]:
        # As a call that arrives does it: the answer brings the revision along.
        await directory.arrive("18005550100", None, False)
        return await directory.trunks_with_card()

    assert await known() == {"carrier"}
    async with acting(bank.store, shell_operator("ann"), "US", 2) as actor:
        await assign_trunk(actor, "other", await get_card(actor.connection, "cost"))
    assert await known() == {"carrier", "other"}
    async with acting(bank.store, shell_operator("ann"), "US", 3) as actor:
        await unassign(actor, trunk_subject("carrier"))
    assert await known() == {"other"}


async def test_what_a_trunk_costs_is_known_where_its_card_has_a_rate(bank: Bank) -> None:
    await furnish(bank, {}, {"44": 7, "447": 9})
    found = [await bank.ledger.cost(number, "carrier") for number in ("44123", "44712", "1212")]
    assert [one and (one.prefix, one.price_micros) for one in found] == [
        ("44", 70_000),
        ("447", 90_000),
        None,
    ]
    assert await bank.ledger.cost("44123", "other") is None
    async with bank.store.writing() as connection:
        old = rates.update().where(rates.c.prefix == "447").values(until_ms=bank.now_ms)
        await connection.execute(old)
    found = [await bank.ledger.cost("44712", "carrier")]
    assert [one and one.prefix for one in found] == ["44"]


async def test_a_card_is_compared_with_a_trunk_by_command(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(f"country: US\ndatabase: {{url: {json.dumps(database_url)}}}\n")
    sold = {"44": 20, "4479": 40, "33": 5, "1": 3, "~112": 1, "49": 9}
    bought = {"44": 10, "447": 30, "4479": 35, "3": 6, "1": 3, "~1": 2, "7": 9}
    await furnish(bank, sold, bought)

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(lambda: CliRunner().invoke(rate_commands.app, list(words)))

    result = await run("compare", "retail", "carrier", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    # 447 is bought dearer than 44 is sold; 33 is sold cheaper than 3 is bought; 7 is not sold at all.
    assert [(row["prefix"], row["sold_by"], row["bought_by"]) for row in rows] == [
        ("33", "33", "3"),
        ("447", "44", "447"),
        ("~112", "~112", "~1"),
    ]
    assert rows[1] == {
        "trunk": "carrier",
        "prefix": "447",
        "sold_by": "44",
        "bought_by": "447",
        "loses_by": ["shortest", "minute", "further"],
        "is_below_cost": True,
        "currency": "USD",
        "price": "0.20",
        "cost": "0.30",
        "price_minute": "0.20",
        "cost_minute": "0.30",
        "price_shortest": "0.0034",
        "cost_shortest": "0.005",
    }
    assert result.stderr == "carrier (cost): 3 of 6 rates may lose money; 1 sold without a known cost\n"
    shown = await run("compare", "retail", "carrier")
    assert "shortest minute further" in shown.stdout
    refused = await run("compare", "retail", "other")
    assert "trunk `other` has no rate card" in str(refused.exception)
    unknown = await run("compare", "nothing", "carrier")
    assert "there is no rate card `nothing`" in str(unknown.exception)
    changed = await run("set", "retail", "--below-cost", "allow", "--operator", "ann", "--json")
    assert json.loads(changed.stdout)["below_cost"] == "allow"
    listed = json.loads((await run("list", "--json")).stdout)["items"]
    assert {row["name"]: row["below_cost"] for row in listed} == {"cost": "refuse", "retail": "allow"}
    added = await run(
        "add", "third", "--currency", "EUR", "--below-cost", "warn", "--operator", "ann", "--json"
    )
    assert json.loads(added.stdout)["below_cost"] == "warn"
    other = await run("compare", "third", "carrier")
    assert "two currencies cannot be compared" in str(other.exception)


async def test_rates_that_are_not_in_effect_are_not_compared(bank: Bank) -> None:
    await furnish(bank, {"44": 20}, {"44": 10})
    async with bank.store.writing() as connection:
        cost = await get_card(connection, "cost")
        row = {
            "card_id": cost.id,
            "connection_micros": 0,
            "minimum_s": 1,
            "increment_s": 1,
            "grace_s": 0,
            "price_micros": 900_000,
        }
        for prefix, from_ms, until_ms in (("441", 5000, None), ("442", 0, 1000), ("443", 1000, 5000)):
            values = {**row, "prefix": prefix, "from_ms": from_ms, "until_ms": until_ms}
            await connection.execute(rates.insert().values(values))
        found = await compare_trunk(connection, await get_card(connection, "retail"), "carrier", 1000)
    assert [one.prefix for one in found.losing] == ["443"]
