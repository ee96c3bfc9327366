"""The two ends of a call that was asked for, as they come to the engine."""

from __future__ import annotations

from typing import Any

import pytest
from tests.paying_customers import UNIT, add_card, as_ann, give_credit, rate

from ringflow.calls.call_record import CallRecord
from ringflow.calls.charging import Charging
from ringflow.calls.originations import (
    BEGINS_WITHIN_MS,
    DIALS,
    IN_APP,
    Origination,
    Originations,
    TargetKind,
    keep,
    show,
)
from ringflow.ledger.check import check_books
from ringflow.ledger.ledger import Ledger
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.slots.hangup import Hangup
from ringflow.store.record_tables import call_legs, call_records

from .conftest import DID, Place

NUMBER, TOKEN = "441234567890", "0" * 31 + "1"


def now_ms(place: Place) -> int:
    return round(place.clock.now_s() * 1000)


async def asked_for(place: Place, **fields: Any) -> Origination:
    """Keep a call that was asked for just now."""
    at_ms = now_ms(place)
    base: dict[str, Any] = {
        "call_id": "o1",
        "customer_id": 42,
        "kind": TargetKind.NUMBER,
        "target": NUMBER,
        "trunk": None,
        "caller_id": None,
        "ring_s": 30,
        "charged": True,
        "app": "tested",
        "did": None,
        "variables": '{"code": "7"}',
        "asked_by": "ann",
        "asked_ms": at_ms,
        "expires_ms": at_ms + BEGINS_WITHIN_MS,
    }
    asked = Origination(**base | fields)
    async with as_ann(place.store, at_ms) as ann:
        await keep(ann, asked, TOKEN)
    return asked


async def charged_place(place: Place, credit_micros: int) -> Place:
    place.charging = Charging(Ledger(place.store, "a1#1", lambda: now_ms(place)))
    async with as_ann(place.store, now_ms(place)) as ann:
        await give_credit(ann, 42, credit_micros)
        await add_card(ann, rate(600_000))
    return place


async def outcome(place: Place) -> tuple[str, str | None]:
    async with place.store.reading() as connection:
        asked = await show(connection, "o1")
    return asked.state, asked.outcome


async def dialled(place: Place, *callees: Callee, end: str = DIALS) -> CallRecord:
    met = callees or (Callee(Behaviour.ANSWER, 500, 5000),)
    return (await place.call(Hangup(slot="hangup"), did=end + TOKEN, callees=met)).record


async def test_the_end_that_dials_is_charged_for_its_talk_as_any_leg(place: Place) -> None:
    await charged_place(place, UNIT)
    await asked_for(place, caller_id="18005550199")
    record = await dialled(place)
    assert (record.call_id, record.app, record.customer, record.outcome) == ("o1", None, 42, "completed")
    (leg,) = record.legs
    assert (leg.dialled, leg.trunk, leg.talked_ms, leg.caller_id) == (NUMBER, "first", 5000, "18005550199")
    assert leg.charged_micros == 50_000
    assert leg.headers["X-Customer-ID"] == "42"
    assert await outcome(place) == ("ended", "answered")
    assert await check_books(place.store, now_ms(place)) == []
    assert any(
        line.event == "originated" and "by ann for customer 42" in line.detail for line in record.transcript
    )


async def test_without_credit_nothing_is_dialled(place: Place) -> None:
    await charged_place(place, 0)
    await asked_for(place)
    record = await dialled(place)
    assert [leg.status.value for leg in record.legs] == ["no_credit"]
    assert record.outcome == "no_credit"
    assert await outcome(place) == ("ended", "no_credit")


async def test_what_the_house_pays_for_holds_no_credit(place: Place) -> None:
    await charged_place(place, 0)
    await asked_for(place, charged=False)
    record = await dialled(place)
    assert [(leg.status.value, leg.leg_id, leg.talked_ms) for leg in record.legs] == [("answered", "", 5000)]


