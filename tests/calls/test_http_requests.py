"""Requests of flows to a real server that is slow, broken, huge, hostile, or elsewhere."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from socket import AF_INET, AddressFamily
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from ringflow.calls.http_requests import MAX_ANSWER, FlowRequest, NetworkRequests
from ringflow.config import Config, HttpRequestsConfig, SecretConfig
from ringflow.http_client.allowed_hosts import AllowedHosts
from ringflow.http_client.client import HttpClient
from ringflow.http_client.request import HttpAnswer, HttpFailed, HttpFailure, HttpRequest

LOOPBACK = (ip_network("127.0.0.1/32"),)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Peer:
    """A server that sends what a test says, byte by byte where it wants, and keeps what it was sent."""

    script: list[bytes | None]
    """What each connection gets in answer; None: nothing, and the connection stays open."""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    drips: bool = False
    never: asyncio.Event = field(default_factory=asyncio.Event)
    was_left: asyncio.Event = field(default_factory=asyncio.Event)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head.decode())
            self.was_asked.set()
            answer = self.script[min(len(self.asked), len(self.script)) - 1]
            if answer is None:
                await reader.read()
                self.was_left.set()
            elif self.drips:
                while not self.never.is_set():
                    writer.write(b"x")
                    await writer.drain()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.never.wait(), 0.01)
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def peer(*script: bytes | None, drips: bytes | None = None) -> AsyncIterator[Peer]:
    found = Peer(list(script) or [OK])
    if drips is not None:

        async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(drips)
            await found.serve(reader, writer)

        found.drips = True
        server = await asyncio.start_server(begin, "127.0.0.1", 0)
    else:
        server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        found.never.set()
        server.close()


class Names(AbstractResolver):
    """Finds the addresses that a test says, whatever was found before."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=AF_INET, proto=0, flags=0)
            for one in self.addresses
        ]

    async def close(self) -> None:
        pass


def requests_to(port: int, **secrets: SecretConfig) -> NetworkRequests:
    settings = HttpRequestsConfig(
        hosts=(f"localhost:{port}",), networks=("127.0.0.0/8",), secrets=dict(secrets)
    )
    return NetworkRequests.configured(Config(http_requests=settings))


def asking(port: int, path: str = "/", **fields: Any) -> HttpRequest:
    return replace(HttpRequest(f"http://localhost:{port}{path}", timeout_s=5.0), **fields)


async def outcome(requests: NetworkRequests, asked: FlowRequest) -> HttpAnswer | HttpFailed:
    return await (await requests.begin(asked)).outcome()


async def failure(found: Peer, request: HttpRequest | None = None) -> tuple[HttpFailure, str]:
    came = await outcome(requests_to(found.port), FlowRequest(request or asking(found.port)))
    assert isinstance(came, HttpFailed), came
    return came.kind, str(came)


