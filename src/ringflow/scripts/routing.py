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
from ringflow.accounts.headers import CUSTOMER_HEADER, SECURITY_HEADER
from ringflow.scripts.flow_step import customer_data
from ringflow.scripts.returned import HEADER_FIELDS, NOBODY, Returned
from ringflow.scripts.run import RunResult, one_line
from ringflow.scripts.script import Script

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


def routing_data(
    admission: Admission, call_id: str, channel: str, endpoint: str, server: str, attestation: JsonValue
) -> JsonValue:
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
        "attestation": attestation,
    }


def read_routing(
    script: Script, result: RunResult, admission: Admission, server: str, country: str
) -> Routed:
    """Return what a script has decided. Raises `ScriptFailed` for anything that cannot be."""
    returned = Returned(script, result, server, country)
    data = returned.object(result.value, "what main returned")
    routing = returned.object(data.get("routing"), "routing")
    headers, identity = returned.headers(data, routing)
    did = data.get("did")
    return Routed(
        returned.cli(routing.get("cli"), admission.cli or ""),
        returned.destination(routing.get("dest_number"), admission.did.number),
        _app(returned, did.get("app") if isinstance(did, dict) else None, admission),
        _impersonated(returned, identity, admission),
        dict(headers),
        _variables(returned, data.get("variables")),
    )


def _app(returned: Returned, value: JsonValue, admission: Admission) -> str | None:
    if value is None or value == admission.did.app:
        return None
    if not isinstance(value, str) or len(value) > 64:
        raise returned.wrong("did.app is no name of an app", "app")
    return value


def _impersonated(returned: Returned, identity: Mapping[str, str], admission: Admission) -> int | None:
    """Who pays, where the headers say so with a key of this run."""
    customer = admission.customer
    named, key = identity.get(CUSTOMER_HEADER.lower(), ""), identity.get(SECURITY_HEADER.lower(), "")
    if not identity or (key == NOBODY and named == (str(customer.id) if customer is not None else NOBODY)):
        return None
    if not (named.isascii() and named.isdigit() and len(named) < 18):
        raise returned.wrong(
            f"{CUSTOMER_HEADER}: {named} is no customer's number", CUSTOMER_HEADER, *HEADER_FIELDS
        )
    if not returned.has_key(named, key):
        raise returned.wrong(
            f"{SECURITY_HEADER} is no key for customer {named} and server {returned.server}: set it to "
            "generatePbxSecurityKey(customer, data.routing.server)",
            SECURITY_HEADER,
            *HEADER_FIELDS,
        )
    return int(named)


def _variables(returned: Returned, value: JsonValue) -> dict[str, JsonValue]:
    if value is None:
        return {}
    variables = returned.object(value, "variables")
    if len(variables) > MAX_VARIABLES:
        raise returned.wrong(f"variables: there are more than {MAX_VARIABLES}", "variables")
    return variables


def refusal_in(thrown: str) -> tuple[int, str] | None:
    """Return the SIP code and the reason of `401 CLI Not Authorized`; None where a text begins with none."""
    code, _, reason = thrown.strip().partition(" ")
    if len(code) == 3 and code.isascii() and code.isdigit() and 400 <= int(code) <= 699:
        return int(code), one_line(reason.strip(), 80) or "Refused By Script"
    return None
