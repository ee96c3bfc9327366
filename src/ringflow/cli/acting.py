"""How commands read days and currencies, and open the key ring of PINs."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.peppers import Peppers, read_peppers
from ringflow.cli.emptying import EMPTY
from ringflow.cli.moments import operator_zone
from ringflow.config import Config
from ringflow.errors import Refused, StartError
from ringflow.moments import ms_in
from ringflow.plain_text import plain

Result = TypeVar("Result")

Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="YYYY-MM-DD|none", help="The last day on which it is good."),
]

DAY = timedelta(days=1)


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
        return ms_in(datetime.combine(date.fromisoformat(text) + DAY, time()), operator_zone())
    except (ValueError, OverflowError) as error:
        raise Refused(
            "option.malformed",
            f"--expires {plain(text)} is no day; write one such as 2027-12-31, or {EMPTY}",
            option="--expires",
        ) from error


def open_peppers(config: Config) -> Peppers:
    """The key ring that the configuration names. Raises `StartError` when there is none."""
    file = config.cards.pepper_file
    try:
        return read_peppers(config.cards.pepper_env, config.path(file) if file else None)
    except StartError as error:
        if "no secret is given" in str(error):
            raise StartError(f"{error}; `ringflow card pepper new` makes one") from error
        raise
