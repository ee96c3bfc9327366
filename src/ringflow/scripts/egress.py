"""What a trunk's script is given of a leg before it is dialled, and what it may make of it.

Who pays is settled by then: a script may leave the two headers that say so as they are, or set them to the
same customer with a key of this run, and to nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from ringflow.accounts.customers import Customer
from ringflow.accounts.headers import CUSTOMER_HEADER, SECURITY_HEADER
from ringflow.accounts.trunks import Trunk
from ringflow.scripts.flow_step import customer_data
from ringflow.scripts.returned import HEADER_FIELDS, NOBODY, Returned
from ringflow.scripts.run import RunResult
from ringflow.scripts.script import Script

SKIP_FIELD = "skip"


@dataclass(frozen=True, slots=True)
class EgressLeg:
    """A leg as it would be dialled. `shown_cli`: what callees would see; empty: nothing.

    `earlier` has, for each attempt of the call so far, the trunk, how it ended, and the SIP code.
    """

    call_id: str
    channel: str
    did: str
    app: str
    cli: str | None
    withheld: bool
    customer: Customer
    trunk: Trunk
    server: str
    dialled: str
    keyed: str
    shown_cli: str
    headers: Mapping[str, str]
    earlier: Sequence[tuple[str, str, int | None]]


@dataclass(frozen=True, slots=True)
class Egress:
    """What a trunk's script has decided. None: it left this alone. `headers` are all that go out.

    `number` is as the script wrote it, `cli` in E.164, or empty: callees see none.
    """

    skip: bool = False
    number: str | None = None
    cli: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def egress_data(leg: EgressLeg) -> JsonValue:
    """Return what `main` is given."""
    values = {CUSTOMER_HEADER: str(leg.customer.id), SECURITY_HEADER: NOBODY, **leg.headers}
    headers: list[JsonValue] = [{"key": name, "value": value} for name, value in values.items()]
    earlier: list[JsonValue] = [
        {"trunk": trunk, "status": status, "sip": sip} for trunk, status, sip in leg.earlier
    ]
    trunk = leg.trunk
    return {
        "routing": {
            "cli": leg.shown_cli,
            "dest_number": leg.dialled,
            "account_id": leg.customer.id,
            "server": leg.server,
            "egress_routing": [{"headers": headers}],
        },
        "vars": json.loads(trunk.script_vars) if trunk.script_vars is not None else {},
        "trunk": {"name": trunk.name, "position": trunk.position, "rated": trunk.rated},
        "leg": {"number": len(leg.earlier) + 1, "keyed": leg.keyed, "earlier": earlier},
        "did": {"number": leg.did, "app": leg.app},
        "call": {"id": leg.call_id, "channel": leg.channel, "cli": leg.cli or "", "withheld": leg.withheld},
        "customer": customer_data(leg.customer),
        SKIP_FIELD: False,
    }


def read_egress(script: Script, result: RunResult, leg: EgressLeg, country: str) -> Egress:
    """Return what a script has decided. Raises `ScriptFailed` for anything that cannot be."""
    returned = Returned(script, result, leg.server, country)
    data = returned.object(result.value, "what main returned")
    skip = data.get(SKIP_FIELD)
    if skip is not None and not isinstance(skip, bool):
        raise returned.wrong(f"{SKIP_FIELD} is neither true nor false", SKIP_FIELD)
    routing = returned.object(data.get("routing"), "routing")
    rows = routing.get("egress_routing")
    headers, identity = returned.headers(data, routing)
    _check_identity(returned, identity, str(leg.customer.id))
    return Egress(
        skip=bool(skip),
        number=returned.destination(routing.get("dest_number"), leg.dialled),
        cli=returned.cli(routing.get("cli"), leg.shown_cli),
        headers=dict(headers) if rows else {**leg.headers, **dict(headers)},
    )


def _check_identity(returned: Returned, identity: Mapping[str, str], customer: str) -> None:
    """Refuse headers that would have another customer pay, or a key that is not of this run."""
    named = identity.get(CUSTOMER_HEADER.lower(), customer)
    key = identity.get(SECURITY_HEADER.lower(), NOBODY)
    if named != customer:
        what = f"{CUSTOMER_HEADER}: {named[:20]} cannot pay for this leg; customer {customer} does"
        raise returned.wrong(what, CUSTOMER_HEADER, *HEADER_FIELDS)
    if key != NOBODY and not returned.has_key(customer, key):
        what = f"{SECURITY_HEADER} is no key for customer {customer} and server {returned.server}"
        raise returned.wrong(what, SECURITY_HEADER, *HEADER_FIELDS)
