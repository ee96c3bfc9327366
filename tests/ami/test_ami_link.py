"""The link comes up, stays up, comes back, and ends when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.tracebacks import ExceptionDictTransformer

from ringflow.ami.failures import LinkDown, LoginRefused
from ringflow.ami.link import AmiLink, LinkState, login_key
from ringflow.ami.settings import AmiSettings
from ringflow.errors import PeerSilent

if TYPE_CHECKING:
    from tests.ami.conftest import Peer, PeerConnection

PATIENCE_S = 60.0
SECRET = "kept-from-every-log-7741"

MakeLink = Callable[..., AmiLink]


async def refuse_login(connection: PeerConnection) -> None:
    await connection.greet()
    await connection.answer(await connection.read(), "Response: Success", "Challenge: 1")
    await connection.answer(await connection.read(), "Response: Error", "Message: Authentication failed")


async def test_start_returns_at_once_and_the_link_comes_up_behind_it(peer: Peer, make_link: MakeLink) -> None:
    link = make_link()
    assert (link.state, link.reason) == (LinkState.DOWN, "not started")
    await link.start()
    assert (link.state, link.reason) == (LinkState.CONNECTING, f"to 127.0.0.1:{peer.port}")
    connection = await peer.accept()
    login = await connection.log_in()
    await link.wait_up(PATIENCE_S)
    assert (link.state, link.reason) == ("up", f"127.0.0.1:{peer.port}, Asterisk Call Manager/11.0.0")
    assert login["Events"] == "off"


async def test_a_link_is_started_once(make_link: MakeLink) -> None:
    link = make_link()
    await link.start()
    with pytest.raises(RuntimeError):
        await link.start()
    await link.close()
    with pytest.raises(RuntimeError):
        await link.start()


async def test_the_secret_stays_off_the_wire_and_out_of_every_text(
    up: tuple[AmiLink, PeerConnection], make_link: MakeLink
) -> None:
    link, connection = up
    settings = AmiSettings("127.0.0.1", 5038, "ringflow", SECRET)
    assert SECRET.encode() not in connection.received
    assert SECRET not in repr(settings) + str(settings) + repr(link) + repr(vars(link))
    assert login_key(settings, "416925151") == "6f11dc789aee7a4f687cb5a21a215643"


async def test_a_refusal_shows_the_secret_in_no_log_and_no_traceback(peer: Peer, make_link: MakeLink) -> None:
    link = make_link()
    with structlog.testing.capture_logs() as logs:
        await link.start()
        await refuse_login(await peer.accept())
        await link.wait_for(LinkState.REFUSED, PATIENCE_S)
    assert [(entry["state"], entry["log_level"]) for entry in logs] == [("refused", "warning")]
    assert SECRET not in repr(logs)
    # As a JSON log would write it: with the local variables of every function on the way.
    attempt = asyncio.create_task(make_link()._hold_connection())
    await refuse_login(await peer.accept())
    with pytest.raises(LoginRefused) as caught:
        await attempt
    frames = ExceptionDictTransformer(show_locals=True)((caught.type, caught.value, caught.tb))
    assert "AmiSettings(" in repr(frames)
    assert SECRET not in repr(frames)


async def test_bad_credentials_are_named_and_tried_again_slowly(peer: Peer, make_link: MakeLink) -> None:
    link = make_link(backoff_min_s=0.001, backoff_max_s=0.3)
    loop = asyncio.get_running_loop()
    await link.start()
    refused_at_s = []
    for _ in range(2):
        connection = await peer.accept()
        await refuse_login(connection)
        await connection.closed()
        refused_at_s.append(loop.time())
        assert link.state is LinkState.REFUSED
        assert link.reason == "user 'ringflow': Asterisk refused Login: Authentication failed"
    assert refused_at_s[1] - refused_at_s[0] >= 0.29
    connection = await peer.accept()
    assert link.state is LinkState.REFUSED, "an attempt alone is no reason to think that it was mended"
    await connection.log_in()
    await link.wait_up(PATIENCE_S)


async def test_a_lost_link_comes_back_and_says_meanwhile_why_it_went(peer: Peer, make_link: MakeLink) -> None:
    link = make_link()
    await link.start()
    for _ in range(3):
        connection = await peer.accept_login()
        await link.wait_up(PATIENCE_S)
        connection.hang_up()
        await link.wait_for(LinkState.DOWN, PATIENCE_S)
        assert link.reason.startswith(("the connection broke", "Asterisk closed the connection"))
        with pytest.raises(LinkDown) as caught:
            await link.live_channels()
        assert caught.value.sent is False


async def test_an_asterisk_that_is_not_there_yet_is_found_when_it_starts(
    peer: Peer, make_link: MakeLink, unused_tcp_port: int
) -> None:
    peer.port, listening_port = unused_tcp_port, peer.port
    link = make_link()
    with structlog.testing.capture_logs() as logs:
        await link.start()
        for _ in range(3):
            await link.wait_for(LinkState.DOWN, PATIENCE_S)
            assert "Connect call failed" in link.reason or "refused" in link.reason
            await link.wait_for(LinkState.CONNECTING, PATIENCE_S)
    assert len(logs) == 1, "an Asterisk that stays away is one line in the log"
    async with peer.listening():
        await peer.accept_login()
        await link.wait_up(PATIENCE_S)
    peer.port = listening_port


async def test_a_quiet_link_is_pinged_and_lives_by_the_answers(peer: Peer, make_link: MakeLink) -> None:
    link = make_link(ping_interval_s=0.05, silence_limit_s=0.4)
    await link.start()
    connection = await peer.accept_login()
    # Twelve intervals are longer than the limit: only the answers keep the link alive.
    for _ in range(12):
        ping = (await connection.read_bytes()).decode().split("\r\n")
        assert ping[0] == "Action: Ping"
        await connection.message("Response: Success", ping[1], "Ping: Pong", "Timestamp: 1.5")
    assert link.state is LinkState.UP
    assert peer.accepted == 1


async def test_a_silent_link_is_declared_dead_and_opened_anew(peer: Peer, make_link: MakeLink) -> None:
    link = make_link(ping_interval_s=0.05, silence_limit_s=0.15)
    await link.start()
    connection = await peer.accept_login()
    await link.wait_up(PATIENCE_S)
    asked = asyncio.create_task(link.live_channels())
    await link.wait_for(LinkState.DOWN, PATIENCE_S)
    assert link.reason == "Asterisk sent nothing for 0.15 s"
    with pytest.raises(LinkDown, match=r"sent nothing for 0\.15 s") as caught:
        await asked
    assert caught.value.sent is True
    await connection.closed()
    await peer.accept_login()
    await link.wait_up(PATIENCE_S)


@pytest.mark.parametrize("greeting", [b"", b"Asterisk Call"])
async def test_a_peer_that_accepts_and_says_nothing_is_given_up(
    peer: Peer, make_link: MakeLink, greeting: bytes
) -> None:
    link = make_link(action_timeout_s=1.0)
    await link.start()
    connection = await peer.accept()
    await connection.write(greeting)
    await link.wait_for(LinkState.DOWN, PATIENCE_S)
    assert link.reason == f"127.0.0.1:{peer.port} accepted and did not greet within 1 s"
    await connection.closed()


async def test_a_login_never_answered_is_given_up(peer: Peer, make_link: MakeLink) -> None:
    link = make_link(action_timeout_s=1.0)
    await link.start()
    connection = await peer.accept()
    await connection.greet()
    await link.wait_for(LinkState.DOWN, PATIENCE_S)
    assert link.reason == "Asterisk did not answer Challenge within 1 s"
    await connection.closed()


async def test_a_peer_that_is_not_ami_hears_nothing_from_us(peer: Peer, make_link: MakeLink) -> None:
    link = make_link()
    await link.start()
    connection = await peer.accept()
    await connection.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await link.wait_for(LinkState.DOWN, PATIENCE_S)
    assert "is not Asterisk's manager interface" in link.reason
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)) as caught:
        await connection.read_bytes()
    if isinstance(caught.value, asyncio.IncompleteReadError):
        assert caught.value.partial == b""


async def test_an_endless_message_ends_the_connection_only(
    peer: Peer, up: tuple[AmiLink, PeerConnection]
) -> None:
    link, connection = up
    try:
        for _ in range(300):
            await connection.write(b"Event: X\r\nData: " + b"x" * 4096 + b"\r\n")
    except ConnectionError:
        pass
    await link.wait_for(LinkState.CONNECTING, PATIENCE_S)
    assert link.reason == "an AMI message is longer than 262144 bytes"
    await peer.accept_login()
    await link.wait_up(PATIENCE_S)


async def test_close_ends_everything_and_nothing_comes_back(peer: Peer, make_link: MakeLink) -> None:
    before = asyncio.all_tasks()
    link = make_link(backoff_min_s=0.001, backoff_max_s=0.001)
    await link.start()
    connection = await peer.accept_login()
    await link.wait_up(PATIENCE_S)
    asked = asyncio.create_task(link.live_channels())
    await connection.read()
    await link.close()
    await connection.closed()
    with pytest.raises(LinkDown, match="the link was closed"):
        await asked
    assert (link.state, link.reason) == (LinkState.CLOSED, "closed")
    # The peer's own reader tasks are the only new ones.
    ours = {task for task in asyncio.all_tasks() - before if "Peer" not in repr(task.get_coro())}
    assert ours == set()
    await asyncio.sleep(0.05)
    assert peer.accepted == 1
    await link.close()
    with pytest.raises(LinkDown, match="closed"):
        await link.wait_up(PATIENCE_S)
    with pytest.raises(LinkDown, match="closed"):
        await link.asterisk_state()


async def test_close_while_connecting_and_while_backing_off_is_honoured(
    peer: Peer, make_link: MakeLink
) -> None:
    connecting = make_link()
    await connecting.start()
    connection = await peer.accept()
    await connecting.close()
    await connection.closed()
    waiting = make_link(backoff_min_s=600, backoff_max_s=600)
    await waiting.start()
    (await peer.accept()).hang_up()
    await waiting.wait_for(LinkState.DOWN, PATIENCE_S)
    async with asyncio.timeout(60):
        await waiting.close()
    assert waiting.state is LinkState.CLOSED
    await make_link().close()


async def test_close_wakes_who_waits_for_the_link(peer: Peer, make_link: MakeLink) -> None:
    link = make_link()
    await link.start()
    waiting = asyncio.create_task(link.wait_up(60))
    await peer.accept()
    await link.close()
    with pytest.raises(LinkDown, match="closed"):
        await waiting


async def test_waiting_for_the_link_ends_with_the_reason(peer: Peer, make_link: MakeLink) -> None:
    link = make_link()
    await link.start()
    with pytest.raises(PeerSilent, match=rf"connecting after waiting for `up`: to 127\.0\.0\.1:{peer.port}"):
        await link.wait_up(0.05)


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 0}, {"port": 65536}, {"user": ""}, {"secret": ""}, {"ping_interval_s": 0},
        {"action_timeout_s": -1}, {"silence_limit_s": 10.0}, {"backoff_min_s": 0}, {"backoff_max_s": 0.1},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    good: dict[str, object] = {"host": "127.0.0.1", "port": 5038, "user": "ringflow", "secret": SECRET}
    AmiSettings(**good)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        AmiSettings(**(good | wrong))  # type: ignore[arg-type]


def test_the_link_works_on_uvloop_too() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def talk() -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"Asterisk Call Manager/11.0.0\r\n")
            for _ in range(2):
                action = await reader.readuntil(b"\r\n\r\n")
                action_id = next(line for line in action.split(b"\r\n") if line.startswith(b"ActionID"))
                writer.write(b"Response: Success\r\n" + action_id + b"\r\nChallenge: 1\r\n\r\n")
            await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        link = AmiLink(AmiSettings("127.0.0.1", server.sockets[0].getsockname()[1], "ringflow", SECRET))
        await link.start()
        await link.wait_up(PATIENCE_S)
        state = str(link.state)
        await link.close()
        server.close()
        await server.wait_closed()
        return state

    assert uvloop.run(talk()) == "up"
