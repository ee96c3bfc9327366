"""`ringflow trunk`: the ways out."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import typer

from ringflow.accounts import trunks
from ringflow.accounts.number_forms import NumberForm
from ringflow.accounts.trunks import TRUNKS, Rated, Trunk, TrunkChanges, TrunkFilter
from ringflow.cli.empty_options import EMPTY, given, given_as, none_is_empty, text_or_none
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_one
from ringflow.cli.page_options import Find, paged, search_option
from ringflow.cli.project import with_actor, with_reading
from ringflow.cli.script_options import ScriptTimeout, ScriptVars, given_text, seconds_or_none
from ringflow.config import DEFAULT_FAILOVER, DEFAULT_SILENT_S
from ringflow.errors import Refused
from ringflow.forms.trunk import TrunkForm, trunk_form
from ringflow.plain_text import plain

app = typer.Typer(help="The ways out.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The trunk's name.")]
Dial = Annotated[
    str, typer.Argument(metavar="DIAL", help="What Asterisk dials, such as PJSIP/{number}@carrier.")
]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="NAME:VALUE", help="A header of the INVITE; may be given repeatedly."),
]
Position = Annotated[int | None, typer.Option("--position", help="Low ones are tried first.")]
CallerId = Annotated[
    str | None, typer.Option("--caller-id", metavar="NUMBER|none", help="The number shown to callees.")
]
Server = Annotated[
    str | None, typer.Option("--server", help="The name that X-CX-Sec is signed for; default: the trunk's.")
]
RatedOption = Annotated[
    Rated | None, typer.Option("--rated", help="Who charges for calls: us, or the switch behind it.")
]
Failover = Annotated[
    list[str] | None,
    typer.Option(
        "--failover",
        metavar="CODES|none",
        help="The SIP answers after which the next trunk is tried, such as 408,5xx.",
        show_default=",".join(DEFAULT_FAILOVER),
    ),
]
SilentS = Annotated[
    int | None,
    typer.Option(
        "--silent-s",
        metavar="SECONDS",
        help="After so long without any answer, not even 100, the next trunk is tried; 0: never.",
    ),
]

NumberFormOption = Annotated[
    NumberForm | None,
    typer.Option(
        "--number-form", help="How it wants numbers; 00: behind the international prefix of `country`."
    ),
]
NumberPrefix = Annotated[
    str | None, typer.Option("--number-prefix", metavar="DIGITS|none", help="Digits before each number.")
]
CallerIdForm = Annotated[
    Literal["e164", "+e164", "00", "national", "none"] | None,
    typer.Option("--caller-id-form", help="How it wants the caller's number; none: as it came or was set."),
]
CallerIdPrefix = Annotated[
    str | None,
    typer.Option("--caller-id-prefix", metavar="DIGITS|none", help="Digits before the caller's number."),
]
AsKeyed = Annotated[
    list[str] | None,
    typer.Option(
        "--as-keyed",
        metavar="PATTERN",
        help="Numbers dialled as they were keyed, such as 112 or 1XX; may be given repeatedly.",
    ),
]
ScriptOption = Annotated[
    str | None,
    typer.Option("--script", metavar="NAME|none", help="The script that runs before each leg; none: no one."),
]
ScriptFallback = Annotated[
    str | None,
    typer.Option(
        "--script-fallback",
        metavar="'CODE REASON'|skip|dial|none",
        help="What becomes of a leg whose script fails; none: the next trunk is tried, as with skip.",
    ),
]


@app.command("add")
def add_command(
    operator: Operator,
    name: Name,
    dial: Dial,
    headers: Headers = None,
    position: Position = 100,
    disabled: Annotated[bool, typer.Option("--disabled", help="Do not use it for now.")] = False,
    caller_id: CallerId = None,
    server: Server = "",
    rated: RatedOption = "local",
    failover: Failover = None,
    silent_s: SilentS = DEFAULT_SILENT_S,
    number_form: NumberFormOption = "e164",
    number_prefix: NumberPrefix = "",
    caller_id_form: CallerIdForm = None,
    caller_id_prefix: CallerIdPrefix = "",
    as_keyed: AsKeyed = None,
    script: ScriptOption = None,
    script_timeout: ScriptTimeout = None,
    script_fallback: ScriptFallback = None,
    script_vars: ScriptVars = None,
    as_json: Json = False,
) -> None:
    """Add a trunk."""
    trunk = Trunk(
        name,
        dial,
        read_headers(headers or []),
        100 if position is None else position,
        not disabled,
        text_or_none(caller_id) if caller_id is not None else None,
        server or "",
        rated or "local",
        DEFAULT_FAILOVER if failover is None else read_failover(failover),
        DEFAULT_SILENT_S if silent_s is None else silent_s,
        number_form or "e164",
        none_is_empty(number_prefix),
        None if caller_id_form == "none" else caller_id_form,
        none_is_empty(caller_id_prefix),
        tuple(as_keyed or ()),
        script=given_text(script),
        script_timeout_s=seconds_or_none(script_timeout, "--script-timeout"),
        script_fallback=given_text(script_fallback),
        script_vars=given_text(script_vars),
    )
    print_one(trunk_form(with_actor(operator, lambda actor, config: trunks.add(actor, trunk))), as_json)


@paged(app, TRUNKS, TrunkForm, trunk_form)
def list_command(
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Only those that are used, or are not.")
    ] = None,
    rated: Annotated[Rated | None, typer.Option("--rated", help="Only those.")] = None,
    search: Annotated[str | None, search_option("A part of the name, or of what is dialled.")] = None,
) -> Find:
    """List the trunks, by default in the order in which they are tried."""
    wanted = TrunkFilter(enabled=enabled, rated=rated, search=search)
    return lambda connection, config, asked: trunks.page(connection, wanted, asked)


@app.command("show")
def show_command(name: Name, as_json: Json = False) -> None:
    """Show a trunk."""
    print_one(trunk_form(with_reading(lambda connection, config: trunks.show(connection, name))), as_json)


@app.command("set")
def set_command(
    operator: Operator,
    name: Name,
    dial: Annotated[str | None, typer.Option("--dial", help="What Asterisk dials.")] = None,
    headers: Headers = None,
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Take all headers away.")] = False,
    position: Position = None,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="Whether it is used.")] = None,
    caller_id: CallerId = None,
    server: Server = None,
    rated: RatedOption = None,
    failover: Failover = None,
    silent_s: SilentS = None,
    number_form: NumberFormOption = None,
    number_prefix: NumberPrefix = None,
    caller_id_form: CallerIdForm = None,
    caller_id_prefix: CallerIdPrefix = None,
    as_keyed: AsKeyed = None,
    nothing_as_keyed: Annotated[
        bool, typer.Option("--nothing-as-keyed", help="Take all patterns of --as-keyed away.")
    ] = False,
    script: ScriptOption = None,
    script_timeout: ScriptTimeout = None,
    script_fallback: ScriptFallback = None,
    script_vars: ScriptVars = None,
    as_json: Json = False,
) -> None:
    """Change what is given; the rest stays.

    Headers, failover codes and patterns are each replaced all together.
    """
    changes: TrunkChanges = (
        given(
            dial=dial, position=position, enabled=enabled, server=server, rated=rated,
            silent_s=silent_s, number_form=number_form,
        )
        | given_as(text_or_none, caller_id=caller_id, caller_id_form=caller_id_form)
        | given_as(none_is_empty, number_prefix=number_prefix, caller_id_prefix=caller_id_prefix)
        | given_as(read_failover, failover=failover)
        | given_as(text_or_none, script=script, script_fallback=script_fallback, script_vars=script_vars)
        | given_as(partial(seconds_or_none, option="--script-timeout"), script_timeout_s=script_timeout)
    )  # fmt: skip
    if headers or no_headers:
        changes["headers"] = read_headers(headers or [])
    if as_keyed or nothing_as_keyed:
        changes["as_keyed"] = tuple(as_keyed or ())
    altered = with_actor(operator, lambda actor, config: trunks.alter(actor, name, **changes))
    print_one(trunk_form(altered), as_json)


@app.command("delete")
def delete_command(operator: Operator, name: Name, as_json: Json = False) -> None:
    """Delete a trunk."""
    print_deleted(
        "trunk", with_actor(operator, lambda actor, config: trunks.delete(actor, name)).name, as_json
    )


def read_failover(texts: list[str]) -> tuple[str, ...]:
    """`408,5xx` texts as a list of answers; `none` is an empty one."""
    if texts == [EMPTY]:
        return ()
    return tuple(part.strip() for text in texts for part in text.split(","))


def read_headers(texts: list[str]) -> dict[str, str]:
    """`Name: value` texts as a mapping. Raises `Refused` for text without a colon, or a name given twice."""
    headers: dict[str, str] = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon:
            raise Refused("option.malformed", f"--header {plain(text)}: write NAME:VALUE", option="--header")
        if name.strip() in headers:
            raise Refused("option.malformed", f"--header {plain(name)} is given twice", option="--header")
        headers[name.strip()] = value.strip()
    return headers
