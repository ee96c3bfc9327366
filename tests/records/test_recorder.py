"""Records on their way to the database: in batches, whatever becomes of the database meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.testing import capture_logs

from ringflow.calls.outcome import Reject
from ringflow.records import recorder as recorder_module
from ringflow.records.recorder import MANY, Recorder
from ringflow.records.rows import call_rows
from ringflow.records.storage import CALLS_AT_ONCE, write_rows
from ringflow.store import Store
from ringflow.store.record_tables import call_legs, call_records, call_slots

from .conftest import BEGAN_MS, CALL, MakeCall


async def ids(store: Store) -> list[str]:
    async with store.reading() as connection:
        query = select(call_records.c.call_id).order_by(call_records.c.call_id)
        return list((await connection.execute(query)).scalars())


async def test_a_call_is_kept_with_its_legs_and_slots_and_without_its_variables(store: Store) -> None:
    recorder = Recorder(store, "here", linger_s=0)
    recorder.write_soon(CALL)
    await recorder.close(10)
    async with store.reading() as connection:
        (call,) = (await connection.execute(call_records.select())).all()
        legs = (await connection.execute(call_legs.select().order_by(call_legs.c.position))).all()
        slots = (await connection.execute(call_slots.select().order_by(call_slots.c.position))).all()
    assert tuple(call) == (
        *("01a", "here", BEGAN_MS, 9000, "18005550100", "441910000001", "card", "r1"),
        *("106367704089", 42, "completed", "", None, 16, "caller", "1750000000-1"),
    )
    assert [tuple(leg) for leg in legs] == [
        ("01a", 1, "01a.1@1.1", "441234567890", "first", "congestion", 3500, 0, 34, *[None] * 11),
        (
            "01a",
            2,
            "01a.2@1.1",
            "441234567890",
            "second",
            "answered",
            8900,
            4000,
            19,
            "18005550100",
            "credit",
            *[None] * 3,
            200,
            *[None] * 5,
        ),
    ]
    assert [tuple(slot) for slot in slots] == [
        ("01a", 1, "card", "ask", "ivr", 0, "done", "**** 441234567890", None, None),
        ("01a", 2, "card", "destination[2]", "destination", 3000, "done", "", None, None),
    ]
    assert "90817" not in f"{call} {legs} {slots}"


async def test_calls_that_end_together_share_a_transaction(
    store: Store, make_call: MakeCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []

    async def counted(connection: object, calls: list[object]) -> None:
        commits.append(len(calls))
        await write_rows(connection, calls)  # type: ignore[arg-type]

    monkeypatch.setattr(recorder_module, "write_rows", counted)
    recorder = Recorder(store, "here", linger_s=60)
    for number in range(MANY + 7):
        recorder.write_soon(make_call(f"{number:04}"))
    await recorder.close(30)
    assert commits == [CALLS_AT_ONCE] * (MANY // CALLS_AT_ONCE) + [7]
    assert len(await ids(store)) == MANY + 7


async def test_a_record_that_breaks_its_own_writing_keeps_no_other_from_being_written(
    store: Store, make_call: MakeCall
) -> None:
    recorder = Recorder(store, "here", linger_s=60)
    broken = replace(make_call("02b"), visits=None)  # type: ignore[arg-type]
    for record in (make_call("01a"), broken, make_call("03c")):
        recorder.write_soon(record)
    with capture_logs() as logs:
        await recorder.close(30)
    assert await ids(store) == ["01a", "03c"]
    assert (recorder.dropped, recorder.waiting) == (1, 0)
    (dropped,) = [line for line in logs if line["event"] == "record dropped"]
    assert dropped["call_id"] == "02b"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nothing_else_has_a_turn_while_records_keep_sqlite_locked(
    store: Store, make_call: MakeCall
) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    async with store.writing_directly() as connection:
        before = turns
        await write_rows(connection, [call_rows(make_call(f"{n:04}"), "here") for n in range(CALLS_AT_ONCE)])
        assert turns == before
    other.cancel()
    assert turns > before, "the commit goes to a thread"


async def test_a_record_is_written_without_more_calls_and_a_second_one_after_it(
    store: Store, make_call: MakeCall
) -> None:
    recorder = Recorder(store, "here", linger_s=0)
    for call_id in ("01a", "02b"):
        recorder.write_soon(make_call(call_id))
        async with asyncio.timeout(60):
            await recorder.written()
    assert await ids(store) == ["01a", "02b"]


async def test_what_the_database_refuses_is_dropped_and_the_rest_is_written(
    store: Store, make_call: MakeCall
) -> None:
    recorder = Recorder(store, "here", linger_s=60)
    recorder.write_soon(make_call("01a"))
    recorder.write_soon(make_call("02b", duration_ms=-1))
    recorder.write_soon(make_call("03c"))
    await recorder.close(10)
    assert (await ids(store), recorder.dropped) == (["01a", "03c"], 1)


async def test_a_batch_that_was_committed_though_its_answer_was_lost_is_written_once(
    store: Store, make_call: MakeCall
) -> None:
    rows = [call_rows(make_call("01a"), "here"), call_rows(make_call("02b"), "here")]
    for _ in range(2):
        async with store.writing_directly() as connection:
            await write_rows(connection, rows)
    async with store.reading() as connection:
        counts = [
            (await connection.execute(text(f"SELECT count(*) FROM {name}"))).scalar()
            for name in ("call_records", "call_legs", "call_slots")
        ]
    assert counts == [2, 4, 4]


async def test_calls_of_one_batch_have_their_own_values_and_none_of_those_of_others(
    store: Store, make_call: MakeCall
) -> None:
    """A column that no call of a batch has a value for is not named in its statement."""
    plain = make_call("02b", card=None, customer=None)
    refused = make_call("03c", card=None, legs=(), visits=(), reject=Reject(403, "no"), app=None)
    for batch in (["01a", "02b"], ["02b", "03c"], ["03c", "01a"]):
        async with store.writing_directly() as connection:
            for table in (call_records, call_legs, call_slots):
                await connection.rows(f"DELETE FROM {table.name}", ())
            by_id = {call.call_id: call for call in (make_call("01a"), plain, refused)}
            await write_rows(connection, [call_rows(by_id[call_id], "here") for call_id in batch])
        async with store.reading() as connection:
            calls = (await connection.execute(call_records.select())).all()
        wanted = {
            "01a": ("card", "106367704089", 42, None),
            "02b": ("card", None, None, None),
            "03c": (None, None, 42, 403),
        }
        found = {row.call_id: (row.app, row.card_id, row.customer_id, row.reject_sip) for row in calls}
        assert found == {call_id: wanted[call_id] for call_id in batch}


async def test_what_a_lost_call_was_thought_to_have_is_gone_with_its_own_record(
    store: Store, make_call: MakeCall
) -> None:
    lost = make_call(outcome="lost", reject=Reject(503, "thought"))
    for record in (lost, make_call(card=None, release_cause=None)):
        async with store.writing_directly() as connection:
            await write_rows(connection, [call_rows(record, "here")])
    async with store.reading() as connection:
        (call,) = (await connection.execute(call_records.select())).all()
    assert (call.outcome, call.reject_sip, call.card_id, call.release_cause) == (
        "completed",
        None,
        None,
        None,
    )


@pytest.fixture
async def away(tmp_path: Path) -> Store:
    """A database whose table of calls has another name: SQLite says so as it says that a file is gone."""
    store = await Store.open(f"sqlite:///{tmp_path}/away.db")
    await store.migrate()
    await rename(store, "call_records", "gone")
    return store


async def rename(store: Store, old: str, new: str) -> None:
    async with store.writing() as connection:
        await connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


async def test_records_wait_while_the_database_is_away_and_are_written_when_it_is_back(
    away: Store, make_call: MakeCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = away
    monkeypatch.setattr(recorder_module, "RETRY_FIRST_S", 0.001)
    recorder = Recorder(store, "here", linger_s=0, max_waiting=2)
    with bound_contextvars(call_id="01a"):
        for call_id in ("01a", "02b", "03c"):
            recorder.write_soon(make_call(call_id))
    with capture_logs([merge_contextvars]) as logs:
        async with asyncio.timeout(60):
            while not any(line["event"] == "records wait" for line in logs):  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)
    assert (recorder.waiting, recorder.dropped) == (2, 1)
    assert not any("call_id" in line for line in logs), "the line is of all that wait"
    await rename(store, "gone", "call_records")
    await recorder.close(10)
    assert (await ids(store), recorder.dropped) == (["01a", "02b"], 1)
    await store.close()


async def test_a_stop_does_not_wait_for_ever_for_a_database_that_stays_away(
    away: Store, make_call: MakeCall
) -> None:
    store = away
    recorder = Recorder(store, "here", linger_s=0)
    recorder.write_soon(make_call())
    async with asyncio.timeout(60):
        await recorder.close(0.05)
    assert (recorder.waiting, recorder.dropped) == (0, 1)
    await store.close()
