"""Calls in progress over HTTP: listed, hung up, sent elsewhere, told something."""

from __future__ import annotations

from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Principal
from ringflow.calls.events import OrderKind
from ringflow.engine.remote_orders import CallOrder, give_order
from ringflow.forms.live_call import LiveCallForm, OrderForm, live_call_form
from ringflow.records.live_calls import LIVE_CALLS, live_call_page
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.reading import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("live calls", "/live", "Calls in progress, on all servers of the database.")


class HangUp(Input):
    """What of a call is hung up."""

    leg: bool = False
    """Only the number that it dials or talks to; the caller stays."""


class Redirect(Input):
    """Where a call is to go on."""

    app: str
    slot: str | None = None
    """An `id`, or type and place such as ivr[2]; null: the app's first slot."""


class Play(Input):
    """What the caller alone is to hear."""

    prompt: str


@RESOURCE.get(Right.CALLS_READ, listing=LIVE_CALLS)
async def list_live_calls(
    connection: AsyncConnection, services: Services, asked: PageRequest
) -> Page[LiveCallForm]:
    """List the calls in progress, the oldest first. A call is listed two seconds after it arrived."""
    silent_ms = round(services.config.charging.dead_after_s * 1000)
    page = await live_call_page(connection, services.now_ms(), silent_ms, asked)
    return page.map(live_call_form)


@RESOURCE.post(Right.CALLS_CONTROL, "/{call}:hangup", status=HTTPStatus.OK)
async def hang_up(services: Services, principal: Principal, call: str, body: HangUp) -> OrderForm:
    """Hang a call up, or only the number that it dials or talks to."""
    kind = OrderKind.HANG_UP_LEG if body.leg else OrderKind.HANG_UP
    return await _ordered(services, principal, CallOrder(call, kind))


@RESOURCE.post(Right.CALLS_CONTROL, "/{call}:redirect", status=HTTPStatus.OK)
async def redirect(services: Services, principal: Principal, call: str, body: Redirect) -> OrderForm:
    """Send a call to another app, or to a slot of one. Whom it talks to is hung up."""
    arguments = {"app": body.app} | ({"slot": body.slot} if body.slot is not None else {})
    return await _ordered(services, principal, CallOrder(call, OrderKind.REDIRECT, arguments))


@RESOURCE.post(Right.CALLS_CONTROL, "/{call}:play", status=HTTPStatus.OK)
async def play(services: Services, principal: Principal, call: str, body: Play) -> OrderForm:
    """Play a prompt to the caller: in a talk at once, otherwise after what is heard or keyed now."""
    return await _ordered(services, principal, CallOrder(call, OrderKind.PLAY, {"prompt": body.prompt}))


async def _ordered(services: Services, principal: Principal, order: CallOrder) -> OrderForm:
    answer = await give_order(services.store, services.opener(principal), order)
    return OrderForm(order.call_id, order.kind.value, answer)
