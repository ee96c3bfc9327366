"""Calls in progress over HTTP: listed, hung up, sent elsewhere, told something."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Principal
from ringflow.calls.events import OrderKind
from ringflow.engine.remote_orders import CallOrder, give_order
from ringflow.engine.shared_watches import SharedWatches
from ringflow.errors import Unknown
from ringflow.forms.live_call import LiveCallForm, OrderForm, live_call_form
from ringflow.plain_text import plain
from ringflow.records.live_calls import LIVE_CALLS, live_call_page
from ringflow.records.queries import is_on_record
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.event_feed import EventFeed, LastEventId, ServerEvent
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
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


class Say(Input):
    """What the caller alone is to hear, spoken by the voice that flows have."""

    text: str
    language: str | None = None
    """null: the one that the caller is spoken to in."""


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


@RESOURCE.post(Right.CALLS_CONTROL, "/{call}:say", status=HTTPStatus.OK)
async def say(services: Services, principal: Principal, call: str, body: Say) -> OrderForm:
    """Speak a text to the caller alone: in a talk at once, otherwise after what is heard or keyed now."""
    arguments = {"text": body.text} | ({"language": body.language} if body.language is not None else {})
    return await _ordered(services, principal, CallOrder(call, OrderKind.SAY, arguments))


@RESOURCE.get(Right.CALLS_READ, "/events")
async def watch_all_calls(services: Services) -> EventFeed:
    """Tell what happens in all calls from now on, as server-sent events: see docs/events.md.

    Their types are those of the events, and their data the events' JSON forms. After a break, list the calls.
    """
    return EventFeed(call_feed(services.watches, None))


@RESOURCE.get(Right.CALLS_READ, "/{call}/events")
async def watch_call(services: Services, call: str, last: LastEventId) -> EventFeed:
    """Tell what happens in a call, from its beginning to its end, as server-sent events.

    An event's id is its number; with `Last-Event-ID` those up to it are left out.
    """
    async with services.store.reading() as connection:
        if await is_on_record(connection, call):
            text = f"call {plain(call)} is over: GET /calls/{plain(call)} has its record"
            raise Unknown("call.not_live", text, call=call)
    return EventFeed(call_feed(services.watches, call, last.number))


async def call_feed(watches: SharedWatches, call: str | None, after: int = 0) -> AsyncGenerator[ServerEvent]:
    """The events of a call after the one of this number, until it ends, or of all calls from now on."""
    async with aclosing(watches.watch(call)) as events:
        async for event in events:
            if call is None:
                yield ServerEvent(event["type"], event)
            elif event["number"] > after:
                yield ServerEvent(event["type"], event, str(event["number"]))
                if event["type"] == "call_ended":
                    return


async def _ordered(services: Services, principal: Principal, order: CallOrder) -> OrderForm:
    answer = await give_order(services.store, services.opener(principal), order)
    return OrderForm(order.call_id, order.kind.value, answer)
