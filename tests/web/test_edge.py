"""The edge of the HTTP port: addresses, limits, browsers, TLS; asked over sockets as strangers would."""

from __future__ import annotations

import asyncio
import datetime as dates
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import ClientSession, TCPConnector, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from ringflow.config import HttpConfig
from ringflow.errors import StartError
from ringflow.web.certificate import LOOKED_EVERY_S, Certificate
from ringflow.web.connections import Connections
from ringflow.web.edge import Edge
from ringflow.web.health import open_port
from ringflow.web.rest.sender import sender_of

PATIENCE_S = 30.0
CONSOLE = "https://console.example.com"


def certificate_of(folder: Path, name: str = "localhost") -> Certificate:
    key = write_certificate(folder, name)
    return Certificate(folder / "cert.pem", key, lambda: 0.0)


def write_certificate(folder: Path, name: str = "localhost") -> Path:
    """Write a certificate for a name, and its key; returns the key's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = dates.datetime(2020, 1, 1, tzinfo=dates.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + dates.timedelta(days=36_500))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "key.pem"


@dataclass
class Port:
    """A port behind the edge. `clock[0]` is its time."""

    number: int
    http: ClientSession
    clock: list[float]

    async def raw(self, request: bytes) -> bytes:
        """Send bytes, and return all that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.number)
        writer.write(request)
        async with asyncio.timeout(PATIENCE_S):
            came = await reader.read()
        writer.close()
        return came


@asynccontextmanager
async def port(
    certificate: Certificate | None = None, most: int = 50, **settings: Any
) -> AsyncIterator[Port]:
    """Open a port that says in JSON who sent a request: at `/` and `/api/v1/me`."""
    clock = [0.0]
    limits = {"per_address_per_s": None, **settings.pop("limits", {})}
    config = HttpConfig(limits=limits, **settings)
    edge = Edge(config, lambda: clock[0])
    connections = Connections(most, config.max_connections_per_address, config.trusted_proxies)
    application = web.Application(middlewares=[connections.middleware()])
    edge.guard(application)

    async def tell(request: web.Request) -> web.Response:
        sender = sender_of(request)
        return web.json_response([sender.address, sender.encrypted])

    for path in ("/", "/healthz", "/api/v1/me"):
        application.router.add_route("*", path, tell)
    runner = await open_port(application, "127.0.0.1", 0, connections, certificate)
    number = runner.addresses[0][1]
    scheme = "http" if certificate is None else "https"
    connector = TCPConnector(ssl=False)
    try:
        async with ClientSession(f"{scheme}://127.0.0.1:{number}", connector=connector) as http:
            yield Port(number, http, clock)
    finally:
        await runner.cleanup()


async def told(port: Port, path: str = "/", **headers: str) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with port.http.get(path, headers=named) as answer:
        return answer.status, await answer.json(content_type=None) if "json" in answer.content_type else None


async def test_only_a_trusted_proxy_says_where_a_request_came_from() -> None:
    spoofed = {"X_Forwarded_For": "192.0.2.7", "X_Forwarded_Proto": "https", "Forwarded": "for=192.0.2.7"}
    async with port() as untrusting:
        assert await told(untrusting, **spoofed) == (200, ["127.0.0.1", False])
        assert await told(untrusting, Forwarded="nonsense") == (200, ["127.0.0.1", False])
    async with port(trusted_proxies=["127.0.0.0/8"]) as trusting:
        assert await told(trusting, **spoofed) == (200, ["192.0.2.7", True])
        assert await told(trusting) == (200, ["127.0.0.1", False])
        for scheme, kept in (("https", "max-age=31536000"), ("http", None)):
            async with trusting.http.get("/", headers={"X-Forwarded-Proto": scheme}) as answer:
                assert answer.headers.get("Strict-Transport-Security") == kept
        status, problem = await told(trusting, Forwarded="nonsense")
        assert (status, problem["code"]) == (400, "request.malformed_forwarding")


