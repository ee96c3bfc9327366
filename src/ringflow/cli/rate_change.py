"""Single rates of a card, set and deleted; and the deletion of a card."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_deleted, print_many
from ringflow.cli.project import with_actor, with_reading
from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.forms.rate import RateForm, rate_form
from ringflow.ledger.rates.card import Rate, RateCard, get_card
from ringflow.ledger.rates.changes import delete_card, delete_rate, set_rate
from ringflow.ledger.rates.prefix import rate_prefix
from ringflow.ledger.rates.sheet_cells import CellError
from ringflow.ledger.rates.written_rate import WrittenRate, begin_ms

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

    written = WrittenRate(price, connection, minimum, increment, grace, until, destination)

    async def change(actor: Actor, config: Config) -> tuple[RateCard, list[Rate]]:
        card = await get_card(actor.connection, name)
        with _options():
            found, from_ms = written.changes(card.currency), begin_ms(begin, "from")
        digits = rate_prefix(prefix, config.country)
        return card, list(await set_rate(actor, card, digits, found, from_ms))

    card, found = with_actor(operator, change)
    print_many([rate_form(one, card.currency) for one in found], RateForm, as_json)


def delete_rate_command(
    name: CardName, prefix: Prefix, operator: Operator, begin: From = None, as_json: Json = False
) -> None:
    """Take the rate of one prefix off a card."""

    async def take(actor: Actor, config: Config) -> Rate:
        card = await get_card(actor.connection, name)
        with _options():
            from_ms = begin_ms(begin, "from")
        return await delete_rate(actor, card, rate_prefix(prefix, config.country), from_ms)

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


@contextmanager
def _options() -> Iterator[None]:
    """Name the option that cannot be read."""
    try:
        yield
    except CellError as error:
        option = f"--{error.what.split()[0]}"
        mend = error.mend
        if option in ("--from", "--until"):
            raise Refused(
                "option.malformed",
                f"{option} {error.what.partition(' ')[2]}; write a date such as 2026-07-01",
                option=option,
            ) from None
        raise Refused(
            "option.malformed", f"--{error.what}" + (f" ({mend})" if mend else ""), option=option
        ) from None
