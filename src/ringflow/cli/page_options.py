"""The options of commands that list something, the same for all, and how a page is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ringflow.cli.output import print_json, print_many
from ringflow.store.pages import MAX_LIMIT, Listing, Page

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Form = TypeVar("Form", bound="DataclassInstance")

DEFAULT_LIMIT = 1000

Limit = Annotated[int, typer.Option("--limit", min=1, max=MAX_LIMIT, help="At most this many.")]
After = Annotated[
    str | None,
    typer.Option("--after", metavar="CURSOR", help="Go on after the page before, which gave the cursor."),
]


def sort_option(listing: Listing) -> Any:
    """Return the option that names one of a list's sorts."""
    return typer.Option(
        "--sort",
        metavar="NAME",
        help=f"By {', '.join(listing.sorts)}; with `-` before it the other way round.",
        show_default=listing.first,
    )


def search_option(meaning: str) -> Any:
    """Return the option that searches a list; `meaning` says in what."""
    return typer.Option("--search", metavar="TEXT", help=meaning)


def print_page(page: Page[Form], kind: type[Form], as_json: bool) -> None:
    """Print a page of forms: a table with a column for each field of `kind`, or for programs the page."""
    if as_json:
        print_json({"items": page.items, "next": page.next})
        return
    print_many(page.items, kind, False)
    say_next(page)


def say_next(page: Page[Any]) -> None:
    """Say on standard error how the list goes on, if it does."""
    if page.next is not None:
        typer.echo(f"more with --after {page.next}", err=True)