@pytest.mark.parametrize("trunk", ["second", None])
async def test_another_trunk_is_tried_unless_one_was_named(place: Place, trunk: str | None) -> None:
    await asked_for(place, trunk=trunk)
    record = await dialled(place, Callee(Behaviour.CONGESTION), Callee(Behaviour.BUSY))
    tried = [(leg.trunk, leg.status.value) for leg in record.legs]
    assert tried == ([("second", "congestion")] if trunk else [("first", "congestion"), ("second", "busy")])
    assert await outcome(place) == ("ended", tried[-1][1])


async def test_a_device_and_a_uri_are_dialled_without_a_trunk(place: Place) -> None:
    await asked_for(place, kind=TargetKind.DEVICE, target="reception")
    assert [leg.trunk for leg in (await dialled(place)).legs] == ["device"]


async def test_who_answered_is_in_the_app_as_the_customer_and_knows_its_variables(place: Place) -> None:
    await asked_for(place)
    assert await Originations(place.store).begin(TOKEN, now_ms(place)) is not None
    made = await place.call(Hangup(slot="hangup"), did=IN_APP + TOKEN)
    record = made.record
    assert (record.call_id, record.app, record.cli, record.customer) == ("c1", "tested", NUMBER, 42)
    assert record.variables["code"] == "7"
    assert [visit.type for visit in record.visits] == ["hangup"]
    async with place.store.reading() as connection:
        assert (await show(connection, "o1")).app_call_id == "c1"
    # Once.
    assert (await dialled(place, end=IN_APP)).outcome == "rejected"


async def test_who_answered_comes_to_a_did_as_any_caller(place: Place) -> None:
    await asked_for(place, app=None, did=DID, target="441910000001")
    await Originations(place.store).begin(TOKEN, now_ms(place))
    record = await dialled(place, end=IN_APP)
    assert (record.did, record.cli, record.customer, record.app) == (DID, "441910000001", 42, "tested")


async def test_a_token_dials_once_and_in_time_and_no_other_extension_is_one(place: Place) -> None:
    await asked_for(place)
    assert (await dialled(place)).outcome == "completed"
    assert (await dialled(place)).outcome == "rejected"
    for extension in (f"{DIALS}{'f' * 32}", f"{DIALS}1", f"{IN_APP}{TOKEN}"):
        refused = (await place.call(Hangup(slot="hangup"), did=extension)).record
        assert (refused.outcome, refused.call_id, refused.legs) == ("rejected", "c1", ())


async def test_what_was_asked_for_long_ago_is_not_dialled(place: Place) -> None:
    at_ms = now_ms(place)
    await asked_for(place, asked_ms=at_ms - BEGINS_WITHIN_MS, expires_ms=at_ms)
    assert (await dialled(place)).outcome == "rejected"
    async with place.store.reading() as connection:
        assert (await show(connection, "o1")).status(at_ms + 1) == "failed"


async def test_a_customer_who_was_barred_meanwhile_pays_for_nothing(place: Place) -> None:
    await asked_for(place)
    async with as_ann(place.store) as ann:
        await ann.connection.exec_driver_sql("UPDATE customers SET status = 'inactive'")
    record = await dialled(place)
    assert (record.outcome, record.legs) == ("rejected", ())
    assert record.reject is not None
    assert record.reject.sip == 403
    assert (await outcome(place))[0] == "ended"


async def test_a_call_whose_server_died_has_ended_once_it_is_on_record(place: Place) -> None:
    asked = await asked_for(place)
    assert await Originations(place.store).begin(TOKEN, now_ms(place)) is not None
    assert await outcome(place) == ("dialling", None)
    record = {"server": "a1#1", "started_ms": asked.asked_ms, "duration_ms": 9000, "did": "", "reason": ""}
    legs = (("busy", 1), ("answered", 2))
    async with place.store.writing() as connection:
        await connection.execute(call_records.insert().values(call_id="o2", outcome="lost", **record))
    assert await outcome(place) == ("dialling", None)
    async with place.store.writing() as connection:
        await connection.execute(call_records.insert().values(call_id="o1", outcome="lost", **record))
    assert await outcome(place) == ("ended", "lost")
    async with place.store.writing() as connection:
        for status, position in legs:
            row = {"dialled": NUMBER, "trunk": "first", "status": status, "position": position}
            await connection.execute(call_legs.insert().values(call_id="o1", **row))
    assert await outcome(place) == ("ended", "answered")
