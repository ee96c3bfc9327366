"""Connections for what calls wait for: used again, no more than there may be, and never a broken one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import make_url

from ringflow.store.postgres_connections import PostgresConnections

pytestmark = pytest.mark.postgres
PID = "SELECT pg_backend_pid()"


@pytest.fixture
async def connections(postgres_url: str) -> AsyncIterator[PostgresConnections]:
    url = make_url(postgres_url).set(drivername="postgresql")
    opened = PostgresConnections({"dsn": url.render_as_string(hide_password=False)}, 2)
    yield opened
    opened.close()


async def used(connections: PostgresConnections) -> int:
    async with connections.one() as connection:
        return int(await connection.fetchval(PID))


async def test_a_connection_is_used_again(connections: PostgresConnections) -> None:
    assert len({await used(connections) for _ in range(3)}) == 1


async def test_there_are_no_more_than_there_may_be(connections: PostgresConnections) -> None:
    assert len(set(await asyncio.gather(*[used(connections) for _ in range(20)]))) <= 2


async def test_after_an_error_there_is_a_new_one(connections: PostgresConnections) -> None:
    first = await used(connections)
    with pytest.raises(asyncpg.UndefinedColumnError):
        async with connections.one() as connection:
            await connection.fetchval("SELECT nothing")
    second = await used(connections)
    with pytest.raises(TimeoutError):
        async with connections.one() as connection:
            await connection.fetchval("SELECT pg_sleep(60)", timeout=0.05)
    assert len({first, second, await used(connections)}) == 3


async def test_one_that_the_server_closed_is_not_given_out(connections: PostgresConnections) -> None:
    async with connections.one() as one:
        ended = await one.fetchval(PID)
        async with connections.one() as other:
            # With a limit in milliseconds it waits until the other is gone.
            await other.fetchval("SELECT pg_terminate_backend($1, 10000)", ended)
        # Read until the end of the stream is seen.
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await one.fetchval(PID)
    assert await used(connections) != ended


async def test_those_that_are_idle_can_be_forgotten(connections: PostgresConnections) -> None:
    first = await used(connections)
    connections.forget_idle()
    assert await used(connections) != first


async def test_one_that_comes_back_after_the_end_is_closed(connections: PostgresConnections) -> None:
    async with connections.one() as connection:
        connections.close()
    assert connection.is_closed()
