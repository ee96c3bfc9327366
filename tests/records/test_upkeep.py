"""Records after a crash and after their time: lost ones come from the ledger, old ones go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs
from tests.paying_customers import add_customer, as_ann

from ringflow.ledger.ledger import Ledger
from ringflow.ledger.terms import Terms
from ringflow.recordings.folder import RecordingFolder
from ringflow.recordings.service import Origin, Recordings, RecordingSettings, Wanted
from ringflow.recordings.upkeep import RecordingUpkeep
from ringflow.records.queries import Filter, RecordedCall, call_page
from ringflow.records.recorder import Recorder
from ringflow.records.recovery import SETTLED_FOR_MS
from ringflow.records.retention import AT_ONCE, prune_records
from ringflow.records.rows import CallRows, call_rows
from ringflow.records.storage import write_rows
from ringflow.records.upkeep import DAY_MS, Upkeep
from ringflow.store import Store
from ringflow.store.pages import PageRequest
from ringflow.store.record_tables import call_drafts, call_legs, call_records, call_slots

from .conftest import BEGAN_MS, BEGAN_S, CALL, MakeCall

UNIT = 1_000_000
SILENT_S = 30.0
LATER_MS = BEGAN_MS + 60_000 + SETTLED_FOR_MS + 1


@pytest.fixture
async def ledger(store: Store) -> Ledger:
    """Its clock stands at the calls' beginning; customer 42 has 50 USD."""
    async with as_ann(store, BEGAN_MS) as ann:
        await add_customer(ann, 42, 50 * UNIT)
    return Ledger(store, "here#1", lambda: BEGAN_MS)


async def talk(ledger: Ledger, leg_id: str, talked_ms: int = 90_000) -> None:
    await ledger.hold(leg_id, 42, 2 * UNIT, terms=Terms("USD", 600_000, minimum_s=60, increment_s=60))
    await ledger.settle_talk(leg_id, talked_ms)


async def calls(store: Store) -> list[RecordedCall]:
    async with store.reading() as connection:
        return list((await call_page(connection, Filter(), PageRequest(100))).items)


async def write(store: Store, *rows: CallRows) -> None:
    async with store.writing_directly() as connection:
        await write_rows(connection, rows)


async def test_a_charged_call_whose_server_was_killed_gets_its_record_from_the_ledger(
    store: Store, ledger: Ledger
) -> None:
    await talk(ledger, "0dead.1@1.1")
    assert await Upkeep(store, 400, SILENT_S).look_after(LATER_MS) == (0, 1)
    (call,) = await calls(store)
    (leg,) = call.legs
    assert (call.call_id, call.outcome, call.customer_id, call.server) == ("0dead", "lost", 42, "here#1")
    assert (leg.status, leg.talked_ms, leg.billed_s, leg.charged_micros) == ("lost", None, 120, 1_200_000)
    assert await Upkeep(store, 400, SILENT_S).look_after(LATER_MS) == (0, 0)


async def test_a_recorded_leg_one_just_ended_and_one_of_a_living_call_are_left_alone(
    store: Store, ledger: Ledger
) -> None:
    await write(store, call_rows(CALL, "here"))
    await talk(ledger, "01a.2@1.1")
    await talk(ledger, "0talks.1@1.2", 0)
    await ledger.hold("0talks.2@1.2", 42, UNIT)
    await talk(ledger, "0counted.1@1.3")
    await ledger.occupy("0counted@1.3", {"customer:42": None})
    await talk(ledger, "0card.1@1.4")
    await ledger.occupy("0card.as42@1.4", {"customer:42": None})
    await talk(ledger, "no leg of a call")
    assert await Upkeep(store, None, SILENT_S).look_after(LATER_MS) == (0, 0)
    await talk(ledger, "0fresh.1@1.5")
    assert await Upkeep(store, None, SILENT_S).look_after(BEGAN_MS + SETTLED_FOR_MS) == (0, 0)
    assert [call.call_id for call in await calls(store)] == ["01a"]


