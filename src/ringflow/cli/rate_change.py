"""Single rates of a card, set and deleted; and the deletion of a card."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.cli.emptying import EMPTY
from ringflow.cli.opening import with_actor, with_reading
from ringflow.cli.operators import Operator
from ringflow.cli.printing import Json, print_deleted, print_many
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.forms.rate import RateForm, rate_form
from ringflow.ledger.rates.card import Rate, RateCard, get_card
from ringflow.ledger.rates.changes import delete_card, delete_rate, set_rate
from ringflow.ledger.rates.prefix import rate_prefix
from ringflow.ledger.rates.sheet_cells import (
    CellError,
    read_amount,
    read_billing,
    read_destination,
    read_price,
    read_seconds,
)
from ringflow.ledger.rates.sheet_dates import read_period

CardName = Annotated[str, typer.Argument(metavar="NAME", help="The rate card.")]
Prefix = Annotated[str, typer.Argument(metavar="PREFIX", help="With the country's code: 447, +447.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help="Its begin (UTC), which says which of several rates."),
]
Text = str | None


def set_rate_command(
    name: CardName,
    prefix: Prefix,
    operator: Operator,
    price: Annotated[
        Text, typer.Option("--price", help="For a minute; `blocked`: no call is put through.")
    ] = None,
    connection: Annotated[Text, typer.Option("--connection", help="For each answered call.")] = None,
    minimum: Annotated[Text, typer.Option("--minimum", metavar="SECONDS", help="Charged at least.")] = None,
    increment: Annotated[
        Text, typer.Option("--increment", help="Seconds, or with the minimum: 60/6.")
    ] = None,
    grace: Annotated[Text, typer.Option("--grace", metavar="SECONDS", help="A shorter talk is free.")] = None,
    begin: From = None,
    until: Annotated[
        Text, typer.Option("--until", metavar="DATE|none", help="When it ends (UTC); that day is not in it.")
    ] = None,
    destination: Annotated[
        Text, typer.Option("--destination", metavar="NAME", help="What it leads to.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change the rate of one prefix, or add it.

    With a new --from the rate in effect until then ends there. Prints the prefix's rates.
    """

    async def change(actor: Actor, config: Config) -> tuple[RateCard, list[Rate]]:
        card = await get_card(actor.connection, name)
        found = _changes(card, price, connection, minimum, increment, grace, until, destination)
        digits = rate_prefix(prefix, config.country)
        return card, list(await set_rate(actor, card, digits, found, _moment_ms(begin, "from")))

    card, found = with_actor(operator, change)
    print_many([rate_form(one, card.currency) for one in found], RateForm, as_json)


def delete_rate_command(
    name: CardName, prefix: Prefix, operator: Operator, begin: From = None, as_json: Json = False
) -> None:
    """Take the rate of one prefix off a card."""

    async def take(actor: Actor, config: Config) -> Rate:
        card = await get_card(actor.connection, name)
        return await delete_rate(actor, card, rate_prefix(prefix, config.country), _moment_ms(begin, "from"))

    print_deleted("rate", with_actor(operator, take).prefix, as_json)


def delete_command(
    name: CardName,
    operator: Operator,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a rate card that nobody was assigned, with its rates."""

    async def find(connection: AsyncConnection, config: Config) -> RateCard:
        return await get_card(connection, name)

    if not yes:
        card = with_reading(find)
        default = f", by which customers with {card.currency} go that have no card of their own"
        what = f"rate card {name} with {card.rows} rates" + (default if card.is_default else "")
        typer.confirm(f"delete {what}?", abort=True, err=True)
    with_actor(operator, lambda actor, config: delete_card(actor, name))
    print_deleted("rate card", name, as_json)


def _changes(
    card: RateCard,
    price: Text,
    connection: Text,
    minimum: Text,
    increment: Text,
    grace: Text,
    until: Text,
    destination: Text,
) -> dict[str, object]:
    found: dict[str, object] = {}
    try:
        if price is not None:
            micros = read_price(price, card.currency, "point")
            found |= {"blocked": True} if micros is None else {"price_micros": micros, "blocked": False}
        if connection is not None:
            found["connection_micros"] = read_amount(connection, card.currency, "point", "connection")
        if increment is not None:
            said, found["increment_s"] = read_billing(increment)
            if said is not None:
                found["minimum_s"] = said
        if minimum is not None:
            found["minimum_s"] = read_seconds(minimum, "minimum", 1)
        if grace is not None:
            found["grace_s"] = read_seconds(grace, "grace", 0)
        if destination is not None:
            found["destination"] = "" if destination == EMPTY else read_destination(destination)
    except CellError as error:
        raise _refused(error) from None
    if until is not None:
        found["until_ms"] = None if until == EMPTY else _moment_ms(until, "until")
    return found


def _moment_ms(text: Text, field: str) -> int | None:
    try:
        period = read_period(text or "", field, "")
    except CellError as error:
        raise Refused(
            "option.malformed",
            f"--{field} {error.what.partition(' ')[2]}; write a date such as 2026-07-01",
            option=f"--{field}",
        ) from None
    return None if period is None else period.start_ms


def _refused(error: CellError) -> Refused:
    return Refused(
        "option.malformed",
        f"--{error.what}" + (f" ({error.mend})" if error.mend else ""),
        option=f"--{error.what.split()[0]}",
    )