async def test_an_address_may_ask_only_so_often_whichever_path_it_asks_for() -> None:
    async with port(trusted_proxies=["127.0.0.1"], limits={"per_address_per_s": 1}) as one:
        from_seven = {"X_Forwarded_For": "2001:db8::7"}
        assert (await told(one, **from_seven))[0] == 200
        assert (await told(one, "/nothing", **from_seven))[0] == 404
        async with one.http.get("/", headers={"X-Forwarded-For": "2001:db8::7"}) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
            assert (await refused.json(content_type=None))["code"] == "request.too_many"
        # Whoever has one address of an IPv6 network has all of it.
        assert (await told(one, X_Forwarded_For="2001:db8::8"))[0] == 429
        assert (await told(one, X_Forwarded_For="2001:db8:0:1::7"))[0] == 200
        assert (await told(one, "/healthz", **from_seven))[0] == 200
        one.clock[0] += 1
        assert (await told(one, **from_seven))[0] == 200


async def test_every_answer_has_the_headers_that_keep_browsers_safe() -> None:
    async with port(trusted_proxies=["127.0.0.1"], limits={"per_address_per_s": 1}) as one:
        requests = (
            b"GET /healthz HTTP/1.1\r\nHost: x",
            b"GET / HTTP/1.1\r\nHost: x",
            b"GET /nothing HTTP/1.1\r\nHost: x",
            b"GET / HTTP/1.1\r\nHost: x",
            b"GET / HTTP/1.1\r\nHost: x\r\nForwarded: nonsense",
            b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"x" * 20_000,
            b"nonsense",
        )
        answers = [await one.raw(head + b"\r\nConnection: close\r\n\r\n") for head in requests]
    assert [int(one.split(b" ", 2)[1]) for one in answers] == [200, 200, 404, 429, 400, 400, 400]
    for answer in answers:
        headers = answer.partition(b"\r\n\r\n")[0].lower()
        for needed in (
            b"\r\nx-content-type-options: nosniff\r\n",
            b"\r\ncontent-security-policy: default-src 'none'; frame-ancestors 'none'\r\n",
            b"\r\nx-frame-options: deny\r\n",
            b"\r\nreferrer-policy: no-referrer\r\n",
            b"\r\ncache-control: no-store",
            b"\r\nserver: ringflow\r\n",
        ):
            assert needed in headers + b"\r\n", (needed, answer)
        assert b"strict-transport-security" not in headers
        assert b"aiohttp" not in headers
        assert b"xxxx" not in answer


@pytest.mark.parametrize(
    "lines",
    [
        "Authorization: Bearer one\r\nAuthorization: Bearer two",
        "Origin: https://one.example\r\nOrigin: https://two.example",
        "Host: other",
        "Idempotency-Key: a\r\nIdempotency-Key: b",
        "Content-Type: application/json\r\ncontent-type: text/plain",
        "Content-Length: 0\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "X-A: one\r\n two",
        "X-A : one",
        "X-A: one\nX-B: two",
    ],
)
async def test_a_request_that_two_programs_may_read_otherwise_is_refused(lines: str) -> None:
    async with port() as one:
        head = f"POST /api/v1/me HTTP/1.1\r\nHost: x\r\n{lines}\r\nConnection: close\r\n\r\n"
        came = await one.raw(head.encode())
        assert came.split(b" ", 2)[1] == b"400", came
        assert came.count(b"HTTP/1.") == 1


