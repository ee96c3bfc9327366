"""All that decides on a caller's card and PIN, in one round trip: card, customer, failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, literal_column, select

from ringflow.accounts.cards.card import COLUMNS, Card
from ringflow.accounts.customers import COLUMNS as CUSTOMER_COLUMNS
from ringflow.accounts.customers import Customer
from ringflow.accounts.lockout import Standing, Subject
from ringflow.store import LookUp
from ringflow.store.card_tables import card_batches, card_sources, cards, lockouts
from ringflow.store.tables import customers

ID_SUBJECTS: tuple[Subject, ...] = ("card", "known")
WEB_SUBJECTS: tuple[Subject, ...] = (*ID_SUBJECTS, "address", "web")
PIN_SUBJECTS: tuple[Subject, ...] = ("telephone", "trunk", "system")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known. `seen_ms`: when the card was opened from this source, None if it never was."""

    card: Card | None
    digest: str | None
    pepper: str
    pin_only: bool
    owner: Customer | None
    seen_ms: int | None
    standings: Mapping[Subject, Standing]


@dataclass(frozen=True, slots=True)
class Question:
    """A look-up and the subjects of which it returns what stands against them, in this order."""

    look_up: LookUp
    subjects: tuple[Subject, ...]

    def read(self, row: Sequence[Any]) -> Evidence:
        """What a row says."""
        return _read(row, self.subjects)


def by_id(subjects: tuple[Subject, ...] = ID_SUBJECTS) -> Question:
    """Finds by a card's ID. Parameters: the ID, the source, and the names of the subjects."""
    return _question(cards.c.id == bindparam("card_id", type_=Text), ["card_id"], subjects)


def by_pin(peppers: int) -> Question:
    """Finds by the digests of a PIN under so many peppers, then the source and subjects as in `by_id`."""
    names = [f"digest_{number}" for number in range(peppers)]
    digests = [bindparam(name, type_=Text) for name in names]
    return _question(cards.c.pin_only_digest.in_(digests), names, PIN_SUBJECTS)


def _read(row: Sequence[Any], subjects: Sequence[Subject]) -> Evidence:
    digest, pin_only_digest, pepper, seen_ms = row[:4]
    standings: dict[Subject, Standing] = {}
    for number, kind in enumerate(subjects):
        failed_ms, clear_ms = row[4 + 2 * number : 6 + 2 * number]
        if failed_ms is not None:
            standings[kind] = Standing(failed_ms, clear_ms)
    found = row[4 + 2 * len(subjects) :]
    card = Card(*found[: len(COLUMNS)]) if found[0] is not None else None
    owner = found[len(COLUMNS) :]
    return Evidence(
        card=card,
        digest=digest or pin_only_digest,
        pepper=pepper or "",
        pin_only=pin_only_digest is not None,
        owner=Customer(*owner) if owner[0] is not None else None,
        seen_ms=seen_ms,
        standings=standings,
    )


def _question(
    found_by: ColumnElement[bool], parameters: Sequence[str], subjects: tuple[Subject, ...]
) -> Question:
    # One row even where no card is found, for what stands against the caller.
    row = select(literal_column("1").label("one")).subquery("one")
    ready = select(*cards.c, card_batches.c.name.label("batch")).join(
        card_batches, card_batches.c.id == cards.c.batch_id
    )
    ready = ready.where(found_by, card_batches.c.ready_ms.is_not(None), cards.c.archived_ms.is_(None))
    card = ready.subquery("card")
    source = bindparam("source", type_=Text)
    seen = select(card_sources.c.seen_ms).where(
        card_sources.c.card_id == card.c.id, card_sources.c.source == source
    )
    against = [lockouts.alias(f"against_{kind}") for kind in subjects]
    tables = row.outerjoin(card, literal_column("1") == row.c.one)
    tables = tables.outerjoin(customers, customers.c.id == card.c.redeemed_by)
    for kind, one in zip(subjects, against, strict=True):
        tables = tables.outerjoin(one, one.c.subject == bindparam(kind, type_=Text))
    columns: list[ColumnElement[Any]] = [card.c.pin_digest, card.c.pin_only_digest, card.c.pepper]
    columns += [seen.scalar_subquery()]
    for one in against:
        columns += [one.c.failed_ms, one.c.clear_ms]
    columns += [card.c[name] for name in Card.__slots__]
    query = select(*columns, *CUSTOMER_COLUMNS).select_from(tables)
    return Question(LookUp(query, [*parameters, "source", *subjects]), subjects)
