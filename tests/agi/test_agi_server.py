"""The server over real connections on the loopback, and over one in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
import structlog

from ringflow.agi.refusal import (
    CALLS_FULL,
    CALLS_PER_SECOND,
    HEADERS_INCOMPLETE,
    HEADERS_REFUSED,
    RefusedCall,
)
from ringflow.agi.server import AgiSettings, FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.errors import ProtocolViolation, StartError

HANGS_UP_403 = b'EXEC Hangup "21"\n'
HANGS_UP_503 = b'EXEC Hangup "34"\n'


async def answer(session: AgiSession) -> None:
    await session.answer()


async def never(session: AgiSession) -> None:
    raise AssertionError("there was no call")


@asynccontextmanager
async def serving(
    handle_call: Callable[[AgiSession], Awaitable[None]] = answer,
    take_refusal: Callable[[RefusedCall], None] = lambda refused: None,
    **settings: object,
) -> AsyncIterator[FastAgiServer]:
    limits = {"linger_s": 1, "look_every_s": 0.01} | settings
    server = FastAgiServer(handle_call, AgiSettings(port=0, **limits), take_refusal)  # type: ignore[arg-type]
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def connect(server: FastAgiServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.port)


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(60):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b"reset"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 -- the server tells nobody what it counts
            await asyncio.sleep(0.001)


async def exchange(server: FastAgiServer, data: bytes) -> bytes:
    reader, writer = await connect(server)
    writer.write(data)
    got = await read_to_end(reader)
    writer.close()
    return got


async def test_a_call_from_the_headers_to_the_end(headers: bytes) -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        writer.write(headers)
        assert await reader.readline() == b"ANSWER\n"
        assert server.live_calls == 1
        writer.write(b"200 result=0\n")
        assert await read_to_end(reader) == b""
        assert server.live_calls == 0
        assert server.counts()["calls"] == 1
        writer.close()


async def test_a_connect_and_close_costs_nothing(headers: bytes) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(never) as server:
            tasks = len(asyncio.all_tasks())
            for attempt in range(1000):
                _, writer = await connect(server)
                if attempt % 3 == 0:
                    writer.write(headers[: attempt % len(headers)])
                writer.close()
                assert len(asyncio.all_tasks()) == tasks
            await until(lambda: server.counts()["no_call"] == 1000)
            assert server.live_calls == 0
    assert logs == []


async def test_garbage_ends_that_connection_only(headers: bytes) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving() as server:
            other, writer = await connect(server)
            writer.write(headers)
            await other.readline()
            for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(range(128, 256)) + b"\n", b"\n", b"x" * 9000):
                assert await exchange(server, garbage) in (b"", b"reset")
            assert server.counts()["protocol_errors"] == 4
            writer.write(b"200 result=0\n")
            assert await read_to_end(other) == b""
            writer.close()
    assert [entry for entry in logs if entry["log_level"] != "debug"] == []


async def test_headers_that_are_refused_at_a_line_tell_what_was_read_before(headers: bytes) -> None:
    twice = headers.replace(b"agi_dnid", b"agi_callerid")
    refused: list[RefusedCall] = []
    async with serving(never, refused.append) as server:
        assert await exchange(server, twice) == HANGS_UP_403
    # The number that was called comes further down.
    why = "Asterisk: the header 'agi_callerid' comes twice"
    assert refused == [RefusedCall(HEADERS_REFUSED, "", "441910000001", why)]


async def test_headers_without_one_that_every_call_has_are_refused(headers: bytes) -> None:
    refused: list[RefusedCall] = []
    async with serving(never, refused.append) as server:
        assert await exchange(server, headers.replace(b"agi_uniqueid", b"agi_other")) == HANGS_UP_403
        assert await exchange(server, headers.replace(b"agi_uniqueid: 1", b"agi_other:\r\n1")) != b""
    assert [call.did for call in refused] == ["18005550100", ""]


async def test_whoever_says_nothing_of_a_call_is_no_refused_call(headers: bytes) -> None:
    refused: list[RefusedCall] = []
    async with serving(never, refused.append, headers_timeout_s=0.05) as server:
        for nothing in (b"GET / HTTP/1.1\r\n\r\n", b"\n", b"x" * 9000, b"", b"agi_"):
            assert await exchange(server, nothing) in (b"", b"reset")
        _, writer = await connect(server)
        writer.write(headers[:200])
        writer.close()
        await until(lambda: server.counts()["no_call"] == 1)
    assert refused == []


async def test_headers_that_stop_in_the_middle_are_told_of_once(headers: bytes) -> None:
    refused: list[RefusedCall] = []
    async with serving(never, refused.append, headers_timeout_s=0.05) as server:
        assert await exchange(server, headers[:-1]) in (b"", b"reset")
        assert server.counts()["slow_headers"] == 1
    assert refused == [RefusedCall(HEADERS_INCOMPLETE, "18005550100", "441910000001")]


async def test_more_calls_than_can_be_refused_at_once_are_closed_unread(headers: bytes) -> None:
    refused: list[RefusedCall] = []
    async with serving(answer, refused.append, max_calls=1, refused_at_once=1) as server:
        held = [await connect(server) for _ in range(2)]
        await until(lambda: len(server._connections) == 2)
        assert await exchange(server, headers) in (b"", b"reset")
        for _, writer in held:
            writer.close()
    assert refused == [RefusedCall(CALLS_FULL)]


async def test_calls_past_the_rate_are_refused_and_settlements_are_not(headers: bytes) -> None:
    settle = headers.replace(b"agi_network_script: call", b"agi_network_script: settle")
    refused: list[RefusedCall] = []
    limits = {"max_calls_per_s": 0.1, "never_refused": frozenset({"settle"})}
    async with serving(answer, refused.append, **limits) as server:
        held = [await connect(server) for _ in range(3)]
        for first, writer in held:
            writer.write(headers)
            assert await first.readline() == b"ANSWER\n"
        assert await exchange(server, headers) == HANGS_UP_503
        assert server.counts()["overloaded"] == 1
        reader, settling = await connect(server)
        settling.write(settle)
        assert await reader.readline() == b"ANSWER\n"
        for one in (*[writer for _, writer in held], settling):
            one.close()
    assert refused == [RefusedCall(CALLS_PER_SECOND, "18005550100", "441910000001")]


async def test_slow_headers_end_that_connection(headers: bytes) -> None:
    async with serving(never, headers_timeout_s=0.05) as server:
        assert await exchange(server, headers[:-1]) in (b"", b"reset")
        assert server.counts()["slow_headers"] == 1
        assert server.counts()["no_call"] == 0


async def test_the_limit_on_headers_does_not_limit_the_call(headers: bytes) -> None:
    async with serving(headers_timeout_s=0.05) as server:
        reader, writer = await connect(server)
        writer.write(headers)
        await reader.readline()
        await asyncio.sleep(0.1)
        assert server.live_calls == 1
        writer.write(b"200 result=0\n")
        assert await read_to_end(reader) == b""
        writer.close()


async def test_endless_bytes_in_a_call_end_that_call(headers: bytes) -> None:
    ended: list[str] = []

    async def handle_call(session: AgiSession) -> None:
        try:
            await session.answer()
        except ProtocolViolation as error:
            ended.append(type(error).__name__)

    with structlog.testing.capture_logs() as logs:
        async with serving(handle_call) as server:
            reader, writer = await connect(server)
            writer.write(headers)
            await reader.readline()
            try:
                while not reader.at_eof():
                    writer.write(b"y" * 65536)
                    await writer.drain()
            except ConnectionError:
                pass
            writer.close()
            await until(lambda: server.live_calls == 0)
    assert ended == ["ProtocolViolation"]
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["FastAGI broken off"]


async def test_text_behind_an_early_end_of_the_headers_is_no_call(headers: bytes) -> None:
    # A CLI with encoded line feeds in it: it writes its own extension and ends the block.
    hostile = headers.replace(b"441910000001", b"1\nagi_extension: 1900\n\n")
    refused: list[RefusedCall] = []
    async with serving(never, refused.append) as server:
        assert await exchange(server, hostile) == HANGS_UP_403
        assert server.counts()["protocol_errors"] == 1
        assert server.counts()["calls"] == 0
    (call,) = refused
    assert (call.refusal, call.did, call.cli) == (HEADERS_REFUSED, "1900", "1")
    assert call.detail == "Asterisk: not a reply: ''"


async def test_a_peer_outside_the_allowed_networks_is_closed_at_once(headers: bytes) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(never, allow=(ip_network("192.0.2.0/24"),)) as server:
            for _ in range(3):
                assert await exchange(server, headers) in (b"", b"reset")
            assert server.counts()["not_allowed"] == 3
    assert [(entry["log_level"], entry["peer"]) for entry in logs] == [("warning", "127.0.0.1")]


async def test_one_call_too_many_is_refused_with_503_and_told_of(headers: bytes) -> None:
    refused: list[RefusedCall] = []
    async with serving(answer, refused.append, max_calls=2) as server:
        held = [await connect(server) for _ in range(2)]
        for reader, writer in held:
            writer.write(headers)
            await reader.readline()
        assert await exchange(server, headers) == HANGS_UP_503
        assert server.counts()["too_many"] == 1
        assert refused == [RefusedCall(CALLS_FULL, "18005550100", "441910000001")]
        held[0][1].write(b"200 result=0\n")
        assert await read_to_end(held[0][0]) == b""
        reader, writer = await connect(server)
        writer.write(headers)
        assert await reader.readline() == b"ANSWER\n"
        for _, one in [*held, (reader, writer)]:
            one.close()


async def test_a_taken_port_is_one_line_that_names_it_and_the_mend() -> None:
    async with serving() as server:
        second = FastAgiServer(answer, AgiSettings(port=server.port))
        with pytest.raises(StartError) as error:
            await second.start()
    text = str(error.value)
    assert f"127.0.0.1:{server.port}: the port is taken" in text
    assert "fastagi.port" in text
    assert "\n" not in text


async def test_a_handlers_fault_is_logged_and_ends_only_its_call(headers: bytes) -> None:
    async def handle_call(session: AgiSession) -> None:
        raise ZeroDivisionError("ours")

    with structlog.testing.capture_logs() as logs:
        async with serving(handle_call) as server:
            assert await exchange(server, headers) == b""
            assert await exchange(server, headers) == b""
            assert server.counts()["handler_errors"] == 2
    assert [entry["event"] for entry in logs] == ["call handler failed"] * 2
    assert logs[0]["channel"] == "'PJSIP/carrier-00000001'"


async def test_a_hangup_that_the_handler_lets_through_is_no_fault(headers: bytes) -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        writer.write(headers)
        await reader.readline()
        writer.write(b"200 result=-1\n")
        assert await read_to_end(reader) == b""
        writer.close()
        assert server.counts()["handler_errors"] == 0


async def test_calls_notice_a_peer_that_vanishes(headers: bytes) -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        writer.write(headers)
        await reader.readline()
        writer.transport.abort()
        await until(lambda: server.live_calls == 0)


async def test_accepted_connections_are_kept_alive(headers: bytes) -> None:
    options: list[tuple[int, int]] = []

    async def handle_call(session: AgiSession) -> None:
        accepted = session.exchange._transport.get_extra_info("socket")
        options.append(
            (
                accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
            )
        )

    async with serving(handle_call) as server:
        await exchange(server, headers)
    assert options == [(1, 60)]


async def test_what_was_written_leaves_before_the_end(headers: bytes) -> None:
    async def handle_call(session: AgiSession) -> None:
        session.abandon()

    async with serving(handle_call) as server:
        assert await exchange(server, headers) == b"HANGUP\n"


async def test_drain_lets_calls_finish_and_takes_no_new_ones(headers: bytes) -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        writer.write(headers)
        await reader.readline()
        waiting, idle = await connect(server)
        idle.write(headers[:20])
        draining = asyncio.ensure_future(server.drain(5))
        assert await read_to_end(waiting) in (b"", b"reset")
        with pytest.raises(ConnectionError):
            await connect(server)
        assert not draining.done()
        writer.write(b"200 result=0\n")
        await draining
        assert await read_to_end(reader) == b""
        assert server.counts()["handler_errors"] == 0
        writer.close()
        idle.close()


async def test_drain_cancels_at_its_limit_and_waits_for_the_clearing_up(headers: bytes) -> None:
    ends: list[str] = []

    async def handle_call(session: AgiSession) -> None:
        try:
            await session.answer()
        except asyncio.CancelledError:
            ends.append("cancelled")
            await asyncio.sleep(0.01)
            session.abandon()
            ends.append("cleared up")
            raise

    async with serving(handle_call) as server:
        reader, writer = await connect(server)
        writer.write(headers)
        await reader.readline()
        await server.drain(0.01)
        assert ends == ["cancelled", "cleared up"]
        assert server.live_calls == 0
        assert await read_to_end(reader) == b"HANGUP\n"
        writer.close()


async def test_calls_that_come_without_replies_begin_with_a_probe(headers: bytes) -> None:
    async def handle_call(session: AgiSession) -> None:
        await session.probe()
        await session.answer()

    async with serving(handle_call, max_lag_s=1.0) as server:
        held = [await connect(server) for _ in range(4)]
        lines = []
        for reader, writer in held:
            writer.write(headers)
            lines.append(await reader.readline())
        assert lines == [b"ANSWER\n"] * 3 + [b'GET FULL VARIABLE "${EPOCH}"\n']
        reader, writer = held[-1]
        writer.write(b"510 Invalid or unknown command\n")
        assert await reader.readline() == b"ANSWER\n"
        for _, writer in held:
            writer.close()
