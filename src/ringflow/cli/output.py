"""How commands print what they found: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ringflow.cli.moments import operator_zone
from ringflow.forms.field import SELDOM
from ringflow.forms.json_value import json_text
from ringflow.moments import Moment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PIPED_WIDTH = 200
FIELDS_PADDING = 4
GAPS = (2, 1)
"""Between the columns of a table; the second where only that leaves room."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Found: TypeAlias = "DataclassInstance"


def print_one(found: Found, as_json: bool) -> None:
    """Print one thing, a field on each line; as JSON an object."""
    if as_json:
        print_json(found)
        return
    _print_fields(found, _room())


def print_many(found: Sequence[Found], kind: type[Found], as_json: bool) -> None:
    """Print a table with a column for each field of `kind`; as JSON a list of objects.

    Columns that are `SELDOM` are left out where no row has anything in them. On a terminal too narrow for the
    table, each one is printed by itself, a field on each line.
    """
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("none")
    else:
        shown = [
            field.name
            for field in fields(kind)
            if SELDOM not in field.metadata or any(getattr(one, field.name) is not None for one in found)
        ]
        _print_rows(found, shown, _room())


def print_deleted(noun: str, name: object, as_json: bool) -> None:
    """Say what is gone."""
    if as_json:
        print_json({"deleted": name})
    else:
        typer.echo(f"{noun} {name} is deleted")


def _room() -> int | None:
    """The terminal's columns; None where the output goes to a file or a program, and lines stay whole."""
    console = Console()
    return console.width if console.is_terminal else None


def _print_rows(found: Sequence[Found], names: Sequence[str], room: int | None) -> None:
    titles = [_title(name) for name in names]
    rows = [[_cell(getattr(one, name)) for name in names] for one in found]
    laid_out = lay_out([titles, *rows], room)
    if laid_out is None:
        for number, one in enumerate(found):
            if number:
                typer.echo()
            _print_fields(one, room)
        return
    widths, gap = laid_out
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0))
    for title, width in zip(titles, widths, strict=True):
        table.add_column(title, width=width)
    for row in rows:
        table.add_row(*map(escape, row))
    Console(width=sum(widths) + gap * len(widths)).print(table)


def _print_fields(one: Found, room: int | None) -> None:
    table = Table(box=None, show_header=False)
    rows = [(_title(field.name), _cell(getattr(one, field.name))) for field in fields(one)]
    for title, text in rows:
        table.add_row(title, escape(text))
    Console(width=room or sum(_whole_widths(rows)) + FIELDS_PADDING).print(table)


def lay_out(rows: Sequence[Sequence[str]], room: int | None) -> tuple[list[int], int] | None:
    """How wide each column of these rows is printed, and the gap between two.

    None where `room` is not enough to leave every word whole. The columns on the left get first what can be
    had beyond that.
    """
    whole = _whole_widths(rows)
    if room is None:
        return whole, GAPS[0]
    widths = [
        _longest(word for text in column for word in text.split()) for column in zip(*rows, strict=True)
    ]
    for gap in GAPS:
        spare = room - sum(widths) - gap * (len(widths) - 1)
        if spare >= 0:
            break
    else:
        return None
    for index, wish in enumerate(whole):
        more = min(spare, wish - widths[index])
        widths[index] += more
        spare -= more
    return widths, gap


def _whole_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [
        _longest(line for text in column for line in text.split("\n")) for column in zip(*rows, strict=True)
    ]


def _longest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def print_json(value: object) -> None:
    """Print for programs, in the forms that the API has too."""
    typer.echo(json_text(value))


def _title(name: str) -> str:
    return name.removesuffix("_at").replace("_", " ")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Moment):
        return value.shown_in(operator_zone())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {text}" for name, text in value.items())
    if isinstance(value, tuple):
        # Forms have several words each, so each has a line.
        return ("\n" if any(map(is_dataclass, value)) else " ").join(map(str, value))
    return str(value)
