"""From which address a request came that a proxy passed on: `Forwarded` (RFC 7239), `X-Forwarded-For`.

Whoever connects may write these headers, so they count only where the connection is a trusted proxy's. Each
proxy adds the address that it saw at the end. Read from there, the first address that is no trusted proxy's
is the sender's; whatever stands before it may be the sender's own invention.

A proxy that keeps one of the two headers passes the other one on as the sender wrote it. So where both are
there, they must name the same sender.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from ringflow.plain_text import plain
from ringflow.web.rest.refusals import RequestRefused

Address: TypeAlias = IPv4Address | IPv6Address
Networks: TypeAlias = Collection[IPv4Network | IPv6Network]

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 -- the grammar of RFC 9110, 5.6.2
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"'
_PAIR = re.compile(rf"[ \t]*({_TOKEN})=({_TOKEN}|{_QUOTED})[ \t]*([;,]|$)", re.ASCII)
_ESCAPED = re.compile(r"\\(.)")
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?", re.ASCII)
"""An address as proxies write it: an IPv6 address with a port, or in `Forwarded`, is in brackets."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Who sent a request that proxies passed on, and by which scheme, where that is said."""

    address: Address
    scheme: str | None


def plain_address(text: str) -> Address | None:
    """Return the address of a connection's other end, or None where it is none.

    A socket of IPv6 shows those of IPv4 as `::ffff:192.0.2.7`, and adds a scope to link-local ones.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_within(address: Address, networks: Networks) -> bool:
    """Return whether an address is in one of the networks."""
    return any(address.version == one.version and address in one for one in networks)


def passed_by(
    proxy: Address,
    trusted: Networks,
    forwarded: Sequence[str],
    forwarded_for: Sequence[str],
    forwarded_proto: Sequence[str],
) -> Passed:
    """Return who sent a request that a trusted proxy passed on; the headers are lists of their lines.

    Raises `RequestRefused` for what no proxy writes, and where the headers disagree.
    """
    by_standard = list(_elements(",".join(forwarded))) if forwarded else []
    found = []
    if by_standard:
        nodes = [one.get("for", "unknown") for one in by_standard]
        place = _first_untrusted(nodes, trusted, "Forwarded")
        scheme = _scheme(by_standard[place[0] if place else -1].get("proto"), "Forwarded")
        found.append(Passed(place[1] if place else proxy, scheme))
    if forwarded_for:
        nodes = [one.strip() for one in ",".join(forwarded_for).split(",")]
        place = _first_untrusted(nodes, trusted, "X-Forwarded-For")
        found.append(Passed(place[1] if place else proxy, None))
    if len({one.address for one in found}) > 1:
        raise _refused("Forwarded and X-Forwarded-For name different senders; have the proxy remove one")
    sender = found[0] if found else Passed(proxy, None)
    if sender.scheme is None and forwarded_proto:
        # The nearest proxy's word is the last one.
        said = ",".join(forwarded_proto).rpartition(",")[2].strip()
        return Passed(sender.address, _scheme(said, "X-Forwarded-Proto"))
    return sender


def _first_untrusted(nodes: Sequence[str], trusted: Networks, header: str) -> tuple[int, Address] | None:
    """Return the place and the address of the sender: the last that is no trusted proxy's, or the first."""
    nearest: tuple[int, Address] | None = None
    for place in reversed(range(len(nodes))):
        address = _address(nodes[place])
        if address is None:
            if nodes[place].startswith(("_", "unknown")):
                # RFC 7239, 6: a proxy that does not say. The nearest one that did is all that is known.
                return nearest
            raise _refused(f"{header}: {plain(nodes[place][:60])!r} is no address")
        nearest = place, address
        if not is_within(address, trusted):
            break
    return nearest


def _address(node: str) -> Address | None:
    match = _NODE.fullmatch(node)
    # X-Forwarded-For has IPv6 addresses without brackets, and then no port.
    return plain_address((match[1] or match[2]) if match else node) if node.isascii() else None


def _scheme(text: str | None, header: str) -> str | None:
    if text is None:
        return None
    scheme = text.lower()
    if scheme not in ("http", "https"):
        raise _refused(f"{header}: {plain(text[:60])!r} is neither http nor https")
    return scheme


def _elements(text: str) -> Iterator[dict[str, str]]:
    """Read the elements of `Forwarded`, strictly: a quote that is left open would swallow what follows."""
    at, element = 0, dict[str, str]()
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None or match[1].lower() in element:
            raise _refused("Forwarded is not written as RFC 7239 has it")
        value = match[2]
        element[match[1].lower()] = _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
        if match[3] != ";":
            yield element
            element = {}
        at = match.end()
    if element or text.endswith(","):
        raise _refused("Forwarded is not written as RFC 7239 has it")


def _refused(what: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.BAD_REQUEST, "request.malformed_forwarding", what)
