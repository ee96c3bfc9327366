"""What is left of a call when its server dies: a draft, from which one record is made, whoever makes it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import Table, select

from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.charging import Charging
from ringflow.calls.history import CallHistory
from ringflow.calls.outcome import LegEnd, LegStatus, Verdict
from ringflow.engine.lost_legs import Claim, Settlements
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.server_liveness import see_server
from ringflow.records.drafts import LEAST_AGE_MS, Drafts
from ringflow.records.queries import Filter, RecordedCall, RecordedSlot, call_page, find_call
from ringflow.records.recorder import Recorder
from ringflow.records.recovery import LostLegRecords, recover_drafts
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_servers
from ringflow.store.pages import PageRequest
from ringflow.store.record_tables import call_drafts, call_legs, call_records, call_slots

from .conftest import BEGAN_MS, CALL

LATER_OF_LEGS = (
    *("released_by", "cost_micros", "cost_currency", "cost_prefix", "sip_code", "keyed", "sent", "as_keyed"),
    *("cost_destination", "reason"),
)

SILENT_MS = 30_000
DIED_MS = BEGAN_MS + 12_000
LEG_END = LegEnd("01a.2@1.1", LegStatus.ANSWERED, 40_000, BEGAN_MS + 50_000, 16)


@dataclass
class Live:
    """A call in progress."""

    history: CallHistory
    age_ms: int = LEAST_AGE_MS


def in_second_leg(call_id: str = "01a") -> Live:
    """A call in its second leg, as its events tell of it."""
    arrived = events.Place(call_id, BEGAN_MS, "card", "r1")
    asked, dialling = (replace(arrived, slot=slot) for slot in ("ask", "destination[2]"))
    history = CallHistory(arrived)
    first, number = CALL.legs[0], "441234567890"
    dialled: dict[str, Any] = {
        "dialled": number,
        "keyed": number,
        "sent": number,
        "as_keyed": False,
        "caller_id": None,
    }
    for event in (
        events.CallStarted(arrived, 1, 0, CALL.did, CALL.cli, CALL.asterisk, "PJSIP/x-1"),
        events.SlotEntered(asked, 2, 0, "ivr"),
        events.CallIdentified(asked, 3, 2000, 42, "106367704089"),
        events.SlotLeft(asked, 4, 3000, "ivr", "done", None),
        events.SlotEntered(dialling, 5, 3000, "destination"),
        events.LegDialled(dialling, 6, 3100, 1, "01a.1@1.1", "first", **dialled, since_keys_ms=None),
        events.LegEnded(dialling, 7, 3500, 1, first),
        events.LegDialled(dialling, 8, 3500, 2, "01a.2@1.1", "second", **dialled, since_keys_ms=None),
    ):
        history.add(event)
    return Live(history)


@pytest.fixture
def live() -> dict[str, Live]:
    return {"01a": in_second_leg()}


@pytest.fixture
async def drafts(store: Store, live: dict[str, Live]) -> Drafts:
    """Those of a server that was last seen twelve seconds after the call began."""
    async with store.writing() as connection:
        await see_server(connection, "here#1", DIED_MS)
    return Drafts(store, "here", "here#1", lambda: live)


async def kept(store: Store) -> list[str]:
    async with store.reading() as connection:
        return list((await connection.execute(select(call_drafts.c.call_id))).scalars())


async def calls(store: Store) -> list[RecordedCall]:
    async with store.reading() as connection:
        return list((await call_page(connection, Filter(), PageRequest(10))).items)


async def slots(store: Store) -> list[RecordedSlot]:
    async with store.reading() as connection:
        return (await find_call(connection, "01a"))[1]


async def recorded(store: Store, record: CallRecord = CALL) -> None:
    recorder = Recorder(store, "here", linger_s=0)
    recorder.write_soon(record)
    await recorder.close(10)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_call_that_ends_while_its_draft_waits_for_its_turn_gets_none(
    store: Store, live: dict[str, Live], drafts: Drafts
) -> None:
    live["02b"] = in_second_leg("02b")
    async with store.writing_directly():
        keeping = asyncio.create_task(drafts.keep())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not keeping.done()
        del live["01a"]
    await keeping
    assert await kept(store) == ["02b"]


async def test_a_call_that_lasts_has_a_draft_until_its_record_is_written(
    store: Store, drafts: Drafts, live: dict[str, Live]
) -> None:
    live["01a"].age_ms = LEAST_AGE_MS - 1
    await drafts.keep()
    assert await kept(store) == []
    live["01a"].age_ms = LEAST_AGE_MS
    await drafts.keep()
    assert await kept(store) == ["01a"]
    del live["01a"]
    await drafts.keep()
    assert await kept(store) == ["01a"]
    await recorded(store)
    await drafts.keep()
    assert await kept(store) == []
    assert [call.outcome for call in await calls(store)] == ["completed"]


async def test_a_draft_is_written_again_only_when_its_call_comes_further(
    store: Store, drafts: Drafts, live: dict[str, Live]
) -> None:
    await drafts.keep()
    history = live["01a"].history
    history.customer_id = 43
    history.add(events.PromptPlayed(history.place, 9, 3600, "IVR/please-wait"))
    await drafts.keep()
    assert await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS) == 1
    assert [call.customer_id for call in await calls(store)] == [42]
    live["02b"] = in_second_leg("02b")
    await drafts.keep()
    history = live["02b"].history
    history.add(events.CallIdentified(history.place, 9, 3600, 44, None))
    await drafts.keep()
    assert await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS) == 1
    assert {call.call_id: call.customer_id for call in await calls(store)} == {"01a": 42, "02b": 44}


async def test_many_drafts_are_kept_and_recovered(
    store: Store, drafts: Drafts, live: dict[str, Live]
) -> None:
    live |= {f"{number:03}": in_second_leg(f"{number:03}") for number in range(250)}
    await drafts.keep()
    assert await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS) == 251
    assert await kept(store) == []


async def test_what_a_dead_server_left_becomes_a_record_with_all_that_was_known(
    store: Store, drafts: Drafts
) -> None:
    await drafts.keep()
    assert await recover_drafts(store, DIED_MS + SILENT_MS, SILENT_MS) == 0
    assert await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS) == 1
    assert await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS) == 0
    (call,) = await calls(store)
    assert (call.outcome, call.server, call.did, call.cli) == ("lost", "here", CALL.did, CALL.cli)
    assert (call.customer_id, call.card_id, call.app) == (42, "106367704089", "card")
    assert call.duration_ms == DIED_MS - BEGAN_MS
    first, second = call.legs
    assert (first.status, first.ended_ms) == ("congestion", 3500)
    assert (second.position, second.leg_id, second.status) == (2, "01a.2@1.1", "lost")
    assert (second.dialled, second.trunk, second.ended_ms) == ("441234567890", "second", None)
    assert [slot.exit for slot in await slots(store)] == ["done", None]


def in_places(table: Table, row: dict[str, object]) -> list[object]:
    return [row.get(column.name) for column in table.columns]


async def test_a_draft_of_a_newer_version_becomes_a_record_of_what_is_known_here(
    store: Store, drafts: Drafts
) -> None:
    await drafts.keep()
    async with store.writing() as connection:
        facts = json.loads((await connection.execute(select(call_drafts.c.facts))).scalar_one())
        facts["call"]["mood"] = facts["legs"][0]["mood"] = facts["moods"] = "good"
        await connection.execute(call_drafts.update().values(facts=json.dumps(facts)))
    assert await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS) == 1
    (recovered,) = await calls(store)
    assert (recovered.outcome, [leg.status for leg in recovered.legs]) == ("lost", ["congestion", "lost"])


async def test_a_draft_of_an_older_version_becomes_a_record(store: Store, drafts: Drafts) -> None:
    await drafts.keep()
    async with store.writing() as connection:
        facts = json.loads((await connection.execute(select(call_drafts.c.facts))).scalar_one())
        # It kept cells by their places. Before 0007 nothing said who ended a call or a leg.
        older = [
            in_places(call_records, facts["call"])[:-2],
            [in_places(call_legs, leg)[: -len(LATER_OF_LEGS)] for leg in facts["legs"]],
            [in_places(call_slots, slot) for slot in facts["slots"]],
        ]
        await connection.execute(call_drafts.update().values(facts=json.dumps(older)))
    assert await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS) == 1
    (recovered,) = await calls(store)
    assert (recovered.outcome, recovered.released_by) == ("lost", None)
    assert [leg.status for leg in recovered.legs] == ["congestion", "lost"]


@pytest.mark.parametrize("told_first", [True, False])
async def test_the_end_of_the_lost_leg_is_added_once_whether_asterisk_or_the_draft_comes_first(
    store: Store, drafts: Drafts, told_first: bool
) -> None:
    await drafts.keep()
    records = LostLegRecords(store, "other")
    if told_first:
        await records.leg_ended(LEG_END)
    await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS)
    for _ in range(2):
        await records.leg_ended(LEG_END)
    await records.leg_ended(replace(LEG_END, talked_ms=1, status=LegStatus.BUSY))
    (call,) = await calls(store)
    assert (call.outcome, call.server, call.duration_ms) == ("lost", "here", 50_000)
    leg = call.legs[1]
    assert (leg.status, leg.talked_ms, leg.ended_ms, leg.hangup_cause) == ("answered", 40_000, 50_000, 16)
    assert leg.dialled == "441234567890"
    assert await kept(store) == []


async def test_a_leg_of_which_nothing_was_kept_has_what_asterisk_tells(store: Store) -> None:
    await LostLegRecords(store, "other").leg_ended(LEG_END)
    await LostLegRecords(store, "other").leg_ended(replace(LEG_END, leg_id="of no call"))
    (call,) = await calls(store)
    assert (call.call_id, call.outcome, call.started_ms) == ("01a", "lost", BEGAN_MS + 10_000)
    (leg,) = call.legs
    assert (leg.position, leg.status, leg.talked_ms, leg.dialled) == (2, "answered", 40_000, "")


async def test_a_server_that_lives_after_all_has_the_last_word(
    store: Store, drafts: Drafts, live: dict[str, Live]
) -> None:
    await drafts.keep()
    await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS)
    live.clear()
    await recorded(store)
    await drafts.keep()
    (call,) = await calls(store)
    assert (call.outcome, call.duration_ms) == ("completed", 9000)
    assert [leg.status for leg in call.legs] == ["congestion", "answered"]
    assert [slot.exit for slot in await slots(store)] == ["done", "done"]


async def test_what_asterisk_tells_changes_no_record_of_a_living_server(store: Store) -> None:
    await recorded(store)
    before = await calls(store)
    await LostLegRecords(store, "other").leg_ended(LEG_END)
    assert await calls(store) == before


HERE = "1750000000-1"
OTHER = "1750000000-2"


async def verdict(store: Store, leg_id: str, *, asterisk: str = HERE, after_ms: int = 0) -> Verdict:
    """What is made of what an Asterisk tells of a leg, so long after the server was last seen."""
    told, began_ms = await LostLegRecords(store, "other").judge(
        leg_id, asterisk, DIED_MS + after_ms, SILENT_MS
    )
    assert told is Verdict.UNKNOWN or began_ms == BEGAN_MS
    return told


async def test_of_an_uncharged_leg_asterisk_is_believed_when_its_server_is_gone(
    store: Store, drafts: Drafts
) -> None:
    await drafts.keep()
    for leg in ("01a.2@1.1", "01a.3@1.1"):
        assert await verdict(store, leg, after_ms=SILENT_MS) is Verdict.NOT_YET
        assert await verdict(store, leg, after_ms=SILENT_MS + 1) is Verdict.BELIEVED
    async with store.writing() as connection:
        await connection.execute(ledger_servers.update().values(ended_ms=DIED_MS))
    assert await verdict(store, "01a.2@1.1") is Verdict.BELIEVED


async def test_of_a_recorded_call_asterisk_is_believed_where_the_record_does_not_know(
    store: Store, drafts: Drafts
) -> None:
    await drafts.keep()
    await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS)
    assert await verdict(store, "01a.1@1.1") is Verdict.OVER
    assert await verdict(store, "01a.2@1.1") is Verdict.BELIEVED
    assert await verdict(store, "01a.3@1.1") is Verdict.BELIEVED
    await recorded(store)
    assert await verdict(store, "01a.2@1.1") is Verdict.OVER
    assert await verdict(store, "01a.3@1.1") is Verdict.OVER


async def test_an_invented_leg_is_of_no_call(store: Store, drafts: Drafts) -> None:
    gone_ms = SILENT_MS + 1
    invented = ["01b.1@1.1", "01a.4@1.1", "of no call", "01a.0@1.1"]
    await drafts.keep()
    assert {await verdict(store, leg, after_ms=gone_ms) for leg in invented} == {Verdict.UNKNOWN}
    assert await verdict(store, "01a.2@1.1", asterisk=OTHER, after_ms=gone_ms) is Verdict.UNKNOWN
    await recover_drafts(store, DIED_MS + gone_ms, SILENT_MS)
    assert {await verdict(store, leg, after_ms=gone_ms) for leg in invented} == {Verdict.UNKNOWN}
    assert await verdict(store, "01a.2@1.1", asterisk=OTHER, after_ms=gone_ms) is Verdict.UNKNOWN


async def test_a_record_of_a_lost_call_says_on_which_asterisk_it_was(store: Store, drafts: Drafts) -> None:
    await drafts.keep()
    async with store.reading() as connection:
        assert (await connection.execute(select(call_drafts.c.asterisk))).scalar_one() == HERE
    await recover_drafts(store, DIED_MS + SILENT_MS + 1, SILENT_MS)
    await LostLegRecords(store, "other").leg_ended(replace(LEG_END, leg_id="02b.1@1.1", asterisk=OTHER))
    assert {call.call_id: call.asterisk for call in await calls(store)} == {"01a": HERE, "02b": OTHER}


async def told(store: Store, leg_id: str, *, after_ms: int, asterisk: str = HERE) -> Verdict:
    """Tell a server, so long after the other was last seen, of a talk of 31,000 years."""
    ledger = Ledger(store, "other#1", lambda: DIED_MS + after_ms)
    settlements = Settlements(Charging(ledger), LostLegRecords(store, "other"), SILENT_MS / 1000)
    claim = Claim.told((leg_id, "0", "999999999999999", "ANSWER", "16", asterisk, ""))
    return await settlements.settle("told by a test", claim)


async def test_a_leg_that_nobody_dialled_makes_no_record(store: Store, drafts: Drafts) -> None:
    await drafts.keep()
    for leg_id, asterisk in (("01b.1@1.1", HERE), ("01a.9@1.1", HERE), ("01a.2@1.1", OTHER)):
        assert await told(store, leg_id, after_ms=SILENT_MS + 1, asterisk=asterisk) is Verdict.UNKNOWN
    assert (await calls(store), await kept(store)) == ([], ["01a"])


async def test_while_its_server_lives_nothing_that_is_told_of_a_leg_is_recorded(
    store: Store, drafts: Drafts
) -> None:
    await drafts.keep()
    assert await told(store, "01a.2@1.1", after_ms=SILENT_MS) is Verdict.NOT_YET
    assert (await calls(store), await kept(store)) == ([], ["01a"])


async def test_no_leg_on_record_is_longer_than_its_call_or_ended_later_than_now(
    store: Store, drafts: Drafts
) -> None:
    await drafts.keep()
    assert await told(store, "01a.2@1.1", after_ms=SILENT_MS + 1) is Verdict.BELIEVED
    (call,) = await calls(store)
    longest_ms = DIED_MS + SILENT_MS + 1 - BEGAN_MS
    leg = call.legs[1]
    assert (leg.status, leg.talked_ms, leg.ended_ms) == ("answered", longest_ms, longest_ms)
    assert call.duration_ms == longest_ms
    assert await told(store, "01a.2@1.1", after_ms=SILENT_MS + 1) is Verdict.OVER
