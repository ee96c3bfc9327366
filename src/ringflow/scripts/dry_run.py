"""Calls of the host in a dry run: noted, made on a database that keeps nothing, and not sent out."""

from __future__ import annotations

import json

from pydantic import JsonValue

from ringflow.scripts.run import CallRefused, HostCall, HostCalls, one_line

MAX_SHOWN = 200
_READS = frozenset({"kv.get", "kv.keys", "kv.usage"})
_READING_METHODS = frozenset({"GET", "HEAD"})


class DryRun:
    """Wraps what carries calls out. `changes`: what the script would change, in words."""

    def __init__(self) -> None:
        self.changes: list[str] = []

    def of(self, host: HostCalls) -> HostCalls:
        """Return what carries out a script's calls and notes them."""

        async def carry_out(call: HostCall) -> JsonValue:
            if call.name in _READS or (call.name == "rest" and call.given.get("method") == "get"):
                return await host(call)
            if call.name == "fetch":
                return await self._fetch(call, host)
            answer = await host(call)
            self.changes.append(_shown(call))
            return answer

        return carry_out

    async def _fetch(self, call: HostCall, host: HostCalls) -> JsonValue:
        if str(call.given.get("method") or "GET").upper() in _READING_METHODS:
            return await host(call)
        self.changes.append(_shown(call))
        raise CallRefused("fetch.dry_run", "fetch: a dry run sends nothing to other servers")


def _shown(call: HostCall) -> str:
    """Return a call in words. Headers, which may be credentials, and bodies are left out."""
    given = call.given
    match call.name:
        case "rest":
            words = [str(given.get("method")), str(given.get("resource")), json.dumps(given.get("given"))]
        case "fetch":
            words = ["fetch", str(given.get("method")), str(given.get("url"))]
        case _:
            rest = {name: one for name, one in given.items() if name != "key" and one is not None}
            words = [call.name, str(given.get("key")), json.dumps(rest) if rest else ""]
    return one_line(" ".join(filter(None, words)), MAX_SHOWN)
