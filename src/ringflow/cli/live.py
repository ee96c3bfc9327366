"""`ringflow live`: calls in progress, on whatever server of the database they are."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.calls.events import OrderKind
from ringflow.cli.operators import Operator
from ringflow.cli.originate import originate_command
from ringflow.cli.output import Json, print_json
from ringflow.cli.page_options import DEFAULT_LIMIT, After, Limit, print_page, sort_option
from ringflow.cli.project import opener, with_reading, with_store
from ringflow.config import Config
from ringflow.engine.remote_orders import CallOrder, give_order
from ringflow.engine.watched_events import watch_calls
from ringflow.forms.live_call import LiveCallForm, OrderForm, live_call_form
from ringflow.moments import system_now_ms
from ringflow.records.live_calls import LIVE_CALLS, live_call_page
from ringflow.store import Store
from ringflow.store.pages import Page, PageRequest

app = typer.Typer(
    help="Calls in progress: list, watch, hang up, redirect, play, say, make.", no_args_is_help=True
)

CallId = Annotated[str, typer.Argument(metavar="CALL", help="The call's ID, as `ringflow live list` has it.")]
IN_EVERY_EVENT = frozenset(
    {"version", "type", "call_id", "number", "at", "at_s", "app", "revision", "slot", "depth"}
)


@app.command("list")
def list_command(
    sort: Annotated[str | None, sort_option(LIVE_CALLS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List the calls in progress on all servers, the oldest first.

    A call is listed two seconds after it arrived, with the slot that it is in and the number that it dials or
    talks to.
    """

    async def find(connection: AsyncConnection, config: Config) -> Page[LiveCallForm]:
        silent_ms = round(config.charging.dead_after_s * 1000)
        asked = PageRequest(limit, after, sort)
        return (await live_call_page(connection, system_now_ms(), silent_ms, asked)).map(live_call_form)

    print_page(with_reading(find), LiveCallForm, as_json)


@app.command("watch")
def watch_command(
    call: Annotated[str | None, typer.Argument(metavar="CALL", help="Its ID; none: all calls.")] = None,
    as_json: Json = False,
) -> None:
    """Print what happens in a call, or in all of them.

    A call is shown from its beginning to its end, all calls from now on until Ctrl-C. With --json each event
    is one line of JSON.
    """

    async def watch(store: Store, config: Config) -> None:
        async with aclosing(watch_calls(store, call, system_now_ms)) as events:
            async for event in events:
                typer.echo(json.dumps(event) if as_json else event_line(event))
                if call is not None and event["type"] == "call_ended":
                    return

    try:
        with_store(watch)
    except KeyboardInterrupt:
        return


@app.command("hangup")
def hangup_command(
    operator: Operator,
    call: CallId,
    leg: Annotated[
        bool, typer.Option("--leg", help="Only the number that it dials or talks to; the caller stays.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Hang a call up, or only the number that it dials or talks to."""
    _order(operator, CallOrder(call, OrderKind.HANG_UP_LEG if leg else OrderKind.HANG_UP), as_json)


@app.command("redirect")
def redirect_command(
    operator: Operator,
    call: CallId,
    app_name: Annotated[str, typer.Argument(metavar="APP", help="The app where it goes on.")],
    slot: Annotated[
        str | None,
        typer.Option("--slot", metavar="NAME", help="A slot of it: an `id`, or type and place: 'ivr[2]'."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Send a call to another app, or to a slot of one. Whom it talks to is hung up."""
    arguments = {"app": app_name} | ({"slot": slot} if slot is not None else {})
    _order(operator, CallOrder(call, OrderKind.REDIRECT, arguments), as_json)


@app.command("play")
def play_command(
    operator: Operator,
    call: CallId,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="A prompt of the library.")],
    as_json: Json = False,
) -> None:
    """Play a prompt to the caller alone.

    In a talk it is heard at once, otherwise after what the caller hears or keys now.
    """
    _order(operator, CallOrder(call, OrderKind.PLAY, {"prompt": prompt}), as_json)


@app.command("say")
def say_command(
    operator: Operator,
    call: CallId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the caller is to hear.")],
    language: Annotated[
        str | None,
        typer.Option(
            "--language", metavar="CODE", help="Its language.", show_default="the one that the call has"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Speak a text to the caller alone, when a prompt would be."""
    arguments = {"text": text} | ({"language": language} if language is not None else {})
    _order(operator, CallOrder(call, OrderKind.SAY, arguments), as_json)


app.command("originate")(originate_command)


def _order(operator: str, order: CallOrder, as_json: bool) -> None:
    async def give(store: Store, config: Config) -> str:
        return await give_order(store, opener(store, config, operator), order)

    answer = with_store(give)
    if as_json:
        print_json(OrderForm(order.call_id, order.kind.value, answer))
    else:
        typer.echo(answer)


def event_line(event: dict[str, Any]) -> str:
    """An event on one line: time, call, slot, type, and what its type has."""
    place = "/".join(part for part in (event["app"], event["slot"]) if part)
    own = " ".join(
        f"{name}={value}"
        for name, value in event.items()
        if name not in IN_EVERY_EVENT and value not in (None, "")
    )
    return f"{event['at']}  {event['call_id']}  {place:<24}  {event['type']}  {own}".rstrip()
