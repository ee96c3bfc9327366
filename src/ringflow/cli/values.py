"""How commands read days and currencies."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.cli.empty_options import EMPTY
from ringflow.cli.moments import operator_zone
from ringflow.errors import Refused
from ringflow.moments import last_day_end_ms
from ringflow.plain_text import plain

Result = TypeVar("Result")

Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="YYYY-MM-DD|none", help="The last day on which it is good."),
]


async def currency_of(connection: AsyncConnection, customer_id: int) -> str:
    """The currency of a customer. Raises `Refused` when there is none."""
    return (await customers.show(connection, customer_id)).currency


def end_of_day_ms(text: str | None) -> int | None:
    """Milliseconds since 1970 when that day is over where the operator is; None for `none` and for nothing.

    Raises `Refused`.
    """
    if text is None or text == EMPTY:
        return None
    try:
        return last_day_end_ms(date.fromisoformat(text), operator_zone())
    except (ValueError, OverflowError) as error:
        raise Refused(
            "option.malformed",
            f"--expires {plain(text)} is no day; write one such as 2027-12-31, or {EMPTY}",
            option="--expires",
        ) from error
