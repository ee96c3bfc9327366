"""What operators do to cards that are there: change, disable, enable, delete; single ones, or many at once.

Credit and template stay once a card is redeemed: its money has moved. A card named by its ID is refused then;
of others the redeemed ones are passed over. A card with a history is never deleted but archived: it opens
nothing, its PIN is forgotten, and it is listed only where the archive is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.bulk_actions import Action
from ringflow.accounts.cards.batch import show_batch
from ringflow.accounts.cards.card import Card, Filter, fitting, show_card
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused
from ringflow.money import MAX_AMOUNT_MICROS, Money
from ringflow.store.card_tables import card_batches, card_sources, cards

MAX_IDS = 1_000
MAX_NOTED_VALUES = 20
"""How many different values of a field the audit log has for a batch: a batch has one, unless edited."""


class CardChanges(TypedDict, total=False):
    """What `alter` may change. The new template has the currency of the old one; no expiry is None."""

    customer_id: int
    credit_micros: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cards an operator means: these, a whole batch, or those that fit a filter.

    `expected`: how many they are to be; where there are more or fewer nothing is done.
    """

    ids: tuple[str, ...] = ()
    batch: str | None = None
    wanted: Filter | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Altered:
    """How many cards were changed, deleted or archived, and how many were passed over."""

    changed: int = 0
    deleted: int = 0
    archived: int = 0
    passed_over: int = 0


async def preview(actor: Actor, selection: Selection, action: Action, changes: CardChanges) -> Altered:
    """Return what an action would do, without doing it. Raises `Refused` as the action would."""
    chosen = await _choose(actor, selection)
    if action is Action.CHANGE:
        await _check(actor, chosen, changes)
    only = _concerned(action, changes)
    total, fit = await _count(actor, chosen, []), await _count(actor, chosen, only)
    if action is Action.DELETE:
        return Altered(deleted=fit, archived=total - fit)
    return Altered(changed=fit, passed_over=total - fit)


async def act(actor: Actor, selection: Selection, action: Action, changes: CardChanges) -> Altered:
    """Do something to cards. Raises `Refused`: unknown, archived, and as `alter` does."""
    match action:
        case Action.CHANGE:
            return await alter(actor, selection, changes)
        case Action.DISABLE:
            return await disable(actor, selection)
        case Action.ENABLE:
            return await enable(actor, selection)
        case Action.DELETE:
            return await remove(actor, selection)


async def credit_currency(actor: Actor, selection: Selection, template: int | None) -> str:
    """Return the currency in which a new credit of cards is: that of their new template, or else their own.

    Raises `Refused`: unknown, archived, none, or of several currencies.
    """
    if template is not None:
        return (await customers.show(actor.connection, template)).currency
    found = (await _choose(actor, selection)).currencies
    if len(found) > 1:
        raise Conflict(
            "card.several_currencies",
            f"the cards are in {', '.join(sorted(found))}; change those of one currency at a time",
            currencies=sorted(found),
        )
    if not found:
        raise Refused("card.none_selected", "no card fits, so there is nothing to change")
    return next(iter(found))


async def alter(actor: Actor, selection: Selection, changes: CardChanges) -> Altered:
    """Change cards. Raises `Refused`: unknown, archived, redeemed, a field is wrong, another currency."""
    chosen = await _choose(actor, selection)
    await _check(actor, chosen, changes)
    return await _update(actor, chosen, Verb.CHANGE, _concerned(Action.CHANGE, changes), dict(changes))


async def disable(actor: Actor, selection: Selection) -> Altered:
    """Have cards open nothing until they are enabled again. Raises `Refused`: unknown, archived."""
    chosen = await _choose(actor, selection)
    only = _concerned(Action.DISABLE, {})
    return await _update(actor, chosen, Verb.DISABLE, only, {"status": "disabled"})


async def enable(actor: Actor, selection: Selection) -> Altered:
    """Have disabled cards be what they were: available, or used. Raises `Refused`: unknown, archived."""
    chosen = await _choose(actor, selection)
    status = case((cards.c.redeemed_by.is_(None), "available"), else_="used")
    return await _update(actor, chosen, Verb.ENABLE, _concerned(Action.ENABLE, {}), {"status": status})


