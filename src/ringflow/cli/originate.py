"""`ringflow live originate`: have Asterisk call a number, and connect who answers to an app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from pydantic import JsonValue

from ringflow.actor import Actor, shell_operator
from ringflow.calls.originations import Origination, TargetKind
from ringflow.cli.ids import id_option
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_json
from ringflow.cli.project import opener, with_store
from ringflow.config import Config
from ringflow.forms.origination import origination_form
from ringflow.moments import system_now_ms
from ringflow.store import Store

UP_WITHIN_S = 10.0


def originate_command(
    operator: Operator,
    called: Annotated[
        str,
        typer.Argument(metavar="NUMBER", help="A number, a SIP URI, or an endpoint of Asterisk."),
    ],
    customer: Annotated[int, id_option("--customer", "Who pays, and as whom it is dialled.")],
    app: Annotated[
        str | None, typer.Option("--app", metavar="NAME", help="Where who answers comes to, as the customer.")
    ] = None,
    did: Annotated[
        str | None,
        typer.Option("--did", metavar="NUMBER", help="The same, as any caller of this DID from the number."),
    ] = None,
    device: Annotated[
        bool, typer.Option("--device", help="It is an endpoint of `originate.devices`, not a number.")
    ] = False,
    trunk: Annotated[str | None, typer.Option("--trunk", metavar="NAME", help="The only one tried.")] = None,
    caller_id: Annotated[
        str | None, typer.Option("--caller-id", metavar="NUMBER", help="What callees see.")
    ] = None,
    ring: Annotated[
        int | None,
        typer.Option("--ring", metavar="SECONDS", min=5, max=120, help="For how long it rings."),
    ] = None,
    variable: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A variable with which the app begins."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Have a number called, and connect who answers to an app.

    The call is dialled and charged as any leg of the customer's. This waits until it is answered, or over.
    Needs `ami`, and a server that serves the calls of that Asterisk.
    """
    # Loading these takes as long as all the rest of a command.
    from ringflow.app import configured_link
    from ringflow.calls.originator import Originator, WantedCall
    from ringflow.engine.engine import new_call_id
    from ringflow.flows.folder import FlowFolder
    from ringflow.flows.registry import slot_types

    if (app is None) is (did is None):
        raise typer.BadParameter("say one of --app and --did")
    kind = TargetKind.DEVICE if device else TargetKind.URI if called.startswith("sip") else TargetKind.NUMBER
    wanted = WantedCall(customer, kind, called, app, did, trunk, caller_id, ring, _variables(variable or []))

    async def make(store: Store, config: Config) -> Origination:
        def apps() -> list[str]:
            drafts, _ = FlowFolder(config.path(config.flows), slot_types()).drafts()
            return [draft.app for draft in drafts.values() if draft.app is not None]

        async def transaction(change: Callable[[Actor], Awaitable[Origination]]) -> Origination:
            async with opener(store, config, operator)() as actor:
                return await change(actor)

        link = configured_link(config)
        await link.start()
        try:
            await link.wait_up(UP_WITHIN_S)
            originator = Originator(store, config, link, system_now_ms, new_call_id, apps)
            asked = await originator.ask(wanted, shell_operator(operator), transaction)
            await originator.rung()
            return await originator.find(asked.call_id)
        finally:
            await link.close()

    form = origination_form(with_store(make), system_now_ms())
    if as_json:
        print_json(form)
    else:
        typer.echo(f"{form.status}{f': {form.outcome}' if form.outcome else ''}")
        typer.echo(
            f"call {form.call_id}" + (f"; in the app: call {form.app_call_id}" if form.app_call_id else "")
        )


def _variables(texts: list[str]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r}: write NAME=VALUE")
        found[name] = value
    return found
