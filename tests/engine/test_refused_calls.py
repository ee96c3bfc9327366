"""Calls that were refused before they were understood are on record, so many in a second and no more."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from ringflow.agi.overload import UNSEEN_CALLS
from ringflow.agi.refusal import CALLS_FULL, HEADERS_REFUSED, OVERLOADED, RefusedCall
from ringflow.agi.server import FastAgiServer
from ringflow.agi.settings import AgiSettings
from ringflow.calls.outcome import Reject
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.engine.engine import Engine
from ringflow.engine.refusals import RECORDED_AT_ONCE, RECORDED_PER_S

from .conftest import CLI, DID, Keeper, Place

OUTDATED_GREETING = (
    f"agi_network: yes\nagi_channel: x-1\nagi_uniqueid: 1.1\nagi_callerid: {CLI}\nagi_extension: {DID}\n"
    "agi_arg_1: 1\n\n"
).encode()


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def engine(place: Place, keeper: Keeper) -> Engine:
    return place.engine([], [keeper])


def test_a_refused_call_has_a_record_and_a_line_in_the_log(
    place: Place, engine: Engine, keeper: Keeper
) -> None:
    with capture_logs() as logs:
        engine.call_refused(RefusedCall(HEADERS_REFUSED, DID, CLI, "the header agi_x comes twice"))
    (record,) = keeper.records
    assert (record.did, record.cli, record.app, record.customer) == (DID, CLI, None, None)
    assert record.outcome == "rejected"
    assert record.reason == "Headers Refused: the header agi_x comes twice"
    assert record.reject == Reject(403, "Headers Refused")
    assert (record.release_cause, record.released_by) == (21, "ringflow")
    assert (record.started_at_s, record.duration_ms) == (place.clock.now_s(), 0)
    assert [(line["event"], line["sip"], line["did"]) for line in logs] == [("call ended", 403, DID)]


def test_what_a_network_says_is_harmless_on_record(engine: Engine, keeper: Keeper) -> None:
    engine.call_refused(RefusedCall(HEADERS_REFUSED, "1\x1b[2J", "\n2", "\x00"))
    (record,) = keeper.records
    for text in (record.did, record.cli, record.reason):
        assert text is not None
        assert text.isprintable()


def test_a_flood_makes_so_many_records_and_one_line_that_sums_up_the_rest(
    place: Place, engine: Engine, keeper: Keeper
) -> None:
    with capture_logs() as logs:
        for _ in range(500):
            engine.call_refused(RefusedCall(OVERLOADED, DID, CLI))
        for _ in range(7):
            engine.call_refused(RefusedCall(HEADERS_REFUSED, DID, CLI))
        assert len(keeper.records) == RECORDED_AT_ONCE
        assert sum(engine.refusals.unrecorded.values()) == 507 - RECORDED_AT_ONCE
        engine.refusals.sum_up()
        engine.refusals.sum_up()
    assert len(logs) == RECORDED_AT_ONCE + 1
    assert logs[-1]["calls"] == {"Overloaded": 500 - RECORDED_AT_ONCE, "Headers Refused": 7}


def test_after_a_flood_records_are_made_again_at_their_rate(
    place: Place, engine: Engine, keeper: Keeper
) -> None:
    for _ in range(100):
        engine.call_refused(RefusedCall(OVERLOADED, DID, CLI))
    for _ in range(10):
        place.clock.set_by(3600)
        place.clock.advance_to(place.clock.monotonic_ms() + 1_000)
        for _ in range(50):
            engine.call_refused(RefusedCall(OVERLOADED, DID, CLI))
    assert len(keeper.records) == RECORDED_AT_ONCE + 10 * RECORDED_PER_S
    place.clock.advance_to(place.clock.monotonic_ms() + 3_600_000)
    keeper.records.clear()
    for _ in range(100):
        engine.call_refused(RefusedCall(OVERLOADED, DID, CLI))
    assert len(keeper.records) == RECORDED_AT_ONCE


def test_a_connection_of_which_nothing_was_read_is_counted_only(engine: Engine, keeper: Keeper) -> None:
    with capture_logs() as logs:
        engine.call_refused(RefusedCall(CALLS_FULL))
        engine.refusals.sum_up()
    assert keeper.records == []
    assert engine.refusals.unrecorded == {(503, "Calls Full"): 1}
    assert [line["calls"] for line in logs] == [{"Calls Full": 1}]


async def test_a_flood_through_an_outdated_dialplan_is_bounded_too(engine: Engine, keeper: Keeper) -> None:
    server = FastAgiServer(engine.run, AgiSettings(port=0))
    await server.start()
    with capture_logs() as logs:
        for _ in range(RECORDED_AT_ONCE + 5):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(OUTDATED_GREETING)
            assert await reader.readline() == b'EXEC PJSIPHangup "503"\n'
            writer.write(b"200 result=-1\n")
            assert await reader.read() == b""
            writer.close()
    await server.close()
    assert {record.reason for record in keeper.records} == {"Dialplan Outdated"}
    assert len(keeper.records) == RECORDED_AT_ONCE
    assert engine.refusals.unrecorded == {(503, "Dialplan Outdated"): 5}
    assert [line["event"] for line in logs].count("call ended") == RECORDED_AT_ONCE


async def test_a_caller_who_hangs_up_during_the_probe_is_on_record(engine: Engine, keeper: Keeper) -> None:
    server = FastAgiServer(engine.run, AgiSettings(port=0, max_lag_s=1.0))
    await server.start()
    server.load_of("127.0.0.1")._unseen_calls = UNSEEN_CALLS
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(OUTDATED_GREETING.replace(b"agi_arg_1: 1", f"agi_arg_1: {DIALPLAN_VERSION}".encode()))
    assert await reader.readline() == b'GET FULL VARIABLE "${EPOCH}"\n'
    writer.close()
    await server.drain(5)
    (record,) = keeper.records
    assert (record.did, record.cli, record.outcome) == (DID, CLI, "error")
    assert record.reason == "the connection from Asterisk closed in mid-call"
