"""Whom proxies name as the sender: only trusted ones are believed, and only about those before them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from ringflow.web.forwarded import passed_by, plain_address
from ringflow.web.rest.refusals import RequestRefused

PROXY = ip_address("10.0.0.1")
TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def sender(
    forwarded: list[str] | None = None, forwarded_for: list[str] | None = None, proto: list[str] | None = None
) -> tuple[str, str | None]:
    found = passed_by(PROXY, TRUSTED, forwarded or [], forwarded_for or [], proto or [])
    return str(found.address), found.scheme


@pytest.mark.parametrize(
    ("lines", "address", "scheme"),
    [
        ([], "10.0.0.1", None),
        (["for=192.0.2.7"], "192.0.2.7", None),
        (["for=192.0.2.7;proto=https;by=10.0.0.1"], "192.0.2.7", "https"),
        (['For="192.0.2.7:4711";PROTO=HTTPS'], "192.0.2.7", "https"),
        (['for="[2001:db8::7]:443"'], "2001:db8::7", None),
        (['for="[::ffff:192.0.2.7]"'], "192.0.2.7", None),
        # What the sender wrote before the proxy's own word is not believed, in one line or in several.
        (["for=203.0.113.9;proto=http, for=192.0.2.7;proto=https"], "192.0.2.7", "https"),
        (["for=203.0.113.9", "for=192.0.2.7"], "192.0.2.7", None),
        (["for=192.0.2.7, for=10.0.0.9"], "192.0.2.7", None),
        (["for=192.0.2.7,for=10.0.0.9;proto=https"], "192.0.2.7", None),
        # Nobody but proxies: the first of them asks itself.
        (["for=10.0.0.8, for=10.0.0.9"], "10.0.0.8", None),
        (["for=unknown"], "10.0.0.1", None),
        (["for=203.0.113.9, for=_hidden, for=10.0.0.9"], "10.0.0.9", None),
        (["for=unknown;proto=https"], "10.0.0.1", "https"),
        (["proto=https"], "10.0.0.1", "https"),
        ([r'for="192.0.2.\7"'], "192.0.2.7", None),
    ],
)
def test_the_last_address_that_is_no_trusted_proxy_is_the_sender(
    lines: list[str], address: str, scheme: str | None
) -> None:
    assert sender(lines) == (address, scheme)


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["192.0.2.7"], "192.0.2.7"),
        (["203.0.113.9, 192.0.2.7"], "192.0.2.7"),
        (["203.0.113.9", "192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, 10.0.0.9"], "192.0.2.7"),
        (["192.0.2.7:4711"], "192.0.2.7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
        (["127.0.0.1, 192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, fd00::1, ::ffff:10.0.0.2"], "192.0.2.7"),
        (["nonsense, 192.0.2.7"], "192.0.2.7"),
    ],
)
def test_the_older_header_is_read_from_its_end_too(lines: list[str], address: str) -> None:
    assert sender(None, lines) == (address, None)


@pytest.mark.parametrize(
    ("forwarded", "forwarded_for", "proto"),
    [
        # A quote that is left open would swallow what the proxy adds.
        (['for="203.0.113.9, for=192.0.2.7'], [], []),
        (["for=192.0.2.7;"], [], []),
        (["for=192.0.2.7,"], [], []),
        (["for=192.0.2.7 for=192.0.2.8"], [], []),
        (["for=192.0.2.7;for=192.0.2.8"], [], []),
        (["for=2001:db8::7"], [], []),
        (["192.0.2.7"], [], []),
        (["for=192.0.2.7;proto=ftp"], [], []),
        ([], ["192.0.2.7, "], []),
        ([], ["192.0.2.300"], []),
        ([], ["192.0.2.07"], []),
        ([], ["192.0.2.٧"], []),
        ([], ["example.com"], []),
        ([], ["192.0.2.7"], ["gopher"]),
        # A proxy that keeps one header passes the other one on as the sender wrote it.
        (["for=203.0.113.9"], ["192.0.2.7"], []),
    ],
)
def test_what_no_proxy_writes_is_refused(
    forwarded: list[str], forwarded_for: list[str], proto: list[str]
) -> None:
    with pytest.raises(RequestRefused) as refused:
        sender(forwarded, forwarded_for, proto)
    assert (refused.value.status, refused.value.code) == (400, "request.malformed_forwarding")


def test_the_nearest_proxy_says_by_which_scheme_it_came() -> None:
    assert sender(None, ["192.0.2.7"], ["https"]) == ("192.0.2.7", "https")
    assert sender(None, ["192.0.2.7"], ["https, http"]) == ("192.0.2.7", "http")
    assert sender(["for=192.0.2.7;proto=http"], ["192.0.2.7"], ["https"]) == ("192.0.2.7", "http")
    assert sender(["for=192.0.2.7"], None, ["HTTPS"]) == ("192.0.2.7", "https")


def test_one_address_is_written_in_one_way() -> None:
    assert str(plain_address("::ffff:127.0.0.1")) == "127.0.0.1"
    assert str(plain_address("fe80::1%eth0")) == "fe80::1"
    assert plain_address("") is None
    assert plain_address("nowhere") is None
