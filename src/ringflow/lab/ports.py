"""Loopback ports that nothing uses at the moment."""

from __future__ import annotations

import socket


def free_tcp_port() -> int:
    """A TCP port that is free now; whoever wants it should bind it soon."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
