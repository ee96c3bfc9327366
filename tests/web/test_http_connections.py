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
from ringflow.config import HttpConfig
from ringflow.web import connections
from ringflow.web.connections import BoundedSite, Connections

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENCE_S = 60.0
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def port(
    most: int | Connections, handler: Callable[[web.Request], Coroutine[Any, Any, web.Response]]
) -> AsyncIterator[int]:
    bounds = Connections(most) if isinstance(most, int) else most
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


async def connected(number: int, address: str) -> Client:
    return await asyncio.open_connection("127.0.0.1", number, local_addr=(address, 0))


async def is_served_at_last(number: int, address: str) -> Client:
    """Connect until there is a place: one is free once the server has heard that its client is gone."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            client = await connected(number, address)
            client[1].write(GET)
            try:
                assert await answer(client) == b"HTTP/1.1 200 OK hello"
                return client
            except (asyncio.IncompleteReadError, ConnectionError):
                continue


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
        await is_served_at_last(number, "127.0.0.1")


async def test_one_address_has_its_share_of_the_connections_and_others_are_served() -> None:
    bounds = Connections.configured(HttpConfig(), 4)
    async with port(bounds, says_hello) as number:
        held = [await connected(number, "127.0.0.2") for _ in range(2)]
        assert await closed(await connected(number, "127.0.0.2"))
        assert bounds.refused == 1
        other = await connected(number, "127.0.0.3")
        for client in (*held, other):
            client[1].write(GET)
            assert await answer(client) == b"HTTP/1.1 200 OK hello"
        held[0][1].close()
        again = await is_served_at_last(number, "127.0.0.2")
        assert await closed(await connected(number, "127.0.0.2"))
        again[1].close()


async def test_a_trusted_proxy_may_have_all_connections_and_no_more() -> None:
    config = HttpConfig.model_validate({"trusted_proxies": ["127.0.0.2"], "max_connections_per_address": 1})
    async with port(Connections.configured(config, 3), says_hello) as number:
        first, _ = [await connected(number, "127.0.0.2") for _ in range(2)]
        first[1].write(GET)
        assert await answer(first) == b"HTTP/1.1 200 OK hello"
        other = await connected(number, "127.0.0.3")
        other[1].write(GET)
        assert await answer(other) == b"HTTP/1.1 200 OK hello"
        assert await closed(await connected(number, "127.0.0.2"))


async def test_addresses_of_ipv6_are_counted_by_their_network_and_those_of_ipv4_as_they_are() -> None:
    bounds = Connections(10, 1)
    for address, admitted in (
        ("2001:db8::1", True),
        ("2001:db8::2%eth0", False),
        ("2001:db8:0:1::1", True),
        ("::ffff:192.0.2.7", True),
        ("192.0.2.7", False),
        ("192.0.2.8", True),
    ):
        assert bounds.take(asyncio.BaseTransport(), address, None) is admitted, address


def test_an_address_has_half_of_what_there_is_and_never_none() -> None:
    assert Connections.configured(HttpConfig(), 102).most_of_one == 51
    assert Connections.configured(HttpConfig(), 1).most_of_one == 1
    assert Connections.configured(HttpConfig(max_connections_per_address=7), 102).most_of_one == 7


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
