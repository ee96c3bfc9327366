"""Reports of calls: what the database counts is what the records say, leg by leg."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from tests.paying_customers import add_customer, as_ann

from ringflow.calls.outcome import NEVER_DIALLED, LegStatus
from ringflow.ledger.account import open_account
from ringflow.ledger.terms import Terms, charge_micros
from ringflow.money import Rounding
from ringflow.records.legs import RecordedLeg
from ringflow.records.queries import Filter, RecordedCall, every_call
from ringflow.records.reports import Amounts, By, Calls, Line, days_of, report_calls
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_holds
from ringflow.store.record_tables import call_legs, call_records

HOUR_MS = 3_600_000
BEGAN_MS = int(datetime(2026, 3, 28, 20, tzinfo=UTC).timestamp()) * 1000
CURRENCIES = {1: "USD", 2: "EUR", 3: "USD"}
DESTINATIONS = {"4420": "London", "~1": "Extensions"}
BERLIN = ZoneInfo("Europe/Berlin")


async def add_customers(store: Store) -> None:
    async with as_ann(store) as ann:
        for customer, currency in CURRENCIES.items():
            await add_customer(ann, customer, name=f"Customer {customer}", currency=currency)
            await open_account(ann.connection, customer, 0)


def a_call(call_id: str, started_ms: int, customer: int | None) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "server": "here",
        "started_ms": started_ms,
        "duration_ms": 1,
        "did": "18005550100",
        "customer_id": customer,
        "outcome": "completed",
        "reason": "",
    }


def a_leg(
    call_id: str, position: int, status: LegStatus, talked_ms: int | None, **more: Any
) -> dict[str, Any]:
    leg = {"call_id": call_id, "position": position, "status": str(status), "talked_ms": talked_ms}
    told = {"dialled": "441234567890", "trunk": "first", "leg_id": f"{call_id}.{position}@1"}
    costs = {"cost_micros": None, "cost_currency": None, "as_keyed": None}
    return {**leg, **told, **costs, **more}


def a_hold(leg_id: str, customer: int, terms: Terms | str, charged: int, **more: Any) -> dict[str, Any]:
    text = terms if isinstance(terms, str) else terms.to_json()
    hold = {"leg_id": leg_id, "account_id": customer, "state": "settled", "terms": text}
    amounts = {"asked_micros": 0, "micros": 0, "charged_micros": charged}
    ends = {"uncollected_micros": 0, "refunded_micros": 0, "opened_ms": 0, "expires_ms": 0, "ended_ms": 1}
    return {**hold, **amounts, **ends, "server": "here", **more}


Rows = Sequence[dict[str, Any]]


async def keep(store: Store, calls: Rows, legs: Rows, holds: Rows) -> None:
    async with store.writing() as connection:
        for table, rows in ((call_records, calls), (call_legs, legs), (ledger_holds, holds)):
            if rows:
                await connection.execute(insert(table), list(rows))


async def lines_of(store: Store, by: By, calls: Calls | None = None, zone: Any = UTC) -> list[Line]:
    async with store.reading() as connection:
        return await report_calls(connection, by, calls or Calls(), zone)


def terms_at_random(chance: random.Random, currency: str) -> Terms:
    return Terms(
        currency,
        price_micros=chance.choice((0, 7, 13_300, 600_000, 59_999_999)),
        connection_micros=chance.choice((0, 0, 5_000, 123_457)),
        minimum_s=chance.choice((1, 30, 60)),
        increment_s=chance.choice((1, 6, 60)),
        grace_s=chance.choice((0, 0, 3, 70)),
        decimals=chance.choice((0, 2, 4, 6)),
        rounding=chance.choice(list(Rounding)),
        prefix=(prefix := chance.choice(("44", "4420", "~1", ""))),
        destination=DESTINATIONS.get(prefix, ""),
    )


async def thousands_at_random(store: Store) -> None:
    """Calls of two days and a bit, each with up to three legs of every kind that the tables can keep."""
    chance = random.Random(10)
    await add_customers(store)
    calls, legs, holds = [], [], []
    for number in range(1500):
        call_id = f"c{number}"
        customer = chance.choice((1, 2, 3, None))
        calls.append(a_call(call_id, BEGAN_MS + number * 2 * 60_000, customer))
        for position in range(1, chance.randint(0, 3) + 1):
            status = chance.choice([*LegStatus, LegStatus.ANSWERED, LegStatus.ANSWERED])
            talked = (
                chance.choice((1, 3000, chance.randint(1, 400_000))) if status is LegStatus.ANSWERED else 0
            )
            leg = a_leg(call_id, position, status, talked if chance.random() < 0.95 else None)
            leg["trunk"] = chance.choice(("first", "second", ""))
            leg["dialled"] = chance.choice(
                ("441234567890", "12125550100", "3581234567", "", "sip:bob", "441")
            )
            leg["as_keyed"] = True if leg["dialled"] == "441" else None
            if talked and chance.random() < 0.8:
                leg |= {
                    "cost_micros": chance.randint(0, 10**6),
                    "cost_currency": chance.choice(("USD", "EUR")),
                }
            if chance.random() < 0.2:
                leg["leg_id"] = None
            else:
                payer = chance.choice((1, 2, 3))
                holds.append(hold_at_random(chance, leg["leg_id"], payer, talked))
            legs.append(leg)
    await keep(store, calls, legs, holds)


def hold_at_random(chance: random.Random, leg_id: str, payer: int, talked_ms: int) -> dict[str, Any]:
    terms = terms_at_random(chance, CURRENCIES[payer])
    kind = chance.random()
    if kind < 0.1:
        return a_hold(leg_id, payer, "", 0, state="released")
    if kind < 0.2:
        return a_hold(leg_id, payer, terms, 0, state="held", ended_ms=None)
    # The credit may have been for less than was talked.
    paid_ms = chance.choice((talked_ms, talked_ms, talked_ms * 2 // 3))
    whole = charge_micros(terms, paid_ms)
    if terms.price_micros and chance.random() < 0.3:
        # What no talk costs: the charge then says how far it went all the same.
        whole = whole * chance.randrange(100) // 100
    charged = chance.choice((whole, whole, whole // 2))
    refunded = chance.choice((0, 0, charged, charged // 3))
    more = {"uncollected_micros": whole - charged, "refunded_micros": refunded}
    return a_hold(leg_id, payer, terms, charged, **more)


async def counted_one_by_one(
    store: Store, key: Callable[[RecordedCall, RecordedLeg, int | None], Any], wanted: Filter
) -> dict[Any, Line]:
    """The same report from the records as they are exported."""
    async with store.reading() as connection:
        rows = await connection.execute(ledger_holds.select())
        payers = {row.leg_id: row.account_id for row in rows}
    lines: dict[Any, Line] = {}
    async for page in every_call(store, wanted):
        for call in page:
            for leg in call.legs:
                if leg.status not in NEVER_DIALLED:
                    payer = payers.get(leg.leg_id, call.customer_id)
                    where = key(call, leg, payer)
                    add(lines.setdefault(where, Line(where)), leg)
    return lines


def add(line: Line, leg: RecordedLeg) -> None:
    answered = leg.status == "answered" or (leg.talked_ms or 0) > 0
    line.attempts += 1
    line.answered += answered
    line.lost += leg.status == "lost" and not leg.talked_ms
    line.talked_ms += leg.talked_ms or 0
    line.billed_s += leg.billed_s or 0
    charged = leg.charged_micros is not None and leg.currency is not None
    if charged and leg.currency is not None:
        amounts = line.amounts[leg.currency]
        amounts.charged_micros += leg.charged_micros or 0
        amounts.refunded_micros += leg.refunded_micros or 0
        amounts.uncollected_micros += leg.uncollected_micros or 0
    if leg.cost_currency is not None and leg.cost_micros is not None:
        amounts = line.amounts[leg.cost_currency]
        amounts.cost_micros = (amounts.cost_micros or 0) + leg.cost_micros
        if charged and leg.currency == leg.cost_currency:
            margin = (leg.charged_micros or 0) - (leg.refunded_micros or 0) - leg.cost_micros
            amounts.margin_micros = (amounts.margin_micros or 0) + margin
            return
    line.without_margin += answered


def destination_of(leg: RecordedLeg) -> str | None:
    if leg.prefix:
        return leg.prefix
    return {"441234567890": "44", "12125550100": "1", "3581234567": "358"}.get(leg.dialled)


def day_of(call: RecordedCall, zone: Any) -> date:
    return datetime.fromtimestamp(call.started_ms / 1000, zone).date()


async def test_the_database_counts_what_the_records_say_leg_by_leg(store: Store) -> None:
    await thousands_at_random(store)
    keys: dict[By, Callable[[RecordedCall, RecordedLeg, int | None], Any]] = {
        By.CUSTOMER: lambda call, leg, payer: payer,
        By.TRUNK: lambda call, leg, payer: leg.trunk or None,
        By.DAY: lambda call, leg, payer: day_of(call, BERLIN),
        By.DESTINATION: lambda call, leg, payer: destination_of(leg),
    }
    periods = ((None, None), (BEGAN_MS + 600_000, BEGAN_MS + 30 * HOUR_MS), (BEGAN_MS, BEGAN_MS + 1))
    for by, key in keys.items():
        for since_ms, until_ms in periods:
            lines = await lines_of(store, by, Calls(since_ms, until_ms), BERLIN)
            wanted = Filter(since_ms=since_ms, until_ms=until_ms)
            expected = await counted_one_by_one(store, key, wanted)
            names: dict[Any, str] = {
                By.CUSTOMER: {one: f"Customer {one}" for one in CURRENCIES},
                By.DESTINATION: DESTINATIONS,
            }.get(by, {})  # type: ignore[assignment]
            for one, line in expected.items():
                line.name = names.get(one)
            assert {line.key: line for line in lines} == expected
            assert [line.key for line in lines if line.key is not None] == sorted(
                one for one in expected if one is not None
            )


async def test_a_report_of_one_customer_or_trunk_has_only_its_legs(store: Store) -> None:
    await thousands_at_random(store)
    whole = {line.key: line for line in await lines_of(store, By.CUSTOMER)}
    (of_two,) = await lines_of(store, By.CUSTOMER, Calls(customer=2))
    assert of_two == whole[2]
    assert (
        sum(line.attempts for line in await lines_of(store, By.TRUNK, Calls(customer=2))) == of_two.attempts
    )
    trunks = {line.key: line for line in await lines_of(store, By.TRUNK)}
    (of_first,) = await lines_of(store, By.TRUNK, Calls(trunk="first"))
    assert of_first == trunks["first"]
    assert await lines_of(store, By.DAY, Calls(trunk="nowhere")) == []


async def test_ratio_length_minutes_and_margin_are_those_of_the_field(store: Store) -> None:
    """Four attempts, two answered: ASR 50 %, ACD 45 s; 90 s talked are 120 s billed; 1.20 less 0.30 USD."""
    await add_customers(store)
    rate = Terms("USD", 600_000, minimum_s=60, increment_s=60, prefix="44")
    cost = {"cost_micros": 150_000, "cost_currency": "USD"}
    legs = [
        a_leg("a", 1, LegStatus.CONGESTION, 0),
        a_leg("a", 2, LegStatus.ANSWERED, 60_000, **cost),
        a_leg("b", 1, LegStatus.ANSWERED, 30_000, **cost),
        a_leg("b", 2, LegStatus.CANCELLED, 0),
        # Not dialled: no attempts.
        *(a_leg("b", position, status, 0) for position, status in enumerate(sorted(NEVER_DIALLED), start=3)),
    ]
    holds = [a_hold("a.2@1", 1, rate, 600_000), a_hold("b.1@1", 1, rate, 600_000)]
    await keep(store, [a_call("a", BEGAN_MS, 1), a_call("b", BEGAN_MS, 1)], legs, holds)
    (line,) = await lines_of(store, By.CUSTOMER)
    assert (line.key, line.name, line.attempts, line.answered) == (1, "Customer 1", 4, 2)
    assert (line.answer_seizure_ratio, line.average_length_ms) == (0.5, 45_000)
    assert (line.talked_ms, line.billed_s, line.without_margin) == (90_000, 120, 0)
    assert line.amounts == {"USD": Amounts(1_200_000, 0, 0, 300_000, 900_000)}


async def test_currencies_stand_apart_and_make_no_margin_together(store: Store) -> None:
    await add_customers(store)
    leg = a_leg("a", 1, LegStatus.ANSWERED, 60_000, cost_micros=100_000, cost_currency="EUR")
    await keep(store, [a_call("a", BEGAN_MS, 1)], [leg], [a_hold("a.1@1", 1, Terms("USD", 600_000), 600_000)])
    (line,) = await lines_of(store, By.TRUNK)
    assert line.amounts == {"USD": Amounts(600_000), "EUR": Amounts(cost_micros=100_000)}
    assert line.without_margin == 1


async def test_terms_that_cannot_be_read_keep_no_report_from_being_made(store: Store) -> None:
    await add_customers(store)
    legs = [a_leg("a", position, LegStatus.ANSWERED, 60_000) for position in (1, 2)]
    holds = [a_hold("a.1@1", 1, "nonsense", 600_000), a_hold("a.2@1", 1, '{"a":"newer form"}', 600_000)]
    await keep(store, [a_call("a", BEGAN_MS, 1)], legs, holds)
    (line,) = await lines_of(store, By.DESTINATION)
    assert (line.key, line.answered, line.billed_s) == ("44", 2, 0)
    assert line.amounts == {"USD": Amounts(charged_micros=1_200_000)}


async def test_without_calls_a_report_has_no_lines(store: Store) -> None:
    for by in By:
        assert await lines_of(store, by) == []


def test_days_are_as_long_as_the_time_zone_has_them() -> None:
    begins, ends = datetime(2026, 3, 28, 12, tzinfo=BERLIN), datetime(2026, 3, 30, 1, tzinfo=BERLIN)
    days = list(days_of(int(begins.timestamp()) * 1000, int(ends.timestamp()) * 1000, BERLIN))
    assert [(day.isoformat(), (until - since) / HOUR_MS) for day, since, until in days] == [
        ("2026-03-28", 12),
        ("2026-03-29", 23),
        ("2026-03-30", 1),
    ]
