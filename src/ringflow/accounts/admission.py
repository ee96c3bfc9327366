"""How an arriving call is answered by the directory: who it is for and who pays, or why it is rejected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that may go on.

    `cli` is the caller's number in E.164 digits, None when unknown, unusable, or withheld from us too;
    `presented_cli` is what the network sent, escaped for logs only. `customer` pays; None on a DID that
    identifies nobody. `withheld`: the caller's number must not be shown to callees. `brought`: the number
    that was dialled behind a DID such as `5061999{number}`, None for any other DID. What the DID's script
    wants: `headers` of outgoing legs, and the `variables` with which the app begins.
    """

    did: Did
    customer: Customer | None
    cli: str | None
    presented_cli: str
    withheld: bool = False
    brought: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A call that is rejected before answer with a SIP code; the reason is for logs and records."""

    sip: int
    reason: str


DID_NOT_FOUND = Rejection(404, "DID Not Found")
# 480 and not 404: the number exists, and may be back.
DID_DISABLED = Rejection(480, "DID Disabled")
# 486 and not 503: a switch that gets 503 tries another way to the same full account, or takes us for down.
DID_CHANNELS_FULL = Rejection(486, "DID Channels Full")
CUSTOMER_CHANNELS_FULL = Rejection(486, "Customer Channels Full")


def cli_not_authorized(did: Did) -> Rejection:
    """Nobody knows the caller; the code is the DID's to choose."""
    return Rejection(did.reject_code, "CLI Not Authorized")


def customer_not_active(customer: Customer) -> Rejection:
    """The customer is known and may not call."""
    return Rejection(403, f"Customer Not Active: {customer.status}")


def refusal_of(admission: Admission) -> Rejection | None:
    """Why a call cannot be let in by who calls and who pays; None: it can."""
    if admission.customer is None:
        return cli_not_authorized(admission.did) if admission.did.identify == "cli" else None
    return customer_not_active(admission.customer) if admission.customer.status != "active" else None
