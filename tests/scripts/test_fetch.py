"""Requests of scripts: to hosts that are allowed, also behind a redirection, of bounded size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from pydantic import JsonValue

from ringflow.config import Config, ScriptsConfig
from ringflow.scripts.fetch import MAX_ANSWER, MAX_BODY, Fetch
from ringflow.scripts.run import CallRefused, HostCall

from .conftest import Bench

NETWORKS = ("127.0.0.0/8", "::1/128")


@dataclass
class Service:
    """Somebody else's server, and what it was asked."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    never: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        credentials = "with credentials" if "Authorization" in request.headers else "without"
        self.asked.append(f"{request.method} {request.path_qs} {credentials} {body}".strip())
        match request.path.split("/")[1:]:
            case ["to", status, *where]:
                return web.Response(status=int(status), headers={"Location": "/".join(where)})
            case ["again"]:
                return web.Response(status=302, headers={"Location": "/again"})
            case ["long"]:
                return web.Response(body=b"x" * (MAX_ANSWER + 1))
            case ["whole"]:
                return web.Response(body=b"x" * MAX_ANSWER)
            case ["never"]:
                await self.never.wait()
        return web.json_response({"path": request.path}, headers={"X-Kind": "plain"})

    def fetch(self, *others: str) -> Fetch:
        hosts = (self.url.removeprefix("http://"), *others)
        return Fetch(Config(scripts=ScriptsConfig(hosts=hosts, networks=NETWORKS)))


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    found = Service()
    application = web.Application()
    application.add_routes([web.route("*", "/{any:.*}", found.answer)])
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://localhost:{runner.addresses[0][1]}"
    yield found
    found.never.set()
    await runner.cleanup()


async def test_a_redirection_is_followed_to_hosts_that_are_allowed(service: Service) -> None:
    fetch = service.fetch()
    credentials: JsonValue = {"Authorization": "Basic x", "Content-Type": "text/plain"}
    asked: dict[str, JsonValue] = {"method": "POST", "body": "hello", "headers": credentials}
    for status, then in ((303, "GET"), (302, "GET"), (307, "POST"), (308, "POST")):
        service.asked.clear()
        answer = await fetch.fetch({"url": f"{service.url}/to/{status}//done", **asked})
        assert isinstance(answer, dict)
        assert (answer["status"], answer["url"], answer["redirected"]) == (200, f"{service.url}/done", True)
        sent = " hello" if then == "POST" else ""
        assert service.asked == [
            f"POST /to/{status}//done with credentials hello",
            f"{then} /done with credentials{sent}",
        ]
    as_it_is = await fetch.fetch({"url": f"{service.url}/to/302//done", "redirect": "manual"})
    assert isinstance(as_it_is, dict)
    assert (as_it_is["status"], as_it_is["redirected"]) == (302, False)


async def test_another_host_is_not_told_credentials(service: Service) -> None:
    other = service.url.replace("localhost", "127.0.0.1")
    fetch = service.fetch(other.removeprefix("http://"))
    await fetch.fetch({"url": f"{service.url}/to/307/{other}/done", "headers": {"authorization": "Basic x"}})
    assert service.asked[1] == "GET /done without"


REFUSED: list[tuple[dict[str, JsonValue], str, str]] = [
    (
        {"url": "{url}/to/302/http://example.net/x"},
        "fetch.not_allowed",
        "example.net is not among scripts.hosts",
    ),
    ({"url": "{url}/to/302/ftp://localhost/x"}, "fetch.not_allowed", "fetch: no usable URL"),
    ({"url": "{url}/to/302/http://[/x"}, "fetch.redirected", "fetch: the server redirects to no URL"),
    ({"url": "{url}/to/302//x", "redirect": "error"}, "fetch.redirected", "fetch: the server redirects"),
    ({"url": "{url}/again"}, "fetch.redirected", "fetch: the server redirects more than 5 times"),
    ({"url": "{url}/long"}, "fetch.too_long", f"fetch: localhost sends more than {MAX_ANSWER} bytes"),
    ({"url": "{url}/never", "timeout_ms": 50}, "fetch.slow", "fetch: no whole answer within 0.05 s"),
    ({"url": "{url}/x", "method": "TRACE"}, "fetch.malformed", "fetch: no method TRACE"),
    (
        {"url": "{url}/x", "method": "POST", "body": "x" * (MAX_BODY + 1)},
        "fetch.malformed",
        "fetch: a body is",
    ),
    ({"url": "{url}/x", "headers": {"A\r\nB": "c"}}, "fetch.failed", "fetch: "),
    ({"url": "http://u:p@localhost/"}, "fetch.not_allowed", "fetch: no usable URL"),
    ({"url": "file:///etc/passwd"}, "fetch.not_allowed", "fetch: no usable URL"),
    ({"url": "http://10.0.0.1/"}, "fetch.not_allowed", "fetch: 10.0.0.1 is not a public address"),
]


async def test_what_may_not_be_fetched_says_why(service: Service) -> None:
    fetch = service.fetch("10.0.0.1", "localhost")
    for given, code, said in REFUSED:
        asked: dict[str, JsonValue] = {**given, "url": str(given["url"]).replace("{url}", service.url)}
        with pytest.raises(CallRefused) as caught:
            await fetch.fetch(asked)
        assert caught.value.code == code, given
        assert said in str(caught.value), given


async def test_an_answer_may_be_of_the_greatest_length(service: Service) -> None:
    answer = await service.fetch().fetch({"url": f"{service.url}/whole"})
    assert isinstance(answer, dict)
    assert len(str(answer["body"])) == MAX_ANSWER


async def test_scripts_know_fetch_axios_and_curl_as_elsewhere(service: Service, bench: Bench) -> None:
    fetch = service.fetch()

    async def host(call: HostCall) -> JsonValue:
        return await fetch.fetch(call.given)

    result = await bench.run(
        """
        import axios, { isAxiosError } from 'axios';
        import cxCurl from 'cxCurl';
        export async function main({ url }) {
          const body = new URLSearchParams({ b: '1 &' });
          const one = await fetch(new URL('/a', url), { method: 'POST', body });
          const client = axios.create({ baseURL: url, auth: { username: 'u', password: 'p' } });
          const two = await client.post('/c?d=1', { e: 2 }, { params: { f: [3], g: null } });
          const three = await cxCurl.put(`${url}/h`, { i: 4 }, { headers: new Headers({ 'X-J': '5' }) });
          const why = (error) => [error.code, isAxiosError(error)];
          const refused = await client.get('https://example.net/').catch(why);
          const ended = new AbortController();
          const waiting = fetch(`${url}/never`, { signal: ended.signal }).catch((error) => error.name);
          ended.abort();
          const slow = await axios.get(`${url}/never`, { timeout: 20 }).catch((error) => error.code);
          return [one.ok, one.headers.get('x-kind'), await one.json(), two.data, two.status, three.data,
                  refused, await waiting, slow];
        }
        """,
        {"url": service.url},
        host=host,
    )
    assert result.value == [
        True,
        "plain",
        {"path": "/a"},
        {"path": "/c"},
        200,
        {"path": "/h"},
        ["fetch.not_allowed", False],
        "AbortError",
        "fetch.slow",
    ]
    assert service.asked[:3] == [
        "POST /a without b=1+%26",
        'POST /c?d=1&f=3 with credentials {"e":2}',
        'PUT /h without {"i":4}',
    ]
