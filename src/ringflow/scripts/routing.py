"""What a DID's script is given of a call, and what it may make of it.

`data.routing` has the fields that scripts of other systems know; everything that comes back is taken for
hostile. Who pays is changed by two headers of `egress_routing`: `X-Customer-ID`, and in `X-CX-Sec` a key
that `generatePbxSecurityKey` gave for this customer and `data.routing.server` in this run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from ringflow.accounts.admission import Admission
from ringflow.accounts.headers import (
    CUSTOMER_HEADER,
    IDENTITY_HEADERS,
    MAX_HEADER_VALUE,
    MAX_HEADERS,
    SECURITY_HEADER,
    wrong_headers,
)
from ringflow.numbers import normalise_number
from ringflow.scripts.flow_step import customer_data
from ringflow.scripts.run import FailureKind, RunResult, ScriptFailed, one_line
from ringflow.scripts.script import Script

NOBODY = ""
"""The value of `X-Customer-ID` where nobody is known yet, and of `X-CX-Sec` before a script sets it."""

MAX_VARIABLES = 50


@dataclass(frozen=True, slots=True)
class Routed:
    """What a script has decided. Of a field that it left alone there is None, of headers there are none.

    `cli` empty: nobody calls, as far as the app can know.
    """

    cli: str | None = None
    dest_number: str | None = None
    app: str | None = None
    customer_id: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, JsonValue] = field(default_factory=dict)


def routing_data(admission: Admission, call_id: str, channel: str, endpoint: str, server: str) -> JsonValue:
    """Return what `main` is given."""
    did, customer = admission.did, admission.customer
    customer_id = customer.id if customer is not None else None
    given_vars = json.loads(did.script_vars) if did.script_vars is not None else {}
    headers: list[JsonValue] = [
        {"key": CUSTOMER_HEADER, "value": NOBODY if customer_id is None else str(customer_id)},
        {"key": SECURITY_HEADER, "value": NOBODY},
    ]
    return {
        "routing": {
            "cli": admission.cli or "",
            "dest_number": did.number,
            "account_id": customer_id,
            "server": server,
            "egress_routing": [{"headers": headers}],
        },
        "vars": given_vars,
        "did": {"number": did.number, "app": did.app, "identify": did.identify, "customer": did.customer_id},
        "call": {"id": call_id, "channel": channel, "trunk": endpoint, "withheld": admission.withheld},
        "customer": customer_data(customer),
        "variables": {},
        "attestation": None,
    }


def read_routing(
    script: Script, result: RunResult, admission: Admission, server: str, country: str
) -> Routed:
    """Return what a script has decided. Raises `ScriptFailed` for anything that cannot be."""
    return _Reading(script, result, admission, server, country).read()


class _Reading:
    def __init__(
        self, script: Script, result: RunResult, admission: Admission, server: str, country: str
    ) -> None:
        self._script = script
        self._result = result
        self._admission = admission
        self._server = server
        self._country = country

    def read(self) -> Routed:
        data = self._object(self._result.value, "what main returned")
        routing = self._object(data.get("routing"), "routing")
        customer_id, headers = self._headers(routing.get("egress_routing"))
        did = data.get("did")
        return Routed(
            self._cli(routing.get("cli")),
            self._destination(routing.get("dest_number")),
            self._app(did.get("app") if isinstance(did, dict) else None),
            customer_id,
            headers,
            self._variables(data.get("variables")),
        )

    def _wrong(self, what: str, field_name: str) -> ScriptFailed:
        place = self._script.place_of_field(field_name)
        return ScriptFailed(FailureKind.BAD_RESULT, one_line(what, 300), place)

    def _object(self, value: JsonValue, name: str) -> dict[str, JsonValue]:
        if not isinstance(value, dict):
            raise self._wrong(
                f"{name} is no object: main returns data, with all that it was given",
                name.rpartition(" ")[2].partition("[")[0].rpartition(".")[2],
            )
        return value

    def _cli(self, value: JsonValue) -> str | None:
        before = self._admission.cli or ""
        if value is None or value == "":
            return None if before == "" else ""
        text = _as_text(value)
        number = normalise_number(text, self._country) if text is not None else None
        if number is None:
            raise self._wrong(
                f"routing.cli: {text if text is not None else 'this'} is no telephone number", "cli"
            )
        return None if number == before else number

    def _destination(self, value: JsonValue) -> str | None:
        text = _as_text(value)
        if text is None or not text or len(text) > 64:
            raise self._wrong("routing.dest_number is no number", "dest_number")
        return None if text == self._admission.did.number else text

    def _app(self, value: JsonValue) -> str | None:
        if value is None or value == self._admission.did.app:
            return None
        if not isinstance(value, str) or len(value) > 64:
            raise self._wrong("did.app is no name of an app", "app")
        return value

    def _headers(self, value: JsonValue) -> tuple[int | None, dict[str, str]]:
        if value is None or value == []:
            return None, {}
        if not isinstance(value, list):
            raise self._wrong("routing.egress_routing is no list", "egress_routing")
        row = self._object(value[0], "routing.egress_routing[0]")
        headers = row.get("headers")
        if not isinstance(headers, list) or len(headers) > MAX_HEADERS:
            raise self._wrong(
                f"routing.egress_routing[0].headers is no list of at most {MAX_HEADERS} headers",
                "headers",
            )
        pairs = [self._header(one) for one in headers]
        identity = {name.lower(): text for name, text in pairs if name.lower() in IDENTITY_HEADERS}
        others = [(name, text) for name, text in pairs if name.lower() not in IDENTITY_HEADERS]
        for wrong in wrong_headers(name for name, _ in others):
            raise self._wrong(f"header {wrong.name} {wrong.why}; {wrong.mend}", wrong.name)
        return self._impersonated(identity), dict(others)

    def _header(self, value: JsonValue) -> tuple[str, str]:
        header = self._object(value, "a header")
        name, text = header.get("key"), _as_text(header.get("value"))
        if header.get("value") is None:
            text = ""
        if not isinstance(name, str) or text is None:
            raise self._wrong("a header has a key and a value that are texts", "headers")
        if len(text) > MAX_HEADER_VALUE or not (text.isascii() and text.isprintable()):
            raise self._wrong(
                f"header {name[:64]}: its value is one line of at most {MAX_HEADER_VALUE} ASCII characters",
                name,
            )
        return name, text

    def _impersonated(self, identity: Mapping[str, str]) -> int | None:
        """Who pays, where the headers say so with a key of this run."""
        customer = self._admission.customer
        named, key = identity.get(CUSTOMER_HEADER.lower(), ""), identity.get(SECURITY_HEADER.lower(), "")
        if key == NOBODY and named == (str(customer.id) if customer is not None else NOBODY):
            return None
        if not (named.isascii() and named.isdigit() and len(named) < 18):
            raise self._wrong(f"{CUSTOMER_HEADER}: {named} is no customer's number", CUSTOMER_HEADER)
        places = [ticket.place for ticket in self._result.tickets if ticket.ticket == key]
        if (named, self._server) not in places:
            raise self._wrong(
                f"{SECURITY_HEADER} is no key for customer {named} and server {self._server}: set it to "
                "generatePbxSecurityKey(customer, data.routing.server)",
                SECURITY_HEADER,
            )
        return int(named)

    def _variables(self, value: JsonValue) -> dict[str, JsonValue]:
        if value is None:
            return {}
        variables = self._object(value, "variables")
        if len(variables) > MAX_VARIABLES:
            raise self._wrong(f"variables: there are more than {MAX_VARIABLES}", "variables")
        return variables


def _as_text(value: JsonValue) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def refusal_in(thrown: str) -> tuple[int, str] | None:
    """Return the SIP code and the reason of `401 CLI Not Authorized`; None where a text begins with none."""
    code, _, reason = thrown.strip().partition(" ")
    if len(code) == 3 and code.isascii() and code.isdigit() and 400 <= int(code) <= 699:
        return int(code), one_line(reason.strip(), 80) or "Refused By Script"
    return None