async def remove(actor: Actor, selection: Selection) -> Altered:
    """Delete cards that were never redeemed, and archive the others. Raises `Refused`: unknown, archived."""
    chosen = await _choose(actor, selection)
    connection, redeemed = actor.connection, cards.c.redeemed_by.is_not(None)
    kept = (
        update(cards)
        .where(chosen.where, redeemed)
        .values(archived_ms=actor.now_ms, pin_digest=None, pin_only_digest=None)
    )
    archived = (await connection.execute(kept)).rowcount
    gone = select(cards.c.id).where(
        chosen.where, or_(cards.c.redeemed_by.is_(None), cards.c.archived_ms == actor.now_ms)
    )
    await connection.execute(delete(card_sources).where(card_sources.c.card_id.in_(gone)))
    # Redeemed in this very moment: the history that it now has is kept.
    never_used = delete(cards).where(chosen.where, cards.c.redeemed_by.is_(None))
    deleted = (await connection.execute(never_used)).rowcount
    empty = ~select(cards.c.id).where(cards.c.batch_id == card_batches.c.id).exists()
    await connection.execute(delete(card_batches).where(card_batches.c.id.in_(chosen.batch_ids), empty))
    if chosen.subject is not None:
        figures = {"deleted": deleted, "archived": archived}
        facts = {**chosen.facts, "cards": deleted + archived}
        await note(actor, Verb.DELETE, chosen.subject, facts, figures)
    for card in chosen.cards:
        after = asdict(await show_card(connection, card.id)) if card.redeemed_by is not None else None
        await note(actor, Verb.DELETE, f"card {card.id}", asdict(card), after)
    return Altered(deleted=deleted, archived=archived)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """`cards` are those named by ID, locked until the commit; `where` finds all that are meant.

    `subject` is what the audit log calls those that are not named, and `facts` tells which they are.
    """

    where: ColumnElement[bool]
    currencies: frozenset[str]
    batch_ids: frozenset[int]
    cards: Sequence[Card] = ()
    subject: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


async def _choose(actor: Actor, selection: Selection) -> _Chosen:
    ways = (bool(selection.ids), selection.batch is not None, selection.wanted is not None)
    if sum(ways) != 1:
        raise Refused("card.none_selected", "name cards by their IDs, or a batch")
    chosen = await _chosen(actor, selection)
    if selection.expected is not None:
        found = await _count(actor, chosen, [])
        if found != selection.expected:
            raise Conflict(
                "card.count_differs",
                f"{found} cards are meant, not {selection.expected}: look again, and nothing was done",
                found=found,
                expected=selection.expected,
            )
    return chosen


async def _chosen(actor: Actor, selection: Selection) -> _Chosen:
    if len(selection.ids) > MAX_IDS:
        raise Refused(
            "card.too_many_selected",
            f"at most {MAX_IDS} cards can be named at once; a batch may have any number",
            most=MAX_IDS,
        )
    there = cards.c.archived_ms.is_(None)
    if selection.batch is not None:
        batch = await show_batch(actor.connection, selection.batch)
        if batch.ready_ms is None:
            raise Conflict("card_batch.unfinished", f"batch `{batch.name}` is not finished", batch=batch.name)
        where = (cards.c.batch_id == batch.id) & there
        return _Chosen(
            where, frozenset({batch.currency}), frozenset({batch.id}), subject=f"card batch {batch.name}"
        )
    if selection.wanted is not None:
        return await _fitting(actor, selection.wanted)
    where = cards.c.id.in_(selection.ids) & there
    # Locked in one order, so that no two operators wait for each other; a redemption waits, or was before.
    locked = select(cards.c.batch_id).where(where).order_by(cards.c.id).with_for_update()
    batch_ids = frozenset((await actor.connection.execute(locked)).scalars())
    found = [await show_card(actor.connection, card_id) for card_id in dict.fromkeys(selection.ids)]
    for card in found:
        if card.archived_ms is not None:
            raise Conflict("card.archived", f"card {card.id} is archived, and stays as it is", card=card.id)
    return _Chosen(where, frozenset(card.currency for card in found), batch_ids, found)


