"""`cxRest`: the resources of the API that scripts were written for, over the services of this one.

Each request acts as the operator whom the script names, one who cannot sign in, with the rights of that
operator's role. It is carried out by the functions that commands and `/api/v1` use: what they refuse is
refused here, and changes are in the audit log as the script's, under the operator's name. A field that a
resource has not is an error, so that no filter is left out unsaid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import JsonValue

from ringflow.accounts import operators, roles
from ringflow.actor import Principal, PrincipalKind, acting
from ringflow.errors import Conflict, Forbidden, Refused, Unknown
from ringflow.rights import Right
from ringflow.scripts.rest_fields import Asked
from ringflow.scripts.rest_reads import READS, Reading
from ringflow.scripts.rest_writes import WRITES, write
from ringflow.scripts.run import CallRefused, one_line
from ringflow.store import Store
from ringflow.wording import known_words

MAX_RESOURCE = 1000
Work = TypeVar("Work")


class Rest:
    """Carries out what scripts ask of the API."""

    def __init__(self, store: Store, country: str) -> None:
        self._store = store
        self._country = country

    async def request(self, script: str, given: Mapping[str, JsonValue], now_ms: int) -> JsonValue:
        """Return what a request gives. Raises `CallRefused`."""
        method, asked = str(given.get("method")), _asked(given)
        try:
            principal = await self._principal(given.get("user"), script, now_ms)
            if method == "get":
                right, read = _find(READS, asked.resource, "read")
                principal.require(right)
                return await read(Reading(self._store, self._country, now_ms), asked)
            right, work = _find(WRITES, f"{method} {asked.resource}", "write")
            principal.require(right)
            async with acting(self._store, principal, self._country, now_ms) as actor:
                return await write(actor, asked, work)
        except Unknown as error:
            raise CallRefused(error.code, str(error), 404) from None
        except Forbidden as error:
            raise CallRefused(error.code, str(error), 403) from None
        except Conflict as error:
            raise CallRefused(error.code, str(error), 409) from None
        except Refused as error:
            raise CallRefused(error.code, str(error)) from None

    async def _principal(self, user: JsonValue, script: str, now_ms: int) -> Principal:
        name = user if isinstance(user, str) else ""
        role = await operators.api_user_role(self._store, name, now_ms)
        if role is None:
            shown = one_line(name, 64) or "without a name"
            mend = "make it with `ringflow operator add`, without a password, with the role it needs"
            raise CallRefused("script.no_user", f"cxRest: there is no API user {shown}; {mend}", 401)
        rights = await roles.rights_of(self._store, role)
        return Principal(PrincipalKind.SCRIPT, name, rights, token=f"script {script}")


def _asked(given: Mapping[str, JsonValue]) -> Asked:
    """Read `cli`, `/customer/42` and `did?customer_id=42`. Raises `CallRefused`."""
    written = str(given.get("resource") or "")[:MAX_RESOURCE]
    path, _, query = written.partition("?")
    resource, _, key = path.strip("/").partition("/")
    fields = given.get("given")
    if not isinstance(fields, dict):
        raise CallRefused("script.malformed", f"cxRest: give {one_line(resource, 50)} an object of fields")
    in_path: dict[str, JsonValue] = dict(parse_qsl(query, keep_blank_values=True))
    return Asked(resource, key or None, in_path | fields)


def _find(table: Mapping[str, tuple[Right, Work]], name: str, what: str) -> tuple[Right, Work]:
    found = table.get(name)
    if found is None:
        known = known_words(sorted(table))
        raise CallRefused("script.no_resource", f"cxRest: cannot {what} {one_line(name, 50)}; {known}", 404)
    return found
