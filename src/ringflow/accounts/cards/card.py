"""Cards as they stand: found by ID, listed, searched, sorted and filtered. No PIN is known here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.check_digit import has_check_digit
from ringflow.accounts.fields import check_one_of
from ringflow.errors import Refused, Unknown
from ringflow.plain_text import plain
from ringflow.store.card_tables import card_batches, cards

ID_DIGITS = 12
PAGE = 5_000

Status: TypeAlias = Literal["available", "used", "disabled"]
RedeemedAs: TypeAlias = Literal["account", "top_up"]
Order: TypeAlias = Literal["id", "batch", "customer", "credit", "status", "expires", "created", "redeemed"]


@dataclass(frozen=True, slots=True)
class Card:
    """A card. `customer_id`: the template; `redeemed_by`: who got the credit, and `redeemed_as` what.

    Times are milliseconds since 1970; `archived_ms`: since when it is out of use for ever and has no PIN.
    """

    id: str
    status: Status
    customer_id: int
    credit_micros: int
    currency: str
    batch: str
    expires_ms: int | None
    created_ms: int
    archived_ms: int | None
    redeemed_by: int | None
    redeemed_as: RedeemedAs | None
    redeemed_ms: int | None

    def expired(self, now_ms: int) -> bool:
        """Whether its day has passed."""
        return self.expires_ms is not None and self.expires_ms <= now_ms


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cards: those that fit all given. `search`: an ID's beginning, or a part of a batch's name."""

    status: Status | None = None
    batch: str | None = None
    customer_id: int | None = None
    redeemed_by: int | None = None
    id_prefix: str | None = None
    search: str | None = None
    archived: bool = False


COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    card_batches.c.name if name == "batch" else cards.c[name] for name in Card.__slots__
)
_ORDERS: dict[str, ColumnElement[Any]] = {
    "id": cards.c.id,
    "batch": card_batches.c.name,
    "customer": cards.c.customer_id,
    "credit": cards.c.credit_micros,
    "status": cards.c.status,
    "expires": cards.c.expires_ms,
    "created": cards.c.created_ms,
    "redeemed": cards.c.redeemed_ms,
}


async def find_card(connection: AsyncConnection, card_id: str) -> Card | None:
    """The card with this ID, archived or not; None where there is none, or its batch is not ready."""
    row = (await connection.execute(_select().where(cards.c.id == card_id))).one_or_none()
    return Card(*row) if row else None


async def show_card(connection: AsyncConnection, card_id: str) -> Card:
    """The card with this ID. Raises `Refused`: mistyped, or unknown."""
    if not has_check_digit(card_id, ID_DIGITS):
        raise Refused(
            "card.no_id",
            f"`{plain(card_id)}` is no card ID: it has {ID_DIGITS} digits, the last of which checks",
            digits=ID_DIGITS,
        )
    card = await find_card(connection, card_id)
    if card is None:
        raise Unknown("card.unknown", f"card {card_id} does not exist", card=card_id)
    return card


async def list_cards(
    connection: AsyncConnection,
    wanted: Filter,
    *,
    order: Order = "id",
    descending: bool = False,
    limit: int | None = None,
) -> Sequence[Card]:
    """Cards that fit, in order; equal ones by ID. Raises `Refused` for an order that is not known."""
    check_one_of(order, get_args(Order), "order")
    column = _ORDERS[order]
    first = column.desc().nulls_last() if descending else column.asc().nulls_last()
    query = _select().where(*conditions(wanted)).order_by(first, cards.c.id).limit(limit)
    return [Card(*row) for row in await connection.execute(query)]


async def every_card(connection: AsyncConnection, wanted: Filter) -> AsyncIterator[Sequence[Card]]:
    """All cards that fit, by ID, in pages, so that a million of them need no memory."""
    after = ""
    while True:
        query = _select().where(*conditions(wanted), cards.c.id > after).order_by(cards.c.id).limit(PAGE)
        page = [Card(*row) for row in await connection.execute(query)]
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1].id


def conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    """The filter in SQL, on cards joined to their batches."""
    found: list[ColumnElement[bool]] = [card_batches.c.ready_ms.is_not(None)]
    found.append(cards.c.archived_ms.is_not(None) if wanted.archived else cards.c.archived_ms.is_(None))
    for column, value in (
        (cards.c.status, wanted.status),
        (card_batches.c.name, wanted.batch),
        (cards.c.customer_id, wanted.customer_id),
        (cards.c.redeemed_by, wanted.redeemed_by),
    ):
        if value is not None:
            found.append(column == value)
    if wanted.id_prefix is not None:
        found.append(_begins_with(wanted.id_prefix))
    if wanted.search is not None:
        part = card_batches.c.name.icontains(wanted.search, autoescape=True)
        digits = wanted.search.isascii() and wanted.search.isdigit() and len(wanted.search) <= ID_DIGITS
        found.append(or_(_begins_with(wanted.search), part) if digits else part)
    return found


def _begins_with(prefix: str) -> ColumnElement[bool]:
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= ID_DIGITS):
        raise Refused(
            "card.no_id_prefix",
            f"`{plain(prefix)}` is not the beginning of a card ID: write up to {ID_DIGITS} digits",
            digits=ID_DIGITS,
        )
    # A range of digits, which every index serves; LIKE is served only under some collations.
    return cards.c.id.between(prefix.ljust(ID_DIGITS, "0"), prefix.ljust(ID_DIGITS, "9"))


def _select() -> Select[Any]:
    joined = cards.join(card_batches, card_batches.c.id == cards.c.batch_id)
    return select(*COLUMNS).select_from(joined).where(card_batches.c.ready_ms.is_not(None))
