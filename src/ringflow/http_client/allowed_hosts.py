"""To which hosts Ringflow connects for others: those that the configuration names, at public addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from ringflow.errors import RingflowError

MAX_URL = 2000
_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052."""
_GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All that is given out (IANA, IPv6 Global Unicast Address Assignments). What else there is leads to
a network of one's own, as site-local addresses and the NAT64 of RFC 8215 do."""
_PORTS = {"http": 80, "https": 443}


class UnusableUrl(RingflowError):
    """A URL that is none, or has a name or a password in it."""


class HostNotAllowed(RingflowError):
    """A URL that leads to a host which is not listed. `host`: with `:port` where the scheme has another."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is not an allowed host")
        self.host = host


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """`hosts` in small letters, each with `:port` where it is not the scheme's own.

    `networks`: private addresses that a host among these may have all the same.
    """

    hosts: frozenset[str] = frozenset()
    networks: Sequence[IPv4Network | IPv6Network] = ()

    def check(self, url: str) -> str:
        """Return the host of a URL. Raises `UnusableUrl`, and `HostNotAllowed` for one that is not listed."""
        named = host_of(url)
        if named not in self.hosts:
            raise HostNotAllowed(named)
        return urlsplit(url).hostname or ""

    def may_connect(self, address: str) -> bool:
        """Whether a host may have this IP address: a public one, or one of `networks`."""
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(found, IPv6Address):
            inner = _embedded(found)
            found = inner if inner is not None else found
        if any(found in network for network in self.networks):
            return True
        if isinstance(found, IPv6Address) and found not in _GLOBAL_IPV6:
            return False
        return found.is_global and not found.is_multicast


def host_of(url: str) -> str:
    """Return the host of a URL as `hosts` has it. Raises `UnusableUrl`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    usable = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL
    if not usable or not host or parts.scheme not in _PORTS or parts.username is not None:
        raise UnusableUrl("it is no URL such as https://example.com/path, without a name or a password in it")
    return host if port in (None, _PORTS[parts.scheme]) else f"{host}:{port}"


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address to which an IPv6 address leads: mapped, translated (NAT64), 6to4 or Teredo."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    return address.teredo[1] if address.teredo is not None else None
