"""What legs cost us by the cards of their trunks, as it stands in their records."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC

import pytest
from sqlalchemy import update

from ringflow.accounts import trunks
from ringflow.actor import acting, shell_operator
from ringflow.calls.call_record import CallRecord
from ringflow.calls.outcome import Leg, LegEnd, LegStatus
from ringflow.cli.record_rows import call_lines
from ringflow.errors import Refused
from ringflow.ledger.rates.card import Rate, trunk_subject, unassign
from ringflow.money import MAX_AMOUNT_MICROS
from ringflow.records.export import export_calls
from ringflow.records.legs import RecordedLeg
from ringflow.records.queries import Filter, find_call
from ringflow.records.recorder import Recorder
from ringflow.records.recovery import LostLegRecords
from ringflow.records.rows import call_rows
from ringflow.records.whole_call import find_whole_call
from ringflow.spreadsheets import CsvTable
from ringflow.store import Store
from ringflow.store.ledger_tables import rates
from ringflow.store.record_tables import call_drafts

from .conftest import BEGAN_MS, CALL, CARRIER_RATE, give_card

ENDED_MS = 8900
"""When the second leg of the call ended, from the call's arrival."""


async def recorded(store: Store, record: CallRecord) -> list[RecordedLeg]:
    recorder = Recorder(store, "here", linger_s=0)
    recorder.write_soon(record)
    await recorder.close(10)
    return await legs(store)


async def legs(store: Store) -> list[RecordedLeg]:
    async with store.reading() as connection:
        return list((await find_call(connection, CALL.call_id))[0].legs)


def talked(talked_ms: int, **changes: object) -> CallRecord:
    """The call, with so long a talk in its second leg."""
    return replace(CALL, legs=(CALL.legs[0], replace(CALL.legs[1], talked_ms=talked_ms, **changes)))  # type: ignore[arg-type]


def cost(leg: RecordedLeg) -> tuple[int | None, str | None, str | None]:
    return leg.cost_micros, leg.cost_currency, leg.cost_prefix


@pytest.mark.parametrize(
    ("talked_ms", "micros"),
    [
        # 30 s: 0.005 + 0.00665, rounded up to four decimals.
        (1, 11_700),
        (30_000, 11_700),
        # 36 s: 0.005 + 0.00798.
        (30_001, 13_000),
        # 66 s: 0.005 + 0.01463.
        (61_000, 19_700),
        # An hour: 0.005 + 0.798.
        (3_600_000, 803_000),
    ],
)
async def test_a_leg_costs_what_its_trunks_card_says(store: Store, talked_ms: int, micros: int) -> None:
    await give_card(store, "second", CARRIER_RATE)
    found = await recorded(store, talked(talked_ms))
    assert [cost(leg) for leg in found] == [(None, None, None), (micros, "EUR", "44")]


async def test_a_leg_that_nobody_here_charges_for_has_its_cost(store: Store) -> None:
    await give_card(store, "second", CARRIER_RATE)
    leg = (await recorded(store, talked(61_000, leg_id="")))[1]
    assert (leg.charged_micros, leg.currency, cost(leg)) == (None, None, (19_700, "EUR", "44"))


@pytest.mark.parametrize(("talked_ms", "micros"), [(4000, 60_000), (3800, 120_000)])
async def test_the_longest_prefix_that_is_in_effect_at_the_answer_counts(
    store: Store, talked_ms: int, micros: int
) -> None:
    changed_ms = BEGAN_MS + ENDED_MS - 3900
    row = Rate("4412", 60_000, 0, 60, 60, 0, 0, changed_ms)
    later = replace(row, price_micros=120_000, from_ms=changed_ms, until_ms=None)
    await give_card(store, "second", CARRIER_RATE, row, later)
    assert cost((await recorded(store, talked(talked_ms)))[1]) == (micros, "EUR", "4412")


@pytest.mark.parametrize(
    ("trunk", "dialled", "talked_ms"),
    [
        pytest.param("first", "441234567890", 4000, id="another trunk has the card"),
        pytest.param("second", "33123456789", 4000, id="no rate for the number"),
        pytest.param("second", "441234567890", 0, id="nobody answered"),
        pytest.param("second", "sip:bob@example.net", 4000, id="not a number"),
    ],
)
async def test_without_a_rate_or_a_talk_there_is_no_cost(
    store: Store, trunk: str, dialled: str, talked_ms: int
) -> None:
    await give_card(store, "second", CARRIER_RATE)
    found = await recorded(store, talked(talked_ms, trunk=trunk, dialled=dialled))
    assert cost(found[1]) == (None, None, None)


async def test_a_card_that_is_changed_later_changes_no_record(store: Store) -> None:
    await give_card(store, "second", CARRIER_RATE)
    await recorded(store, talked(4000))
    async with store.writing() as connection:
        await connection.execute(update(rates).values(price_micros=1_000_000))
    assert cost((await recorded(store, talked(4000)))[1]) == (11_700, "EUR", "44")


