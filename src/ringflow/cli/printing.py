"""How commands print what they found: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000_000
PIPED_WIDTH = 200

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=MAX_LIMIT, help="At most this many.")]
Found: TypeAlias = "DataclassInstance"


def print_one(found: Found, as_json: bool) -> None:
    """Print one thing, a field on each line; as JSON an object."""
    if as_json:
        _print_json(asdict(found))
        return
    table = Table(box=None, show_header=False)
    for field in fields(found):
        table.add_row(_title(field.name), _cell(getattr(found, field.name)))
    _console().print(table)


def print_many(found: Sequence[Found], kind: type[Found], as_json: bool, limit: int | None = None) -> None:
    """Print a table with a column for each field of `kind`; as JSON a list of objects.

    Where `limit` may have cut the list off, a line on standard error says so.
    """
    if as_json:
        _print_json([asdict(one) for one in found])
    elif not found:
        typer.echo("none")
    else:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for field in fields(kind):
            # Never cut: half a number is worse than a second line.
            table.add_column(_title(field.name), overflow="fold")
        for one in found:
            table.add_row(*[_cell(getattr(one, field.name)) for field in fields(kind)])
        _console().print(table)
    if limit is not None and len(found) == limit:
        typer.echo(f"the first {limit}; more with --limit", err=True)


def print_deleted(noun: str, name: object, as_json: bool) -> None:
    """Say what is gone."""
    if as_json:
        _print_json({"deleted": name})
    else:
        typer.echo(f"{noun} {name} is deleted")


def _console() -> Console:
    """As wide as the terminal; wide enough for every table where the output goes to a file or a program."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPED_WIDTH)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return escape("\n".join(f"{name}: {text}" for name, text in value.items()))
    if isinstance(value, tuple):
        return escape(" ".join(map(str, value)))
    return escape(str(value))
