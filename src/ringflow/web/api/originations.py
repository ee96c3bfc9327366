"""Calls that programs have made, over HTTP."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import Field, JsonValue
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Principal
from ringflow.calls.originations import Origination, TargetKind, show
from ringflow.calls.originator import WantedCall
from ringflow.errors import Refused
from ringflow.forms.origination import OriginationForm, origination_form
from ringflow.rights import Right
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.repetition import Once
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

ASKED_FOR = Resource("calls", "/calls", "Calls on record, and calls that are made.")
RESOURCE = Resource("calls", "/originations", "Calls on record, and calls that are made.")


class CallToMake(Input):
    """A call that is to be made: one of `number`, `uri` and `device`, and one of `app` and `did`."""

    customer: int
    """Who pays, and as whom it is dialled."""
    number: str | None = None
    """In any form; by the trunks that can dial it."""
    uri: str | None = None
    """A SIP URI on a host of `uri_hosts`."""
    device: str | None = None
    """An endpoint of `originate.devices`."""
    app: str | None = None
    """Where who answers comes to, as the customer."""
    did: str | None = None
    """The same, as any caller of this DID from the number that was called."""
    trunk: str | None = None
    """The only one that is tried."""
    caller_id: str | None = None
    """What callees see, as far as the customer and the trunk let it be set."""
    ring_s: int | None = Field(None, ge=5, le=120)
    """For how long it rings; null: as configured."""
    variables: dict[str, JsonValue] = Field(default_factory=dict)
    """Those with which the app begins."""


@ASKED_FOR.post(Right.CALLS_ORIGINATE, ":originate", status=HTTPStatus.ACCEPTED)
async def originate(
    services: Services, principal: Principal, once: Once, body: CallToMake
) -> OriginationForm:
    """Have Asterisk call a number, and connect who answers to an app.

    The call is dialled as any leg of the customer's: credit is held for it first, and it is charged for its
    talk. It is among the calls in progress under `call_id`, and later among those on record; who answers is
    in a call of its own, `app_call_id` of `GET /originations/{call}`.
    """

    def form(asked: Origination) -> OriginationForm:
        return origination_form(asked, asked.asked_ms)

    originator = services.originator
    if originator is None:
        raise Refused("origination.unavailable", "no calls can be made here")
    return form(await originator.ask(_wanted(body), principal, once.transaction(form)))


@RESOURCE.get(Right.CALLS_READ, "/{call}")
async def show_origination(connection: AsyncConnection, services: Services, call: str) -> OriginationForm:
    """Return what has come of a call that was asked for in the last week."""
    return origination_form(await show(connection, call), services.now_ms())


def _wanted(body: CallToMake) -> WantedCall:
    targets = {TargetKind.NUMBER: body.number, TargetKind.URI: body.uri, TargetKind.DEVICE: body.device}
    given = [(kind, target) for kind, target in targets.items() if target is not None]
    if len(given) != 1:
        raise Refused("origination.targets", "say one of number, uri and device", ("number",))
    if (body.app is None) is (body.did is None):
        raise Refused("origination.destinations", "say one of app and did", ("app",))
    kind, target = given[0]
    return WantedCall(
        body.customer,
        kind,
        target,
        body.app,
        body.did,
        body.trunk,
        body.caller_id,
        body.ring_s,
        body.variables,
    )
