"""What somebody sends who means no good, or whose program is broken: it is named, and nothing is changed."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from tests.postgres_proxy import PostgresProxy

from ringflow.config import Config, DatabaseConfig
from ringflow.web import connections

from .conftest import Api, Client, served

JSON = {"Content-Type": "application/json"}


class Wire:
    """Sends bytes to a server as they are, and returns the answers: their status, headers and body."""

    def __init__(self, api: Api, token: str) -> None:
        self._port = api.application.http_port
        self.head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"

    async def __call__(self, *parts: bytes, answers: int = 1) -> list[tuple[int, str, bytes]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return [await self._answer(reader) for _ in range(answers)]
        finally:
            writer.close()

    def request(self, line: str, *headers: str) -> bytes:
        more = "".join(f"{one}\r\n" for one in headers)
        return f"{line} HTTP/1.1\r\n{self.head}{more}\r\n".encode()

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, str, bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            (int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0
        )
        return int(head.split(" ", 2)[1]), head, await reader.readexactly(length)


@pytest.fixture
async def wire(api: Api) -> Wire:
    return Wire(api, await api.token(name="wire"))


async def customers(client: Client) -> int:
    return len((await client("GET", "/customers")).json["items"])


def silent(text: str) -> None:
    for word in ("Traceback", "SELECT", "sqlite", "asyncpg", "aiohttp", 'File "'):
        assert word not in text, text


async def test_a_body_in_chunks_is_measured_as_it_comes(wire: Wire, owner: Client) -> None:
    head = wire.request(
        "POST /api/v1/customers", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    small = b'{"id": 50}'
    ((status, _, _),) = await wire(head, b"%x\r\n%s\r\n0\r\n\r\n" % (len(small), small))
    assert status == 201
    chunk = b"20000\r\n" + b" " * 0x20000 + b"\r\n"
    ((status, _, body),) = await wire(head, chunk * 9)
    assert (status, json.loads(body)["code"]) == (413, "request.too_large")
    ((status, _, _),) = await wire(head, b"zz\r\n{}\r\n")
    assert status == 400
    assert await customers(owner) == 2


async def test_a_body_that_does_not_come_is_given_up(
    wire: Wire, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REQUEST_S", 0.05)
    head = wire.request("POST /api/v1/customers", "Content-Type: application/json", "Content-Length: 10")
    ((status, headers, body),) = await wire(head, b'{"id"')
    assert (status, json.loads(body)["code"]) == (408, "request.too_slow")
    assert "application/problem+json" in headers
    monkeypatch.undo()
    assert await customers(owner) == 1


async def test_a_compressed_body_counts_as_long_as_it_is(owner: Client) -> None:
    packed = {**JSON, "Content-Encoding": "gzip", "Connection": "close"}
    fine = await owner("POST", "/customers", data=gzip.compress(b'{"id": 50}'), headers=packed)
    assert fine.status == 201
    bomb = gzip.compress(b'{"name": "' + b"x" * 50_000_000 + b'"}')
    assert len(bomb) < 60_000
    came = await owner("POST", "/customers", data=bomb, headers=packed)
    assert (came.status, came.json["code"]) == (413, "request.too_large")
    for encoding, data in (("gzip", b"no gzip"), ("rot13", b'{"id": 51}'), ("gzip", bomb[:-9])):
        came = await owner("POST", "/customers", data=data, headers={**packed, "Content-Encoding": encoding})
        assert 400 <= came.status < 500, came.text
        silent(came.text)
    assert await customers(owner) == 2


async def test_a_path_in_disguise_leads_nowhere_else(wire: Wire) -> None:
    for path, expected in (
        ("/api/v1/customers/..%2f..%2f..%2fmetrics", 422),
        ("/api/v1/customers/%2e%2e/%2e%2e", 404),
        ("/api/v1/customers/../../../metrics", 404),
        ("/api/v1//customers", 404),
        ("/api/v1/customers/", 404),
        ("/api/v1/customers;a=b", 404),
        ("/api/v1/customers%00", 404),
        ("/api/v1/customers/%00", 422),
        ("/api/v1/dids/%00", 422),
        ("/api/v1/dids/%ff", 404),
        ("/api/v1/calls/%2525", 404),
        ("/api/v1/customers/42%0d%0aSet-Cookie:a=b", 422),
        ("/api/v1/customers/" + "9" * 5000, 422),
        ("/api/v1/%63ustomers", 200),
    ):
        ((status, head, body),) = await wire(wire.request(f"GET {path}"))
        assert status == expected, (path, status, body)
        assert "Set-Cookie" not in head
        silent(body.decode())


async def test_a_text_in_the_path_that_no_database_keeps_is_refused(owner: Client) -> None:
    came = await owner("GET", "/dids/%00")
    assert (came.status, came.json["code"]) == (422, "field.unfit_text")


async def test_requests_in_one_piece_are_answered_in_turn(wire: Wire) -> None:
    one = wire.request("GET /api/v1/customers/42")
    two = wire.request("GET /api/v1/nothing")
    answers = await wire(one + two + one, answers=3)
    assert [status for status, _, _ in answers] == [200, 404, 200]


async def test_too_many_headers_and_strange_methods_are_refused(wire: Wire) -> None:
    many = [f"X-{number}: {number}" for number in range(3000)]
    for request, statuses in (
        (wire.request("GET /api/v1/customers", *many), {200, 400, 431}),
        (wire.request("GET /api/v1/customers", "X-Long: " + "x" * 20_000), {400, 431}),
        (wire.request("TRACE /api/v1/customers"), {405}),
        (wire.request("BREW /api/v1/customers"), {400, 405}),
        (wire.request("OPTIONS /api/v1/customers"), {200, 204, 405}),
        (wire.request("GET /api/v1/customers", "Expect: much"), {417}),
        (b"GET /api/v1/customers\x00 HTTP/1.1\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", {400}),
        (wire.request("POST /api/v1/customers", "Content-Length: 5", "Content-Length: 6"), {400}),
    ):
        ((status, _, body),) = await wire(request)
        assert status in statuses, (request[:60], status, body)
        silent(body.decode())


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("text/html, application/json;q=0.1", 200),
        ("APPLICATION/*", 200),
        ("", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("application/json; q=0.000, text/html", 406),
        ("x" * 5000, 406),
    ],
    ids=["json", "list", "range", "empty", "html", "not json", "not json but html", "long"],
)
async def test_what_is_accepted_is_read_as_a_list_with_weights(
    owner: Client, accept: str, status: int
) -> None:
    assert (await owner("GET", "/customers", headers={"Accept": accept})).status == status


def cursor_of(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


async def test_a_cursor_of_elsewhere_is_refused(owner: Client) -> None:
    for number in (50, 51):
        await owner("POST", "/customers", {"id": number})
    given = (await owner("GET", "/customers?limit=1")).json["next"]
    for path in (
        f"/clis?cursor={given}",
        f"/customers?sort=name&cursor={given}",
        f"/customers?sort=-id&cursor={given}",
        f"/customers?cursor={given[:-3]}",
        f"/customers?cursor={given}{given}",
        f"/customers?cursor={cursor_of(1, 'customers', 'id', '42')}",
        f"/customers?cursor={cursor_of(1, 'customers', 'id', 2**80)}",
        f"/customers?cursor={cursor_of(1, 'customers', 'id', True)}",
        f"/customers?cursor={cursor_of(1, 'customers', 'id')}",
        f"/customers?cursor={cursor_of(2, 'customers', 'id', 42)}",
        f"/customers?cursor={cursor_of('SELECT')}",
        "/customers?cursor=" + "A" * 5000,
        "/customers?cursor=%C3%A9",
    ):
        came = await owner("GET", path)
        assert (came.status, came.json["code"]) == (422, "list.wrong_cursor"), (path, came.text)
        assert [one["pointer"] for one in came.json["errors"]] == ["/cursor"]
        silent(came.text)
    assert (await owner("GET", f"/customers?limit=1&cursor={given}")).json["items"][0]["id"] == 50


async def test_a_token_of_any_kind_of_text_is_refused(wire: Wire, api: Api) -> None:
    for value in (
        "Bearer",
        "Bearer ",
        "Bearer \xff\xfe",
        "Bearer rf_" + "a" * 7000,
        "Basic YTpi",
        "bearer x y",
    ):
        request = f"GET /api/v1/customers HTTP/1.1\r\nHost: a\r\nAuthorization: {value}\r\n\r\n"
        ((status, _, body),) = await wire(request.encode("latin-1"))
        assert status == 401, (value, body)
        silent(body.decode())


@pytest.mark.postgres
async def test_while_the_database_is_away_a_request_is_to_come_again_and_then_succeeds(
    server_config: Config, postgres_database: Callable[[], AbstractContextManager[str]]
) -> None:
    database = postgres_database()
    url = await asyncio.to_thread(database.__enter__)
    try:
        proxy = PostgresProxy(url)
        async with proxy.running():
            config = server_config.model_copy(update={"database": DatabaseConfig(url=proxy.url)})
            async with served(config) as api:
                owner = await api.client()
                assert (await owner("GET", "/customers")).status == 200
                async with proxy.away():
                    for method, body in (("GET", None), ("POST", {"id": 50})):
                        came = await owner(method, "/customers", body)
                        assert (came.status, came.json["code"]) == (503, "database.gone"), came.text
                        assert came.headers["Retry-After"] == "2"
                        silent(came.text.replace(proxy.url, ""))
                assert (await owner("POST", "/customers", {"id": 50})).status == 201
                assert await customers(owner) == 2
    finally:
        await asyncio.to_thread(database.__exit__, None, None, None)
