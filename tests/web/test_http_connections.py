"""Clients of the HTTP port that are slow, silent or many take no descriptor from calls for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from aiohttp import web

from ringflow.agi.open_files import reserve_for_calls
from ringflow.web import connections
from ringflow.web.connections import BoundedSite, Connections

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENCE_S = 60.0
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def port(
    most: int, handler: Callable[[web.Request], Coroutine[Any, Any, web.Response]]
) -> AsyncIterator[int]:
    bounds = Connections(most)
    application = web.Application(middlewares=[bounds.middleware()])
    application.router.add_route("*", "/", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await BoundedSite(runner, "127.0.0.1", 0, bounds).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def says_hello(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(text="hello")


async def closed(client: Client) -> bool:
    """Whether the other end closes without a byte."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            return await client[0].read(1) == b""
        except ConnectionError:
            return True


async def answer(client: Client) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        head = await client[0].readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return head.split(b"\r\n")[0] + b" " + await client[0].readexactly(int(length.split(b":")[1]))


def test_the_port_answers_in_the_event_loop_that_servers_run_in() -> None:
    async def ask() -> bytes:
        async with port(2, says_hello) as number:
            client = await asyncio.open_connection("127.0.0.1", number)
            client[1].write(GET)
            return await answer(client)

    assert uvloop.run(ask()) == b"HTTP/1.1 200 OK hello"


async def test_more_connections_than_may_be_are_closed_and_the_others_are_served() -> None:
    async with port(2, says_hello) as number:
        first, second, third = [await asyncio.open_connection("127.0.0.1", number) for _ in range(3)]
        assert await closed(third)
        for client in (first, second):
            client[1].write(GET)
            assert await answer(client) == b"HTTP/1.1 200 OK hello"
        first[1].close()
        await first[1].wait_closed()
        # Its place is free once the server has heard of it.
        async with asyncio.timeout(PATIENCE_S):
            while True:
                fourth = await asyncio.open_connection("127.0.0.1", number)
                fourth[1].write(GET)
                try:
                    assert await answer(fourth) == b"HTTP/1.1 200 OK hello"
                    break
                except (asyncio.IncompleteReadError, ConnectionError):
                    continue


async def test_a_client_that_never_ends_its_headers_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_S", 0.1)
    async with port(5, says_hello) as number:
        client = await asyncio.open_connection("127.0.0.1", number)
        client[1].write(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert await closed(client)


async def test_a_client_that_asks_no_more_is_closed_and_one_that_asks_again_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.2)
    async with port(5, says_hello) as number:
        client = await asyncio.open_connection("127.0.0.1", number)
        for _ in range(3):
            client[1].write(GET)
            assert await answer(client) == b"HTTP/1.1 200 OK hello"
        assert await closed(client)


async def test_a_body_that_does_not_come_is_answered_with_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_S", 0.1)
    monkeypatch.setattr(connections, "REQUEST_S", 0.3)
    async with port(5, says_hello) as number:
        client = await asyncio.open_connection("127.0.0.1", number)
        client[1].write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        assert (await answer(client)).startswith(b"HTTP/1.1 408 Request Timeout the request took longer")


def test_nothing_but_calls_gets_more_than_a_tenth_of_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 1024))
    assert reserve_for_calls(200) == 102
    assert reserve_for_calls(50) == 50
    monkeypatch.setattr("resource.getrlimit", lambda _: (5, 5))
    assert reserve_for_calls(200) == 1