HEAD = b"HTTP/1.1 200 OK\r\n"
BROKEN: Mapping[str, tuple[bytes, str]] = {
    "lies about its length": (
        HEAD + b"Content-Length: 10\r\n\r\n{}",
        "localhost sends an answer that is cut short",
    ),
    "sends no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", "localhost does not answer in HTTP"),
    "closes at once": (b"", "Server disconnected"),
    "sends too much": (
        HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_ANSWER + 1) + b"x" * (MAX_ANSWER + 1),
        f"sends more than {MAX_ANSWER} bytes",
    ),
    "says how much it would send": (
        HEAD + b"Content-Length: 99999999999\r\n\r\n" + b"x" * 400_000,
        "sends more",
    ),
    "sends a bomb": (
        HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"\0" * 10_000_000),
        "compressed",
    ),
    "sends endless headers": (HEAD + b"X-A: " + b"x" * 100_000 + b"\r\n\r\n", "does not answer in HTTP"),
    "sends very many headers": (
        HEAD + b"X-A: x\r\n" * 20_000 + b"Content-Length: 0\r\n\r\n",
        "does not answer",
    ),
    "redirects to another host": (
        b"HTTP/1.1 302 Found\r\nLocation: http://example.net/\r\nContent-Length: 0\r\n\r\n",
        "example.net is not among http_requests.hosts",
    ),
    "redirects to the metadata of a cloud": (
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n",
        "169.254.169.254 is not among http_requests.hosts",
    ),
    "redirects to a file": (
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        "no usable URL",
    ),
    "redirects for ever": (
        b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        "redirects more than 5 times",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_broken_server_is_a_failure_with_a_reason(what: str) -> None:
    answer, said = BROKEN[what]
    async with peer(answer) as found:
        _, reason = await failure(found)
    assert said in reason
    assert reason.isprintable()
    assert len(reason) <= 300


async def test_a_server_that_says_nothing_and_one_that_never_ends_are_left_in_time() -> None:
    rest, head = HEAD + b"\r\n", HEAD + b"X-A: "
    async with peer(None) as silent, peer(drips=rest) as dripping, peer(drips=head) as headless:
        for one in (silent, dripping, headless):
            kind, reason = await failure(one, asking(one.port, timeout_s=0.15))
            assert (kind, reason) == (HttpFailure.SLOW, "no whole answer within 0.15 s")


async def test_the_loop_goes_on_while_a_server_is_silent() -> None:
    async with peer(None) as silent:
        pending = await requests_to(silent.port).begin(FlowRequest(asking(silent.port)))
        await silent.was_asked.wait()
        assert not pending.is_here
        waiting = asyncio.ensure_future(pending.outcome())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        # Whoever no longer waits for an answer has no request under way either.
        await silent.was_left.wait()


async def test_a_request_is_tried_again_with_the_same_key_and_no_more_than_asked() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    async with peer(b"", busy, OK) as found:
        request = asking(found.port, method="POST", body=b"{}", headers={"Idempotency-Key": "k1"})
        came = await outcome(requests_to(found.port), FlowRequest(request, retries=2))
        assert isinstance(came, HttpAnswer)
        assert came.status == 200
        assert len(found.asked) == 3
        assert all("Idempotency-Key: k1\r\n" in one for one in found.asked)
    async with peer(busy) as found:
        came = await outcome(requests_to(found.port), FlowRequest(asking(found.port)))
        assert isinstance(came, HttpAnswer)
        assert (came.status, len(found.asked)) == (503, 1)
    late = b"HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
    async with peer(late, OK) as found:
        came = await outcome(requests_to(found.port), FlowRequest(asking(found.port), retries=3))
        assert isinstance(came, HttpAnswer)
        assert (came.status, len(found.asked)) == (503, 1)


async def test_what_is_not_allowed_is_not_tried_again() -> None:
    async with peer(
        b"HTTP/1.1 302 Found\r\nLocation: http://example.net/\r\nContent-Length: 0\r\n\r\n"
    ) as found:
        came = await outcome(requests_to(found.port), FlowRequest(asking(found.port), retries=3))
        assert isinstance(came, HttpFailed)
        assert (came.kind, len(found.asked)) == (HttpFailure.NOT_ALLOWED, 1)


async def test_a_name_that_comes_to_lead_inside_the_house_is_judged_at_each_connection() -> None:
    names = Names(["127.0.0.1"])
    async with peer(OK) as found:
        allowed = AllowedHosts(frozenset({f"api.test:{found.port}"}), LOOPBACK)
        client = HttpClient(allowed, "http_requests", MAX_ANSWER, lambda: names)
        request = HttpRequest(f"http://api.test:{found.port}/")
        assert (await client.ask(request)).status == 200
        names.addresses = ["10.0.0.7", "127.0.0.2"]
        with pytest.raises(HttpFailed, match=r"api\.test has no public address.*http_requests\.networks"):
            await client.ask(request)
        names.addresses = ["10.0.0.7", "127.0.0.1"]
        assert (await client.ask(request)).status == 200
        for written in ("127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]"):
            inside = HttpClient(
                AllowedHosts(frozenset({f"{written.strip('[]')}:{found.port}"})), "http_requests", MAX_ANSWER
            )
            with pytest.raises(HttpFailed, match=r"no public address|not a public address"):
                await inside.ask(HttpRequest(f"http://{written}:{found.port}/"))
    assert len(found.asked) == 2


async def test_a_secret_is_sent_never_shown_and_told_to_no_other_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_TEST_TOKEN", "Bearer sesame-open-42")
    echo = HEAD + b'X-Got: sesame-open-42\r\nContent-Length: 32\r\n\r\n{"got": "Bearer sesame-open-42"}'
    in_env = SecretConfig(env="CRM_TEST_TOKEN")
    async with peer(echo) as found:
        asked = FlowRequest(asking(found.port), secret_headers={"X-Key": "crm"})
        came = await outcome(requests_to(found.port, crm=in_env), asked)
        assert "X-Key: Bearer sesame-open-42\r\n" in found.asked[0]
        assert isinstance(came, HttpAnswer)
        assert "sesame" not in repr(came)
        assert b"****" in came.body
    async with peer(OK) as other:
        to_other = (
            b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % other.port
        )
        async with peer(to_other) as found:
            settings = HttpRequestsConfig(
                hosts=(f"localhost:{found.port}", f"127.0.0.1:{other.port}"),
                networks=("127.0.0.0/8",),
                secrets={"crm": in_env},
            )
            asked = FlowRequest(asking(found.port), secret_headers={"X-Key": "crm"})
            await outcome(NetworkRequests.configured(Config(http_requests=settings)), asked)
            assert "sesame" in found.asked[0]
            assert len(other.asked) == 1
            assert "sesame" not in other.asked[0]
    async with peer(OK) as found:
        for secret, said in (
            ({}, "http_requests.secrets of config.yaml has no crm"),
            ({"crm": SecretConfig(env="CRM_TEST_NOWHERE")}, "set CRM_TEST_NOWHERE"),
        ):
            came = await outcome(
                requests_to(found.port, **secret),
                FlowRequest(asking(found.port), secret_headers={"X": "crm"}),
            )
            assert isinstance(came, HttpFailed)
            assert said in str(came)
        assert found.asked == []


async def test_a_request_that_is_over_makes_room_for_another() -> None:
    async with peer(OK) as found, peer(b"") as broken:
        settings = HttpRequestsConfig(
            hosts=(f"localhost:{found.port}", f"localhost:{broken.port}"),
            networks=("127.0.0.0/8",),
            at_once=1,
        )
        requests = NetworkRequests.configured(Config(http_requests=settings))
        for one in (broken, found, found):
            await outcome(requests, FlowRequest(asking(one.port)))
        assert (len(broken.asked), len(found.asked)) == (1, 2)


async def test_so_many_requests_are_under_way_and_others_wait() -> None:
    async with peer(None) as silent:
        settings = HttpRequestsConfig(
            hosts=(f"localhost:{silent.port}",), networks=("127.0.0.0/8",), at_once=1
        )
        requests = NetworkRequests.configured(Config(http_requests=settings))
        first = await requests.begin(FlowRequest(asking(silent.port)))
        await silent.was_asked.wait()
        came = await outcome(requests, FlowRequest(asking(silent.port, timeout_s=0.05)))
        assert isinstance(came, HttpFailed)
        assert str(came) == "too many requests are under way"
        assert not first.is_here
        assert len(silent.asked) == 1


def test_a_redirection_does_not_leave_an_encrypted_connection() -> None:
    request = HttpRequest("https://a.test/x", "POST", {"Authorization": "a", "Content-Type": "b"}, b"c")
    assert request.redirected(307, "/y").url == "https://a.test/y"
    got = request.redirected(303, "https://b.test/")
    assert (got.method, got.body, dict(got.headers)) == ("GET", None, {})
    with pytest.raises(HttpFailed, match="not encrypted"):
        request.redirected(302, "http://a.test/x")
