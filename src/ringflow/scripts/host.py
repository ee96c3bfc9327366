"""What a server does for its scripts: the API, kept values, and requests to other hosts."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import JsonValue

from ringflow.config import Config
from ringflow.errors import StartError
from ringflow.scripts.fetch import Fetch
from ringflow.scripts.key_values import KeyValues
from ringflow.scripts.rest import Rest
from ringflow.scripts.run import CallRefused, HostCall, HostCalls, one_line
from ringflow.store import Store, StoreGone


def host_calls(store: Store, config: Config, now_ms: Callable[[], int]) -> Callable[[str], HostCalls]:
    """Return what makes, for a script's name, what carries out its calls."""
    rest, values, fetch = Rest(store, config.country), KeyValues(store), Fetch(config)

    def of_script(script: str) -> HostCalls:
        async def carry_out(call: HostCall) -> JsonValue:
            given = call.given
            key, ttl_s = given.get("key"), given.get("ttl_s")
            try:
                match call.name:
                    case "rest":
                        return await rest.request(script, given, now_ms())
                    case "kv.get":
                        return await values.get(key, now_ms())
                    case "kv.set":
                        return await values.set(key, given.get("value"), ttl_s, now_ms())
                    case "kv.incr":
                        return await values.increase(key, given.get("by"), ttl_s, now_ms())
                    case "kv.delete":
                        return await values.delete(key, now_ms())
                    case "kv.keys":
                        return await values.keys(now_ms())
                    case "kv.usage":
                        return await values.usage(now_ms())
                    case "fetch":
                        return await fetch.fetch(given)
            except (StoreGone, StartError):
                raise CallRefused("script.no_database", "the database is away", 503) from None
            raise CallRefused("script.no_such_call", f"there is no call {one_line(call.name, 50)}", 404)

        return carry_out

    return of_script
