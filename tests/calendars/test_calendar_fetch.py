"""What a calendar's server may do to us: nothing but be refused, in bounded size and time."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import TypeAlias

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from ringflow.calendars.calendar_fetch import CalendarFetch, further_url
from ringflow.calendars.calendar_url import check_calendar_url
from ringflow.errors import Forbidden, Refused
from ringflow.http_client.allowed_hosts import AllowedHosts

from .icalendars import CHRISTMAS

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOPBACK = (ip_network("127.0.0.0/8"),)


class Names(AbstractResolver):
    """Finds the addresses that a name has here."""

    def __init__(self, addresses: dict[str, list[str]]) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(
                hostname=host,
                host=one,
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for one in self.addresses[host]
        ]

    async def close(self) -> None: ...


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server on a free port of the loopback; gives the port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def fetch_at(port: int, *names: str, timeout_s: float = 20.0) -> CalendarFetch:
    """A fetch that may go to these names, all of which are this machine."""
    known = ("calendar.test", *names)
    allowed = AllowedHosts(frozenset(f"{name}:{port}" for name in known), LOOPBACK)
    return CalendarFetch(allowed, lambda: Names({name: ["127.0.0.1"] for name in known}), timeout_s)


async def whole(request: web.Request) -> web.StreamResponse:
    if request.headers.get("If-None-Match") == '"1"':
        return web.Response(status=304)
    return web.Response(body=CHRISTMAS, headers={"ETag": '"1"', "Last-Modified": "yesterday"})


async def test_a_text_comes_with_its_marks_and_the_same_one_comes_no_second_time() -> None:
    async with serving(whole) as port:
        fetch, url = fetch_at(port), f"http://calendar.test:{port}/a.ics"
        first = await fetch.fetch(url)
        assert (first.raw, first.etag, first.modified) == (CHRISTMAS, '"1"', "yesterday")
        assert (await fetch.fetch(url, first.etag, first.modified)).raw is None


async def test_no_proxy_of_the_environment_decides_where_a_connection_leads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(whole) as port:
        assert (await fetch_at(port).fetch(f"http://calendar.test:{port}/a.ics")).raw == CHRISTMAS


async def refused_by(handler: Handler) -> str:
    async with serving(handler) as port:
        fetch = fetch_at(port, "other.test")
        with pytest.raises(Refused) as raised:
            await fetch.fetch(f"http://calendar.test:{port}/a.ics")
    return str(raised.value)


def leads_to(where: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        port = request.url.port
        return web.Response(status=302, headers={"Location": where.format(port=port)})

    return answer


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("http://evil.test:{port}/a.ics", "calendars may not be fetched from evil.test:"),
        ("http://169.254.169.254/latest/meta-data", "calendars may not be fetched from 169.254.169.254;"),
        ("file:///etc/passwd", "cannot be a calendar's URL"),
        ("http://user:secret@calendar.test:{port}/", "cannot be a calendar's URL"),
        ("http://calendar.test:{port}/again", "it leads on more than 3 times"),
        ("", "it answers 302 and does not say where to go"),
    ],
)
async def test_a_redirection_leads_only_where_a_calendar_may_be_fetched(where: str, said: str) -> None:
    assert said in await refused_by(leads_to(where))


async def test_a_redirection_to_another_allowed_host_is_followed() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.url.host == "other.test":
            return web.Response(body=CHRISTMAS)
        return await leads_to("http://other.test:{port}/b.ics")(request)

    async with serving(answer) as port:
        found = await fetch_at(port, "other.test").fetch(f"http://calendar.test:{port}/a.ics")
    assert found.raw == CHRISTMAS


def test_a_redirection_does_not_leave_an_encrypted_connection() -> None:
    assert further_url("https://a.test/x/a.ics", "../b.ics") == "https://a.test/b.ics"
    assert further_url("http://a.test/", "https://a.test/") == "https://a.test/"
    with pytest.raises(Refused, match="not encrypted"):
        further_url("https://a.test/a.ics", "http://a.test/a.ics")


async def test_a_text_without_end_is_cut_off() -> None:
    sent = 0

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"X" * 65_536)
            sent += 65_536

    assert "it sends more than 2097152 bytes" in await refused_by(pour)
    # What stands in the buffers of two sockets besides.
    assert sent < 30_000_000


async def test_a_compressed_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    assert "compressed" in await refused_by(answer)


async def test_a_server_that_says_nothing_more_is_left() -> None:
    over = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"BEGIN:")
        await over.wait()
        return response

    async with serving(stall) as port:
        with pytest.raises(Refused, match=r"no whole answer within 0\.2 s"):
            await fetch_at(port, timeout_s=0.2).fetch(f"http://calendar.test:{port}/a.ics")
        over.set()


@pytest.mark.parametrize("status", [404, 500, 401, 204])
async def test_any_other_answer_is_told(status: int) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    assert f"it answers {status}" in await refused_by(answer)


async def test_a_name_that_comes_to_lead_inside_the_house_is_judged_at_each_connection() -> None:
    names = Names({"calendar.test": ["127.0.0.1"]})
    async with serving(whole) as port:
        allowed = AllowedHosts(frozenset({f"calendar.test:{port}"}), (ip_network("127.0.0.1/32"),))
        fetch, url = CalendarFetch(allowed, lambda: names), f"http://calendar.test:{port}/a.ics"
        assert (await fetch.fetch(url)).raw == CHRISTMAS
        names.addresses["calendar.test"] = ["10.0.0.7", "127.0.0.2"]
        with pytest.raises(Refused, match=r"calendar\.test has no public address"):
            await fetch.fetch(url)
        names.addresses["calendar.test"] = ["10.0.0.7", "127.0.0.1"]
        assert (await fetch.fetch(url)).raw == CHRISTMAS
    assert len(names.asked) == 3


async def test_an_address_in_the_url_itself_is_judged_too() -> None:
    async with serving(whole) as port:
        for written in ("127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]"):
            allowed = AllowedHosts(frozenset({f"{written.strip('[]')}:{port}"}))
            with pytest.raises(Refused, match=r"no public address|not a public address"):
                await CalendarFetch(allowed).fetch(f"http://{written}:{port}/a.ics")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
        *("::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1", "64:ff9b:1::a00:1", "fec0::1", "::a00:1"),
        *("not an address", ""),
    ],
)
def test_no_address_inside_the_house_may_be_connected_to(address: str) -> None:
    assert not AllowedHosts().may_connect(address)


def test_public_addresses_and_listed_networks_may_be_connected_to() -> None:
    assert AllowedHosts().may_connect("151.101.0.144")
    assert AllowedHosts().may_connect("2a04:4e42::144")
    assert AllowedHosts(networks=(ip_network("10.0.0.0/8"),)).may_connect("10.1.2.3")
    assert AllowedHosts(networks=(ip_network("10.0.0.0/8"),)).may_connect("::ffff:10.1.2.3")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://www.gov.uk/a.ics", None),
        ("https://WWW.GOV.UK:443/a.ics", None),
        ("http://www.gov.uk/a.ics", None),
        ("https://www.gov.uk:8443/a.ics", "www.gov.uk:8443"),
        ("https://gov.uk/a.ics", "gov.uk"),
        ("https://www.gov.uk.evil.test/a.ics", "www.gov.uk.evil.test"),
        ("https://evil.test#@www.gov.uk/", "evil.test"),
        ("https://evil.test\\@www.gov.uk/", "cannot be a calendar's URL"),
        ("ftp://www.gov.uk/a.ics", "cannot be a calendar's URL"),
        ("webcal://www.gov.uk/a.ics", "cannot be a calendar's URL"),
        ("https://www.gov.uk:x/a.ics", "cannot be a calendar's URL"),
        ("www.gov.uk/a.ics", "cannot be a calendar's URL"),
        ("https://www.gov.uk/a b.ics", "cannot be a calendar's URL"),
    ],
)
def test_a_url_is_of_an_allowed_host_or_refused(url: str, said: str | None) -> None:
    allowed = AllowedHosts(frozenset({"www.gov.uk"}))
    if said is None:
        check_calendar_url(allowed, url)
        return
    with pytest.raises(Refused, match=said) as raised:
        check_calendar_url(allowed, url)
    assert isinstance(raised.value, Forbidden) is ("cannot be" not in said)
