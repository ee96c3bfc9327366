"""`ringflow did`: the numbers that callers dial."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from ringflow.accounts import dids
from ringflow.accounts.bulk_actions import carry_out
from ringflow.accounts.did_bulk import DidBulk
from ringflow.accounts.did_import import DidImport
from ringflow.accounts.dids import DIDS, Did, DidChanges, DidFilter, Identify, Withheld
from ringflow.cli.app_trouble import app_trouble
from ringflow.cli.bulk import add_bulk_command
from ringflow.cli.empty_options import given, given_as, number_or_none, text_or_none
from ringflow.cli.ids import id_option
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import with_actor, with_reading
from ringflow.cli.script_options import (
    HangupScript,
    HangupScriptTimeout,
    HangupScriptVars,
    ScriptTimeout,
    ScriptVars,
    given_text,
    seconds_or_none,
)
from ringflow.cli.table_import import add_import_command
from ringflow.config import load_config
from ringflow.forms.did import DidForm, did_form

app = typer.Typer(help="The numbers that callers dial.", no_args_is_help=True)

Number = Annotated[
    str,
    typer.Argument(
        metavar="NUMBER",
        help="A telephone number in any form, an extension such as 100, or 5061999{number}.",
    ),
]
Channels = Annotated[
    str | None, typer.Option("--channels", metavar="N|none", help="How many calls at once; none: no limit.")
]
Customer = Annotated[
    str | None,
    typer.Option("--customer", metavar="ID|none", help="Whose it is; pays where identify is none."),
]
IdentifyOption = Annotated[
    Identify | None,
    typer.Option("--identify", help="cli: by the calling number. none: every caller may come in."),
]
RejectCode = Annotated[
    int | None, typer.Option("--reject-code", help="The SIP code for unknown callers, 400 to 699.")
]

WithheldOption = Annotated[
    Withheld | None,
    typer.Option(
        "--withheld", help="Whether a withheld number that the network knows identifies the caller."
    ),
]
VariableOption = Annotated[
    str | None,
    typer.Option(
        "--variable",
        metavar="NAME",
        help="The variable that gets what is dialled behind 5061999{number}; ivr_destination by default.",
    ),
]

ScriptOption = Annotated[
    str | None,
    typer.Option("--script", metavar="NAME|none", help="The script that runs before the app; none: no one."),
]
ScriptFallback = Annotated[
    str | None,
    typer.Option(
        "--script-fallback",
        metavar="'CODE REASON'|app|none",
        help="What becomes of a call whose script fails; none: 503 Script Failed.",
    ),
]


@app.command("add")
def add_command(
    operator: Operator,
    number: Number,
    app_name: Annotated[str, typer.Argument(metavar="APP", help="The app that callers reach.")],
    identify: IdentifyOption = "cli",
    customer: Customer = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Reject all calls for now.")] = False,
    channels: Channels = None,
    reject_code: RejectCode = 403,
    withheld: WithheldOption = "identify",
    variable: VariableOption = None,
    script: ScriptOption = None,
    script_timeout: ScriptTimeout = None,
    script_fallback: ScriptFallback = None,
    script_vars: ScriptVars = None,
    hangup_script: HangupScript = None,
    hangup_script_timeout: HangupScriptTimeout = None,
    hangup_script_vars: HangupScriptVars = None,
    as_json: Json = False,
) -> None:
    """Add a DID that leads to an app.

    Behind 5061999{number} callers dial the number that they want, which the app gets in a variable.
    """
    did = Did(
        number,
        app_name,
        identify or "cli",
        number_or_none(customer, "--customer") if customer is not None else None,
        not disabled,
        number_or_none(channels, "--channels") if channels is not None else None,
        403 if reject_code is None else reject_code,
        withheld or "identify",
        variable=variable,
        script=given_text(script),
        script_timeout_s=seconds_or_none(script_timeout, "--script-timeout"),
        script_fallback=given_text(script_fallback),
        script_vars=given_text(script_vars),
        hangup_script=given_text(hangup_script),
        hangup_script_timeout_s=seconds_or_none(hangup_script_timeout, "--hangup-script-timeout"),
        hangup_script_vars=given_text(hangup_script_vars),
    )
    print_one(did_form(with_actor(operator, lambda actor, config: dids.add(actor, did))), as_json)
    _tell_if_missing(app_name)


add_import_command(app, DidImport, "DIDs", lambda done: _tell_if_missing(*done.apps))


add_bulk_command(
    app, "DIDs", str, DidFilter, DidChanges, lambda actor, order: carry_out(DidBulk(actor), order)
)


@paged(app, DIDS, DidForm, did_form)
def list_command(
    customer: Annotated[int | None, id_option("--customer", "Only this customer's.")] = None,
    app_name: Annotated[str | None, typer.Option("--app", help="Only those that lead to this app.")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Only those that take calls, or do not.")
    ] = None,
    search: Annotated[str | None, search_option("How a number begins, or a part of the app's name.")] = None,
) -> Find:
    """List the DIDs."""
    wanted = DidFilter(customer_id=customer, app=app_name, enabled=enabled, search=search)
    return lambda connection, config, asked: dids.page(connection, wanted, asked)


@app.command("show")
def show_command(number: Number, as_json: Json = False) -> None:
    """Show the DID that callers reach by dialling NUMBER."""
    did = with_reading(lambda connection, config: dids.reached(connection, number, config.country))
    print_one(did_form(did), as_json)


@app.command("set")
def set_command(
    operator: Operator,
    number: Number,
    app_name: Annotated[str | None, typer.Option("--app", help="The app that callers reach.")] = None,
    identify: IdentifyOption = None,
    customer: Customer = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Whether calls are taken.")
    ] = None,
    channels: Channels = None,
    reject_code: RejectCode = None,
    withheld: WithheldOption = None,
    variable: VariableOption = None,
    script: ScriptOption = None,
    script_timeout: ScriptTimeout = None,
    script_fallback: ScriptFallback = None,
    script_vars: ScriptVars = None,
    hangup_script: HangupScript = None,
    hangup_script_timeout: HangupScriptTimeout = None,
    hangup_script_vars: HangupScriptVars = None,
    as_json: Json = False,
) -> None:
    """Change what is given; the rest stays."""
    changes: DidChanges = (
        given(
            app=app_name, identify=identify, enabled=enabled, reject_code=reject_code, withheld=withheld,
            variable=variable,
        )
        | given_as(partial(number_or_none, option="--customer"), customer_id=customer)
        | given_as(partial(number_or_none, option="--channels"), channels=channels)
        | given_as(partial(seconds_or_none, option="--script-timeout"), script_timeout_s=script_timeout)
        | given_as(
            partial(seconds_or_none, option="--hangup-script-timeout"),
            hangup_script_timeout_s=hangup_script_timeout,
        )
        | given_as(
            text_or_none, script=script, script_fallback=script_fallback, script_vars=script_vars,
            hangup_script=hangup_script, hangup_script_vars=hangup_script_vars,
        )
    )  # fmt: skip
    altered = with_actor(operator, lambda actor, config: dids.alter(actor, number, **changes))
    print_one(did_form(altered), as_json)
    if app_name is not None:
        _tell_if_missing(app_name)


@app.command("delete")
def delete_command(operator: Operator, number: Number, as_json: Json = False) -> None:
    """Delete a DID."""
    print_deleted(
        "DID", with_actor(operator, lambda actor, config: dids.delete(actor, number)).number, as_json
    )


def _tell_if_missing(*names: str) -> None:
    """Say on standard error which apps calls cannot reach. They may still come, so that is not refused."""
    for line in app_trouble(load_config(), names):
        typer.echo(line, err=True)
