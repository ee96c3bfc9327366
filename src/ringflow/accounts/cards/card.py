"""Cards as they stand: found by ID, listed, searched, sorted and filtered. No PIN is known here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Select, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.check_digit import has_check_digit
from ringflow.errors import Refused, Unknown
from ringflow.plain_text import plain
from ringflow.store.card_tables import NEVER_MS, card_batches, cards
from ringflow.store.conditions import contains, equal
from ringflow.store.page_filters import Between, Filters, PartialIndex
from ringflow.store.pages import Listing, Page, PageRequest

ID_DIGITS = 12

Status: TypeAlias = Literal["available", "used", "disabled"]
RedeemedAs: TypeAlias = Literal["account", "top_up"]


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
CARDS = Listing(
    "cards",
    {
        "id": (cards.c.id,),
        "created": (cards.c.batch_id, cards.c.id),
        "customer": (cards.c.customer_id, cards.c.id),
        "status": (cards.c.status, cards.c.id),
        "expires": (func.coalesce(cards.c.expires_ms, literal_column(str(NEVER_MS), BigInteger)), cards.c.id),
        "redeemed": (func.coalesce(cards.c.redeemed_ms, literal_column("0", BigInteger)), cards.c.id),
    },
    first="id",
)
"""Cards are created batch by batch. Those that are good for ever expire last. Those that nobody redeemed
stand before those that somebody did."""


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


async def card_page(connection: AsyncConnection, wanted: Filter, asked: PageRequest) -> Page[Card]:
    """Read a page of cards."""
    return await CARDS.page(connection, _listed(), asked, lambda row: Card(*row), _filters(wanted))


def every_card(connection: AsyncConnection, wanted: Filter) -> AsyncIterator[Sequence[Card]]:
    """Read all cards that fit, by ID, in pages, so that a million of them need no memory."""
    return CARDS.all_pages(connection, _listed(), lambda row: Card(*row), filters=_filters(wanted))


def fitting(wanted: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions of the cards that fit; those of a batch that is not ready do not."""
    return _filters(wanted).conditions()


def _own(wanted: Filter) -> list[tuple[ColumnElement[Any], object]]:
    batch = None
    if wanted.batch is not None:
        batch = select(card_batches.c.id).where(card_batches.c.name == wanted.batch).scalar_subquery()
    return [
        (cards.c.redeemed_by, wanted.redeemed_by),
        (cards.c.batch_id, batch),
        (cards.c.customer_id, wanted.customer_id),
        (cards.c.status, wanted.status),
    ]


def _tried(wanted: Filter) -> list[ColumnElement[bool]]:
    batches = select(card_batches.c.id)
    conditions: list[ColumnElement[bool]] = [
        cards.c.batch_id.not_in(batches.where(card_batches.c.ready_ms.is_(None))),
        cards.c.archived_ms.is_not(None) if wanted.archived else cards.c.archived_ms.is_(None),
    ]
    if wanted.search is not None:
        named = cards.c.batch_id.in_(batches.where(contains(card_batches.c.name, wanted.search)))
        digits = wanted.search.isascii() and wanted.search.isdigit() and len(wanted.search) <= ID_DIGITS
        conditions.append(or_(cards.c.id.between(*_ids(wanted.search)), named) if digits else named)
    return conditions


def _filters(wanted: Filter) -> Filters:
    # A card's own state beside its filter by customer or batch leaves few rows less.
    own = _own(wanted)
    partial = []
    if wanted.archived and not equal(own):
        partial.append(PartialIndex(cards.c.archived_ms.is_not(None), (cards.c.id,)))
    between = None
    if wanted.id_prefix is not None:
        between = Between(cards.c.id, *_ids(wanted.id_prefix))
    return Filters(own, _tried(wanted), partial=partial, between=between)


def _listed() -> Select[Any]:
    """All cards, each found without its batch: joined to it, they would be read batch by batch."""
    name = select(card_batches.c.name).where(card_batches.c.id == cards.c.batch_id).scalar_subquery()
    columns = [name if one == "batch" else cards.c[one] for one in Card.__slots__]
    return select(*columns)


def _ids(prefix: str) -> tuple[str, str]:
    """Return the first and the last ID that may begin so. Raises `Refused`."""
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= ID_DIGITS):
        raise Refused(
            "card.no_id_prefix",
            f"`{plain(prefix)}` is not the beginning of a card ID: write up to {ID_DIGITS} digits",
            digits=ID_DIGITS,
        )
    # A range of digits, which every index serves; LIKE is served only under some collations.
    return prefix.ljust(ID_DIGITS, "0"), prefix.ljust(ID_DIGITS, "9")


def _select() -> Select[Any]:
    joined = cards.join(card_batches, card_batches.c.id == cards.c.batch_id)
    return select(*COLUMNS).select_from(joined).where(card_batches.c.ready_ms.is_not(None))
