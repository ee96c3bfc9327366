"""`bulk` of customers, CLIs, DIDs and vouchers: one thing done to all that fit, or to none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, cast, get_type_hints

import typer
from pydantic import TypeAdapter, ValidationError

from ringflow.accounts.bulk_actions import Action, BulkDone, BulkOrder
from ringflow.actor import Actor
from ringflow.cli.empty_options import EMPTY
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_one
from ringflow.cli.project import with_actor
from ringflow.errors import Refused
from ringflow.forms.bulk import bulk_form
from ringflow.wording import did_you_mean, known_words, quoted

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Those that are meant.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="NAME=VALUE", help="Those that fit all of these."),
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="With change: what they are to have.")
]
Expect = Annotated[int | None, typer.Option("--expect", min=0, help="How many are meant.")]
Cascade = Annotated[bool, typer.Option("--cascade", help="Delete CLIs and DIDs with their customers.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many are concerned, and change nothing.")]
ActionName = Annotated[Action, typer.Argument(metavar="ACTION", help="One of those that the noun has.")]

Carry = Callable[[Actor, BulkOrder[Any, Any]], Awaitable[BulkDone]]


def add_bulk_command(
    app: typer.Typer,
    things: str,
    id_type: type[int] | type[str],
    wanted: type,
    changes: type | None,
    carry: Carry,
    *,
    cascades: bool = False,
) -> None:
    """Give a noun its `bulk`. `wanted` is the filter, a dataclass, and `changes` the fields, a TypedDict."""

    def run(
        operator: str,
        action: Action,
        ids: list[str] | None,
        where: list[str] | None,
        values: list[str] | None,
        expect: int | None,
        dry_run: bool,
        as_json: bool,
        cascade: bool = False,
    ) -> None:
        order: BulkOrder[Any, Any] = BulkOrder(
            action,
            _read(tuple[id_type, ...], ids, "ID") if ids else None,  # type: ignore[valid-type]
            _read(wanted, _pairs(where, _filter_names(wanted), "--where"), "--where") if where else None,
            _changes(changes, values) if changes else {},
            expect,
            dry_run,
            cascade,
        )
        print_one(bulk_form(with_actor(operator, lambda actor, config: carry(actor, order))), as_json)

    named = app.command("bulk", help=_help(things, wanted, changes))
    if cascades:

        @named
        def customers_command(
            operator: Operator, action: ActionName, ids: Ids = None, where: Where = None, values: Set = None,
            expect: Expect = None, cascade: Cascade = False, dry_run: DryRun = False, as_json: Json = False,
        ) -> None:  # fmt: skip
            run(operator, action, ids, where, values, expect, dry_run, as_json, cascade)

    elif changes is not None:

        @named
        def rows_command(
            operator: Operator, action: ActionName, ids: Ids = None, where: Where = None, values: Set = None,
            expect: Expect = None, dry_run: DryRun = False, as_json: Json = False,
        ) -> None:  # fmt: skip
            run(operator, action, ids, where, values, expect, dry_run, as_json)

    else:

        @named
        def unchanged_command(
            operator: Operator, action: ActionName, ids: Ids = None, where: Where = None,
            expect: Expect = None, dry_run: DryRun = False, as_json: Json = False,
        ) -> None:  # fmt: skip
            run(operator, action, ids, where, None, expect, dry_run, as_json)


def _help(things: str, wanted: type, changes: type | None) -> str:
    lines = [
        f"Do ACTION to many {things} at once: all of them, or none.",
        f"--where takes {known_words(_filter_names(wanted))}.",
    ]
    if changes:
        lines.append(f"--set takes {known_words(_change_names(changes))}.")
    return "\n\n".join(lines)


def _filter_names(wanted: type) -> Mapping[str, str]:
    """The names of a filter's fields, by what they are called here."""
    return {_SHOWN.get(one.name, one.name): one.name for one in fields(wanted)}


def _change_names(changes: type | None) -> Mapping[str, str]:
    names = () if changes is None else changes.__annotations__
    return {_SHOWN.get(one, one): one for one in names}


_SHOWN = {"customer_id": "customer", "search": "q", "is_pattern": "pattern"}


def _pairs(given: Sequence[str] | None, names: Mapping[str, str], option: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise Refused("field.malformed", f"{option} {quoted(one)}: write NAME=VALUE", field=option)
        if name not in names:
            mend = did_you_mean(name, names, f"known: {known_words(names)}")
            raise Refused("field.unknown", f"{option}: {quoted(name)} is not known ({mend})", field=name)
        found[names[name]] = None if value == EMPTY else value
    return found


def _changes(changes: type, values: Sequence[str] | None) -> dict[str, Any]:
    types = get_type_hints(changes)
    pairs = _pairs(values, _change_names(changes), "--set")
    return {name: _read(types[name], text, f"--set {_SHOWN.get(name, name)}") for name, text in pairs.items()}


def _read(kind: Any, given: Any, option: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = _SHOWN.get(cast(str, first["loc"][0]), first["loc"][0]) if first["loc"] else ""
        raise Refused(
            "field.malformed", f"{option} {place}: {first['msg']}", (str(place),), field=str(place)
        ) from None
