"""Loopback ports that nothing uses at the moment, for programs that bind them a moment later.

They lie below the range from which the kernel gives ports to whoever does not ask for one, and are claimed
until they are bound: neither a socket that is given any port nor a second lab beside this one takes them.
"""

from __future__ import annotations

import random
import socket
import time
from collections import deque

# Where the rows of ports begin that whole Asterisks take, and the single ports above them.
_ROW_LENGTH = 450
_ROWS = range(10_000, 26_000, _ROW_LENGTH)
_SINGLES = range(26_000, 32_000)
_ATTEMPTS = 200
# By then whoever asked for the port has bound it.
_CLAIM_S = 30.0

# Sockets in Linux's abstract namespace, which all processes see and which end with their process.
_claims: deque[tuple[float, socket.socket]] = deque()


def free_tcp_port() -> int:
    """A TCP port that is free and that nobody else is given for half a minute."""
    return _free_port(socket.SOCK_STREAM)


def free_udp_port() -> int:
    """A UDP port that is free and that nobody else is given for half a minute."""
    return _free_port(socket.SOCK_DGRAM)


def free_udp_range(count: int) -> int:
    """The first of `count` UDP ports in a row, at most 16,000: an even one, all free and nobody else's.

    Short rows are taken from below and long ones from above: drawn at random, some dozen Asterisks at once
    left no place for a long one.
    """
    for first in _ROWS if count <= _ROW_LENGTH else reversed(_ROWS):
        if first + count <= _ROWS.stop and _take(range(first, first + count), socket.SOCK_DGRAM):
            return first
    raise OSError(f"no {count} free UDP ports in a row on 127.0.0.1")


def _free_port(kind: socket.SocketKind) -> int:
    for _ in range(_ATTEMPTS):
        port = random.choice(_SINGLES)  # noqa: S311 - only to stay out of others' way
        if _take(range(port, port + 1), kind):
            return port
    raise OSError("no free port on 127.0.0.1")


def _take(ports: range, kind: socket.SocketKind) -> bool:
    """Claim every row that is touched, then look whether its ports are free; otherwise claim none."""
    # Claimed first: what is free before the claim may be another's by then.
    claims = []
    for port in ports[::_ROW_LENGTH]:
        claim = _claim(port)
        if claim is None:
            break
        claims.append(claim)
    else:
        if all(_is_free(port, kind) for port in ports):
            until = time.monotonic() + _CLAIM_S
            _claims.extend((until, claim) for claim in claims)
            return True
    for claim in claims:
        claim.close()
    return False


def _claim(port: int) -> socket.socket | None:
    now = time.monotonic()
    while _claims and _claims[0][0] < now:
        _claims.popleft()[1].close()
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0ringflow-lab-port-{port}")
    except OSError:
        claim.close()
        return None
    return claim


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