async def test_the_calls_own_record_takes_the_place_of_a_lost_one_and_never_the_other_way(
    store: Store, ledger: Ledger
) -> None:
    await talk(ledger, "01a.2@1.1")
    upkeep = Upkeep(store, None, SILENT_S)
    assert await upkeep.look_after(LATER_MS) == (0, 1)
    for _ in range(2):
        await write(store, call_rows(CALL, "here"))
        assert await upkeep.look_after(LATER_MS) == (0, 0)
        (call,) = await calls(store)
        assert (call.outcome, call.did) == ("completed", "18005550100")
        assert [leg.status for leg in call.legs] == ["congestion", "answered"]


async def test_a_leg_that_its_servers_record_lacks_is_added_to_it(store: Store, ledger: Ledger) -> None:
    await write(store, call_rows(CALL, "here"))
    await talk(ledger, "01a.3@1.1")
    assert await Upkeep(store, None, SILENT_S).look_after(LATER_MS) == (0, 1)
    (call,) = await calls(store)
    assert (call.outcome, [leg.status for leg in call.legs]) == (
        "completed",
        ["congestion", "answered", "lost"],
    )


async def test_many_lost_legs_are_all_found(store: Store, ledger: Ledger) -> None:
    for number in range(503):
        await ledger.hold(f"{number:04}.1@1.1", 42, 0)
        await ledger.release(f"{number:04}.1@1.1")
    assert await Upkeep(store, None, SILENT_S).look_after(LATER_MS) == (0, 503)
    async with store.reading() as connection:
        query = select(func.count()).select_from(call_records)
        assert (await connection.execute(query)).scalar_one() == 503


async def test_records_are_deleted_when_their_days_are_over_and_not_before(
    store: Store, make_call: MakeCall
) -> None:
    recorder = Recorder(store, "here")
    for number in range(AT_ONCE + 5):
        recorder.write_soon(make_call(f"{number:04}"))
    recorder.write_soon(make_call("9999", started_at_s=BEGAN_S + 1))
    await recorder.close(30)
    assert await prune_records(store, BEGAN_MS, pause_s=0) == 0
    assert await Upkeep(store, 400, SILENT_S).look_after(BEGAN_MS + 400 * DAY_MS + 1) == (AT_ONCE + 5, 0)
    assert [call.call_id for call in await calls(store)] == ["9999"]
    async with store.reading() as connection:
        for table in (call_legs, call_slots):
            assert {row.call_id for row in await connection.execute(table.select())} == {"9999"}


async def test_without_a_limit_nothing_is_deleted(store: Store) -> None:
    await write(store, call_rows(CALL, "here"))
    assert await Upkeep(store, None, SILENT_S).look_after(BEGAN_MS + 10_000 * DAY_MS) == (0, 0)
    assert len(await calls(store)) == 1


async def test_a_draft_that_cannot_be_read_does_not_keep_old_records_from_being_deleted(store: Store) -> None:
    await write(store, call_rows(CALL, "here"))
    unreadable = {"call_id": "0odd", "server": "there#1", "kept_ms": 0, "facts": "no rows"}
    async with store.writing() as connection:
        await connection.execute(call_drafts.insert().values(unreadable))
    with capture_logs() as logs:
        upkeep = asyncio.create_task(Upkeep(store, 1, SILENT_S).run())
        async with asyncio.timeout(60):
            while await calls(store):  # noqa: ASYNC110 -- upkeep tells nobody
                await asyncio.sleep(0.01)
        upkeep.cancel()
        await asyncio.wait({upkeep})
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "looking after records failed"
    ]


async def test_the_recordings_of_a_call_go_with_its_record(
    store: Store, make_call: MakeCall, tmp_path: Path
) -> None:
    await write(store, call_rows(make_call(call_id="01a"), "here"))
    service = Recordings(
        store,
        RecordingFolder(tmp_path / "recordings"),
        RecordingSettings(None, None, 0),
        "here",
        lambda: BEGAN_MS,
    )
    made = {}
    for call in ("01a", "01b"):
        made[call] = await service.begin(
            Origin(call, "1", None, None, "a", "s"), Wanted(1000, 0, None, levelled=False)
        )
        service.folder.incoming(made[call]).write_bytes(bytes(8000))
        await service.take_in(made[call], 1000)
    assert await prune_records(store, BEGAN_MS + 1, pause_s=0) == 1
    assert (await RecordingUpkeep(store, service, "here", lambda: BEGAN_MS).look()).deleted == 1
    assert [service.folder.has(made[call]) for call in ("01a", "01b")] == [False, True]
