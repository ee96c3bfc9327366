"""Loopback ports that nothing uses at the moment."""

from __future__ import annotations

import random
import socket
from collections import deque

# Below the range from which the kernel gives ports to whoever does not ask for one.
_FIRST, _LAST = 12_000, 31_000
_ATTEMPTS = 200

# A port that was given away is bound by another program a moment later, and is free until then.
_given: deque[int] = deque(maxlen=2_000)


def free_tcp_port() -> int:
    """A TCP port that is free now; whoever wants it should bind it soon."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_udp_port() -> int:
    """A UDP port that is free now and was not given to anyone lately; the kernel chooses it."""
    for _ in range(_ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.append(port)
            return port
    raise OSError("no free UDP port on 127.0.0.1")


def free_udp_range(count: int) -> int:
    """The first of `count` UDP ports in a row, an even one, all of them free now."""
    for _ in range(_ATTEMPTS):
        first = random.randrange(_FIRST, _LAST - count, 2)  # noqa: S311 - only to stay out of others' way
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise OSError(f"no {count} free UDP ports in a row on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