async def _fitting(actor: Actor, wanted: Filter) -> _Chosen:
    if wanted.archived:
        raise Refused("card.archived_selected", "cards in the archive stay as they are")
    where = and_(*fitting(wanted))
    found = select(cards.c.currency, cards.c.batch_id).where(where).distinct()
    rows = (await actor.connection.execute(found)).all()
    shown = {"customer_id": "customer", "id_prefix": "id"}
    given = {shown.get(name, name): value for name, value in asdict(wanted).items()}
    facts = {name: value for name, value in given.items() if value not in (None, False)}
    return _Chosen(
        where,
        frozenset(currency for currency, _ in rows),
        frozenset(batch_id for _, batch_id in rows),
        subject="cards",
        facts={"selected": facts},
    )


def _concerned(action: Action, changes: CardChanges) -> list[ColumnElement[bool]]:
    """Return which of the cards that are meant an action changes; of those it deletes, which are not kept."""
    match action:
        case Action.CHANGE:
            settled = "credit_micros" in changes or "customer_id" in changes
            return [cards.c.redeemed_by.is_(None)] if settled else []
        case Action.DISABLE:
            return [cards.c.status != "disabled"]
        case Action.ENABLE:
            return [cards.c.status == "disabled"]
        case Action.DELETE:
            return [cards.c.redeemed_by.is_(None)]


async def _count(actor: Actor, chosen: _Chosen, only: Sequence[ColumnElement[bool]]) -> int:
    query = select(func.count()).select_from(cards).where(chosen.where, *only)
    return int((await actor.connection.execute(query)).scalar_one())


async def _check(actor: Actor, chosen: _Chosen, changes: CardChanges) -> None:
    if not changes:
        raise Refused("card.nothing_to_change", "nothing is to be changed; name a field, such as the credit")
    if _concerned(Action.CHANGE, changes):
        for card in chosen.cards:
            if card.redeemed_by is not None:
                raise Conflict(
                    "card.redeemed",
                    f"card {card.id} is redeemed: only its expiry can be changed",
                    card=card.id,
                )
    credit = changes.get("credit_micros", 0)
    for currency in chosen.currencies:
        if not 0 <= credit <= MAX_AMOUNT_MICROS:
            raise Refused(
                "amount.out_of_range",
                f"credit: from 0 to {Money(MAX_AMOUNT_MICROS, currency)}",
                low="0",
                high=str(Money(MAX_AMOUNT_MICROS, currency)),
            )
    if "customer_id" in changes:
        customer = await customers.show(actor.connection, changes["customer_id"])
        if chosen.currencies != {customer.currency}:
            others = ", ".join(sorted(chosen.currencies - {customer.currency}))
            raise Conflict(
                "currency.differs",
                f"customer {customer.id} has {customer.currency}, and cards are in {others}",
                currency=customer.currency,
                other=others,
            )


async def _update(
    actor: Actor, chosen: _Chosen, verb: Verb, only: Sequence[ColumnElement[bool]], values: dict[str, Any]
) -> Altered:
    connection = actor.connection
    total = await _count(actor, chosen, [])
    before = await _standing(connection, chosen, only, values) if chosen.subject is not None else {}
    changed = (await connection.execute(update(cards).where(chosen.where, *only).values(values))).rowcount
    if chosen.subject is not None:
        plain = {name: value for name, value in values.items() if not isinstance(value, ColumnElement)}
        facts = {**chosen.facts, **before, "cards": total}
        await note(actor, verb, chosen.subject, facts, {**plain, "cards": changed})
    for card in chosen.cards:
        after = await show_card(connection, card.id)
        if after != card:
            await note(actor, verb, f"card {card.id}", asdict(card), asdict(after))
    return Altered(changed=changed, passed_over=total - changed)


async def _standing(
    connection: AsyncConnection, chosen: _Chosen, only: Sequence[ColumnElement[bool]], names: Iterable[str]
) -> dict[str, object]:
    """What the fields of the cards are before they are changed: one value, or a list of the first few."""
    found: dict[str, object] = {}
    for name in names:
        query = select(cards.c[name]).where(chosen.where, *only).distinct().limit(MAX_NOTED_VALUES)
        values = list((await connection.execute(query)).scalars())
        found[name] = values[0] if len(values) == 1 else values
    return found
