"""The server without a connection: its settings, and an Asterisk in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from tests.agi.conftest import Asterisk

from ringflow.agi.server import AgiSettings, FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.errors import ChannelGone, StartError

if TYPE_CHECKING:
    Join = Callable[[FastAgiServer], Asterisk]


async def answer(session: AgiSession) -> None:
    await session.answer()


async def never(session: AgiSession) -> None:
    raise AssertionError("there was no call")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 -- the server tells nobody what it counts
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ("10.1.2.3", True),
        ("10.2.2.3", False),
        ("::ffff:10.1.2.3", True),
        ("::ffff:10.2.2.3", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("fe80::1%eth0", False),
        ("not an address", False),
    ],
)
def test_allowed_networks(peer: str, allowed: bool) -> None:
    settings = AgiSettings(allow=(ip_network("10.1.0.0/16"), ip_network("2001:db8::/32")))
    assert settings.allows(peer) is allowed


async def test_drain_ends_calls_whose_handler_has_not_begun(headers: bytes, join: Join) -> None:
    server = FastAgiServer(never)
    asterisk = join(server)
    asterisk.says(headers)
    assert server.live_calls == 1
    await server.close()
    assert (server.live_calls, asterisk.closed) == (0, "closed")


async def test_an_asterisk_in_this_process_needs_no_port_and_no_address(headers: bytes, join: Join) -> None:
    server = FastAgiServer(answer)
    asterisk = join(server)
    asterisk.replies = [b"200 result=0\n"]
    asterisk.says(headers)
    await until(lambda: bool(asterisk.closed))
    assert asterisk.commands == [b"ANSWER\n"]
    assert asterisk.closed == "closed"
    await server.close()
    refused = join(server)
    assert refused.closed == "aborted"


async def test_cancelling_a_call_from_outside_is_not_swallowed(headers: bytes, join: Join) -> None:
    raised: list[type[BaseException]] = []

    async def handle_call(session: AgiSession) -> None:
        try:
            await session.answer()
        except BaseException as error:
            raised.append(type(error))
            raise

    server = FastAgiServer(handle_call)
    asterisk = join(server)
    asterisk.says(headers)
    await until(lambda: bool(asterisk.commands))
    await server.close()
    assert raised == [asyncio.CancelledError]
    assert ChannelGone not in raised


class Unread(Asterisk):
    """An Asterisk that does not read: what was written never leaves, so a close waits for ever."""

    def close(self) -> None:
        self.commands.append(b"closing")


async def test_a_peer_that_does_not_read_holds_up_the_end_no_longer_than_the_server_lingers(
    headers: bytes,
) -> None:
    server = FastAgiServer(answer, AgiSettings(linger_s=0.02, look_every_s=0.005))
    asterisk = Unread(server.protocol())
    asterisk.replies = [b"200 result=0\n"]
    asterisk.says(headers)
    await until(lambda: bool(asterisk.closed))
    assert asterisk.commands == [b"ANSWER\n", b"closing"]
    assert asterisk.closed == "aborted"
    await server.close()


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 4573), ("no such host", 4573)])
async def test_an_address_that_cannot_be_had_is_a_start_error(host: str, port: int) -> None:
    with pytest.raises(StartError, match="FastAGI cannot listen on"):
        await FastAgiServer(answer, AgiSettings(host=host, port=port)).start()