async def test_a_cost_beyond_all_amounts_keeps_no_record_from_being_written(store: Store) -> None:
    await give_card(store, "second", replace(CARRIER_RATE, price_micros=MAX_AMOUNT_MICROS))
    found = await recorded(store, talked(10**12))
    assert cost(found[1]) == (MAX_AMOUNT_MICROS, "EUR", "44")


@pytest.mark.parametrize("deleted", [True, False])
async def test_a_trunk_that_lost_its_card_or_its_name_has_no_costs(store: Store, deleted: bool) -> None:
    await give_card(store, "second", CARRIER_RATE)
    async with acting(store, shell_operator("ann"), "US") as actor:
        if deleted:
            trunk = await trunks.delete(actor, "second")
            await trunks.add(actor, trunk)
        else:
            assert await unassign(actor, trunk_subject("second")) == "second's"
            with pytest.raises(Refused, match="trunk second has no rate card of its own"):
                await unassign(actor, trunk_subject("second"))
    assert cost((await recorded(store, talked(4000)))[1]) == (None, None, None)


async def test_a_lost_leg_has_its_cost_when_asterisk_tells_of_its_talk(store: Store) -> None:
    await give_card(store, "second", CARRIER_RATE)
    under_way = Leg("441234567890", "second", LegStatus.LOST, leg_id="01a.2@1.1")
    draft = call_rows(replace(CALL, outcome="lost", legs=(CALL.legs[0], under_way)), "here")
    async with store.writing() as connection:
        row = {"call_id": "01a", "server": "here#1", "kept_ms": BEGAN_MS, "facts": draft.to_json()}
        await connection.execute(call_drafts.insert().values(row))
    end = LegEnd("01a.2@1.1", LegStatus.ANSWERED, 61_000, BEGAN_MS + 70_000, 16)
    for told in (end, replace(end, talked_ms=1)):
        await LostLegRecords(store, "other").leg_ended(told)
        leg = (await legs(store))[1]
        assert (leg.talked_ms, cost(leg)) == (61_000, (19_700, "EUR", "44"))


KEYED_RATE = Rate("~44", 60_000, 0, 60, 60, 0, 0, None)


async def test_a_number_dialled_as_keyed_costs_by_a_rate_of_such_numbers_alone(store: Store) -> None:
    await give_card(store, "second", CARRIER_RATE, KEYED_RATE)
    leg = (await recorded(store, talked(4000, dialled="441", keyed="441", sent="441", as_keyed=True)))[1]
    assert cost(leg) == (60_000, "EUR", "~44")
    assert (leg.dialled, leg.keyed, leg.sent, leg.as_keyed) == ("441", "441", "441", True)


async def test_a_lost_number_dialled_as_keyed_costs_by_its_own_rate_too(store: Store) -> None:
    await give_card(store, "second", CARRIER_RATE, KEYED_RATE)
    under_way = Leg("441", "second", LegStatus.LOST, leg_id="01a.2@1.1", keyed="441", as_keyed=True)
    draft = call_rows(replace(CALL, outcome="lost", legs=(CALL.legs[0], under_way)), "here")
    async with store.writing() as connection:
        row = {"call_id": "01a", "server": "here#1", "kept_ms": BEGAN_MS, "facts": draft.to_json()}
        await connection.execute(call_drafts.insert().values(row))
    end = LegEnd("01a.2@1.1", LegStatus.ANSWERED, 4000, BEGAN_MS + 70_000, 16)
    await LostLegRecords(store, "other").leg_ended(end)
    assert cost((await legs(store))[1]) == (60_000, "EUR", "~44")


async def test_what_was_keyed_and_sent_is_on_record_beside_the_number(store: Store) -> None:
    leg = (await recorded(store, talked(4000, keyed="011441234567890", sent="99+441234567890")))[1]
    assert (leg.dialled, leg.keyed, leg.sent, leg.as_keyed) == (
        *("441234567890", "011441234567890", "99+441234567890"),
        None,
    )
    async with store.reading() as connection:
        lines = list(call_lines(await find_whole_call(connection, CALL.call_id), UTC))
    assert any(
        "leg 2 to 441234567890 (keyed 011441234567890, sent 99+441234567890) via" in one for one in lines
    )
    file = io.StringIO()
    await export_calls(store, Filter(number="44"), CsvTable(file), lambda done: None, UTC)
    file.seek(0)
    assert [(row["keyed"], row["sent"]) for row in csv.DictReader(file)] == [
        ("", ""),
        ("011441234567890", "99+441234567890"),
    ]


async def test_the_customers_card_names_a_destination_before_the_trunks_card(
    store: Store,
) -> None:
    await give_card(store, "second", CARRIER_RATE)
    leg = (await recorded(store, talked(4000)))[1]
    assert (leg.cost_destination, leg.destination) == ("UK fixed", "UK fixed")
    assert replace(leg, sold_destination="United Kingdom").destination == "United Kingdom"


async def test_a_destination_that_the_trunks_card_blocks_has_no_cost(store: Store) -> None:
    await give_card(store, "second", replace(CARRIER_RATE, blocked=True))
    assert cost((await recorded(store, talked(4000)))[1]) == (None, None, None)