async def test_a_version_of_http_that_is_not_spoken_here_is_refused_by_http_1() -> None:
    async with port() as one:
        for version, status in (("2.0", b"505"), ("0.9", b"505"), ("1.0", b"200"), ("1.1", b"200")):
            head = f"GET / HTTP/{version}\r\nHost: x\r\nConnection: close\r\n\r\n"
            came = await one.raw(head.encode())
            assert came.split(b" ", 2)[1] == status, came
            assert came.startswith(b"HTTP/1.0 " if version == "1.0" else b"HTTP/1.1 "), came
            if status == b"505":
                # No other request may follow one that was not understood: the connection is closed.
                came = await one.raw(head.replace("Connection: close\r\n", "").encode())
                assert (came.count(b"HTTP/1.1 505"), b"request.other_version" in came) == (1, True), came
        # What has no version, one that there never was, and the preface of HTTP/2.
        for other in ("GET /", "GET / HTTP/3.7", "GET / HTTP/1.2", "PRI * HTTP/2.0"):
            came = await one.raw(f"{other}\r\nHost: x\r\n\r\n".encode())
            assert came.split(b" ", 2)[1] in (b"400", b"505"), came
            assert came.startswith(b"HTTP/1."), came


async def test_pages_of_other_sites_read_nothing_unless_their_origin_is_listed() -> None:
    asks = {"Origin": CONSOLE, "Access-Control-Request-Method": "PATCH"}
    async with port() as closed:
        async with closed.http.options("/api/v1/me", headers=asks) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
        async with closed.http.get("/api/v1/me", headers={"Origin": CONSOLE}) as answer:
            assert not [name for name in answer.headers if name.startswith("Access-Control")]
    async with port(cors_origins=[CONSOLE]) as listed:
        async with listed.http.options("/api/v1/me", headers=asks) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, CONSOLE)
            assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
            assert "If-Match" in answer.headers["Access-Control-Allow-Headers"]
            assert (answer.headers["Vary"], await answer.read()) == ("Origin", b"")
            assert "Access-Control-Allow-Credentials" not in answer.headers
        async with listed.http.get("/api/v1/me", headers={"Origin": CONSOLE}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == CONSOLE
            assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        for other in (
            "null",
            "http://console.example.com",
            "https://console.example.com.evil.example",
            "https://evilconsole.example.com",
            "https://console.example.com:8443",
            "https://CONSOLE.example.com",
            f"{CONSOLE}, https://evil.example",
            "*",
        ):
            for came in (
                listed.http.get("/api/v1/me", headers={"Origin": other}),
                listed.http.options("/api/v1/me", headers={**asks, "Origin": other}),
            ):
                async with came as answer:
                    assert "Access-Control-Allow-Origin" not in answer.headers, other
                    assert answer.headers["Vary"] == "Origin"
        async with listed.http.get("/healthz", headers={"Origin": CONSOLE}) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
    async with (
        port(cors_origins=["*"]) as anyone,
        anyone.http.get("/api/v1/me", headers={"Origin": "null"}) as answer,
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_tls_is_spoken_in_the_event_loop_that_servers_run_in(tmp_path: Path) -> None:
    async def ask() -> None:
        async with port(certificate_of(tmp_path)) as one:
            async with one.http.get("/") as answer:
                assert await answer.json() == ["127.0.0.1", True]
                assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
            # A request that comes in one piece with the end of the agreement on keys is not lost.
            done = await asyncio.gather(*(told(one) for _ in range(40)))
            assert {status for status, _ in done} == {200}
            plain = await one.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"HTTP/1.1 200" not in plain
            assert (await told(one))[0] == 200

    uvloop.run(ask())


async def test_a_connection_by_tls_takes_one_place(tmp_path: Path) -> None:
    async with port(certificate_of(tmp_path), most=1) as one:
        assert (await told(one))[0] == 200


async def test_one_address_has_its_share_of_the_connections_that_have_not_agreed_on_keys(
    tmp_path: Path,
) -> None:
    async with port(certificate_of(tmp_path), most=3, max_connections_per_address=2) as one:
        silent = [
            await asyncio.open_connection("127.0.0.1", one.number, local_addr=("127.0.0.2", 0))
            for _ in range(3)
        ]
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                assert await silent[2][0].read() == b""
        assert (await told(one))[0] == 200
        for _, writer in silent:
            writer.close()


async def test_connections_that_never_agree_on_keys_are_counted_with_the_others(tmp_path: Path) -> None:
    async with port(certificate_of(tmp_path), most=2) as one:
        silent = [await asyncio.open_connection("127.0.0.1", one.number) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", one.number)
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                assert await reader.read() == b""
            for _, other in (*silent, (reader, writer)):
                other.close()
            while True:
                try:
                    assert (await told(one))[0] == 200
                    break
                except OSError:
                    # The server has not heard yet that they are gone.
                    await asyncio.sleep(0)


async def test_old_versions_of_tls_are_refused(tmp_path: Path) -> None:
    async with port(certificate_of(tmp_path)) as one:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", one.number, ssl=context)


async def test_a_renewed_certificate_is_taken_without_a_restart(tmp_path: Path) -> None:
    clock = [0.0]
    key = write_certificate(tmp_path, "old")
    certificate = Certificate(tmp_path / "cert.pem", key, lambda: clock[0])

    async def name() -> str:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        _, writer = await asyncio.open_connection("127.0.0.1", one.number, ssl=context)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return str(x509.load_der_x509_certificate(shown).subject.rfc4514_string())

    async with port(certificate) as one:
        assert await name() == "CN=old"
        write_certificate(tmp_path, "new")
        assert await name() == "CN=old"
        clock[0] += LOOKED_EVERY_S
        assert await name() == "CN=new"
        # Files that are half written do no harm, and are read when they are whole.
        whole = key.read_bytes()
        key.write_text("half")
        clock[0] += LOOKED_EVERY_S
        assert await name() == "CN=new"
        write_certificate(tmp_path, "newest")
        clock[0] += LOOKED_EVERY_S
        assert await name() == "CN=newest"
        assert whole != key.read_bytes()


def test_files_that_are_no_certificate_and_key_are_named(tmp_path: Path) -> None:
    key = write_certificate(tmp_path)
    missing = tmp_path / "nowhere.pem"
    with pytest.raises(StartError, match=r"nowhere\.pem cannot be read: No such file"):
        Certificate(tmp_path / "cert.pem", missing, lambda: 0.0)
    other = ec.generate_private_key(ec.SECP256R1())
    for secret in (
        serialization.NoEncryption(),
        serialization.BestAvailableEncryption(b"a password that nobody is asked for"),
    ):
        written = other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
        key.write_bytes(written)
        with pytest.raises(StartError, match=r"cert\.pem and key .* cannot be used: .*; set http\.tls"):
            Certificate(tmp_path / "cert.pem", key, lambda: 0.0)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"host": "::1"},
        {"host": "localhost", "api": "loopback"},
        {"host": "0.0.0.0", "api": "anywhere"},
        {"host": "0.0.0.0", "api": "off"},
        {"host": "0.0.0.0", "tls": {"certificate": "c.pem", "key": "k.pem"}},
    ],
)
def test_tokens_go_over_loopback_or_by_tls_or_where_that_is_said_twice(settings: dict[str, Any]) -> None:
    assert HttpConfig(**settings).serves_api is (settings.get("api") != "off")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_a_port_that_others_reach_without_tls_is_refused(host: str) -> None:
    for api in ({}, {"api": "on"}, {"api": "loopback"}):
        with pytest.raises(ValidationError, match="without TLS"):
            HttpConfig(host=host, **api)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "console.example.com",
        "https://",
        "https://console.example.com/",
        "https://console.example.com/path",
        "https://user@console.example.com",
        "https://Console.example.com",
        "https://console.example.com:443",
        "http://console.example.com:80",
        "https://console.example.com:x",
        "https://*.example.com",
        "ftp://console.example.com",
        "https://console.example.com ",
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="is not an origin"):
        HttpConfig(cors_origins=(origin,))
