"""The forms of calling cards and of the batches in which they are made. No PIN is in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from ringflow.accounts.cards.alteration import Altered
from ringflow.accounts.cards.batch import Batch
from ringflow.accounts.cards.card import Card
from ringflow.moments import Second, last_day, second
from ringflow.money import format_amount


@dataclass(frozen=True, slots=True)
class CardForm:
    """A card. `customer` is its template."""

    id: str
    status: str
    customer: int
    credit: str
    currency: str
    batch: str
    expires: str | None
    redeemed_by: int | None
    redeemed_as: str | None
    redeemed_at: Second | None
    created_at: Second | None
    archived_at: Second | None


@dataclass(frozen=True, slots=True)
class BatchForm:
    """A batch of cards. `ready_at` null: it is being made, or its making was killed."""

    name: str
    customer: int
    count: int
    credit: str
    currency: str
    pin_length: int
    pin_only: bool
    top_up: str
    expires: str | None
    operator: str
    created_at: Second | None
    ready_at: Second | None


@dataclass(frozen=True, slots=True)
class AlteredCardsForm:
    """What was done to cards, or in a dry run would be."""

    changed: int
    deleted: int
    archived: int
    passed_over: int
    dry_run: bool


def altered_cards_form(altered: Altered, dry_run: bool) -> AlteredCardsForm:
    """Return what was done, or would be."""
    return AlteredCardsForm(altered.changed, altered.deleted, altered.archived, altered.passed_over, dry_run)


def card_form(card: Card, zone: tzinfo) -> CardForm:
    """Return a card as it is shown to an operator in this time zone, in which its last day is."""
    return CardForm(
        id=card.id,
        status=card.status,
        customer=card.customer_id,
        credit=format_amount(card.credit_micros, card.currency),
        currency=card.currency,
        batch=card.batch,
        expires=last_day(card.expires_ms, zone),
        redeemed_by=card.redeemed_by,
        redeemed_as=card.redeemed_as,
        redeemed_at=second(card.redeemed_ms),
        created_at=second(card.created_ms),
        archived_at=second(card.archived_ms),
    )


def batch_form(batch: Batch, zone: tzinfo) -> BatchForm:
    """Return a batch as it is shown to an operator in this time zone, in which its last day is."""
    return BatchForm(
        name=batch.name,
        customer=batch.customer_id,
        count=batch.count,
        credit=format_amount(batch.credit_micros, batch.currency),
        currency=batch.currency,
        pin_length=batch.pin_length,
        pin_only=bool(batch.pin_only),
        top_up=batch.top_up,
        expires=last_day(batch.expires_ms, zone),
        operator=batch.operator,
        created_at=second(batch.created_ms),
        ready_at=second(batch.ready_ms),
    )
