"""What the FastAGI server is told, and what it counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class AgiSettings:
    """Where to listen, whom to serve, and how much."""

    host: str = "127.0.0.1"
    port: int = 4573
    """0 takes any free port."""

    allow: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK
    """Networks of the Asterisk servers; any other peer is closed at once."""

    max_calls: int = 10_000
    """Connections at one time; calls beyond that are refused once their headers are read."""

    refused_at_once: int = 64
    """Connections beyond `max_calls` that are let in to be refused; one more is closed at once (cause 38)."""

    max_lag_s: float | None = None
    """How late an Asterisk may reply before its new calls are refused (`agi.overload`); None: any time."""

    max_calls_per_s: float | None = None
    """New calls of one Asterisk in a second; None: any number."""

    never_refused: frozenset[str] = frozenset()
    """Scripts of `agi://` addresses that are served whatever the load."""

    headers_timeout_s: float = 5.0
    """From the connection to the end of its headers, in seconds."""

    linger_s: float = 5.0
    """How long what was written may take to leave after the last command, in seconds."""

    look_every_s: float = 1.0
    """How often all connections are looked at: a limit of theirs may be this much late, in seconds."""

    backlog: int = 1024
    """Connections that wait to be accepted."""

    def allows(self, host: str) -> bool:
        """Whether the peer at this IP address may connect."""
        try:
            address = ip_address(host)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.allow)


@dataclass(slots=True)
class AgiCounters:
    """How many connections came to what since the start."""

    calls: int = 0
    """Served by a handler."""

    not_allowed: int = 0
    """Closed at once: the peer is in none of the networks."""

    too_many: int = 0
    """Refused, or closed at once: `max_calls` were there, or the server is draining."""

    overloaded: int = 0
    """Refused because of the load of their Asterisk, or for too many calls in a second."""

    no_call: int = 0
    """Closed by the peer before the headers were whole: health checks, port scanners."""

    slow_headers: int = 0
    """Closed by us: the headers were not whole in time."""

    protocol_errors: int = 0
    """Closed by us: bytes that FastAGI does not allow."""

    handler_errors: int = 0
    """Calls whose handler raised what it should have caught."""

    def by_name(self) -> dict[str, int]:
        """All counts by name."""
        return asdict(self)
