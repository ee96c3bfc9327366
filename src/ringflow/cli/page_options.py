"""The options of commands that list something, the same for all, and how a page is printed."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.cli.output import Json, print_json, print_many
from ringflow.cli.project import with_reading
from ringflow.config import Config
from ringflow.store.pages import MAX_LIMIT, Listing, Page, PageRequest

if TYPE_CHECKING:
    from datetime import tzinfo

    from _typeshed import DataclassInstance

Form = TypeVar("Form", bound="DataclassInstance")

DEFAULT_LIMIT = 1000

Limit = Annotated[int, typer.Option("--limit", min=1, max=MAX_LIMIT, help="At most this many.")]
After = Annotated[
    str | None,
    typer.Option("--after", metavar="CURSOR", help="Go on after the page before, which gave the cursor."),
]
Find: TypeAlias = Callable[[AsyncConnection, Config, PageRequest], Awaitable[Page[Any]]]
"""Finds the page that is asked for."""


def paged(
    app: typer.Typer,
    listing: Listing,
    kind: type[Form],
    form: Callable[[Any], Form] | None = None,
    *,
    zoned: Callable[[Any, tzinfo], Form] | None = None,
    name: str = "list",
) -> Callable[[Callable[..., Find]], Callable[..., None]]:
    """Make a command that lists something of a function that takes its filters and says how it is found.

    The command has the options of all lists too. What is found is shown by `form`, or `zoned` with the
    configured time zone, as the form `kind`.
    """

    def decorate(filtered: Callable[..., Find]) -> Callable[..., None]:
        def command(sort: str | None, limit: int, after: str | None, as_json: bool, **filters: Any) -> None:
            find = filtered(**filters)

            async def read(connection: AsyncConnection, config: Config) -> Page[Form]:
                page = await find(connection, config, PageRequest(limit, after, sort))
                if zoned is not None:
                    return page.map(lambda one: zoned(one, config.zone))
                assert form is not None, "one of the two is given"
                return page.map(form)

            print_page(with_reading(read), kind, as_json)

        return _with_options(app, name, command, filtered, _paging(listing))

    return decorate


def _paging(listing: Listing) -> dict[str, tuple[Any, object]]:
    """Options by their parameters: annotation and default."""
    return {
        "sort": (Annotated[str | None, sort_option(listing)], None),
        "limit": (Limit, DEFAULT_LIMIT),
        "after": (After, None),
        "as_json": (Json, False),
    }


def _with_options(
    app: typer.Typer,
    name: str,
    command: Callable[..., None],
    filtered: Callable[..., Any],
    options: dict[str, tuple[Any, object]],
) -> Callable[..., None]:
    """Add `command` to `app`: with the parameters of `filtered` and these options, as typer reads them."""
    own = inspect.signature(filtered, eval_str=True)
    more = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for key, (annotation, default) in options.items()
    ]
    kept = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own.parameters.values()]
    command.__name__, command.__doc__ = filtered.__name__, filtered.__doc__
    command.__annotations__ = {one.name: one.annotation for one in (*kept, *more)}
    command.__signature__ = inspect.Signature([*kept, *more])  # type: ignore[attr-defined]
    app.command(name)(command)
    return command


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
