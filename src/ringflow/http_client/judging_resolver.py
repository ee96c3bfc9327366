"""Judges the addresses of hosts where connections are made: a name may lead elsewhere a moment later."""

from __future__ import annotations

import errno
import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from ringflow.http_client.allowed_hosts import AllowedHosts


class JudgingResolver(AbstractResolver):
    """Finds the addresses of a host, less those that it may not have. `setting` names those it may."""

    def __init__(self, allowed: AllowedHosts, inner: AbstractResolver, setting: str) -> None:
        self._allowed = allowed
        self._inner = inner
        self._setting = setting

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the public ones. Raises `OSError` where there are none."""
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if self._allowed.may_connect(one["host"])]
        if found and not public:
            raise OSError(
                errno.EACCES,
                f"{host} has no public address; list its network in config.yaml: {self._setting}",
            )
        return public

    async def close(self) -> None:
        """Let go of the inner one."""
        await self._inner.close()


def is_address(host: str) -> bool:
    """Whether a host of a URL is an IP address, in any form that the system's resolver reads."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True
