"""Makes cards in bulk: all of a batch, or none that could be used.

Cards are written some thousands at a time, each time in a transaction of its own, so that calls in progress
can write in between. Until the last one is made the batch is not ready, and none of its cards is seen, opens
or can be redeemed. PINs go to the caller's `deliver` before their transaction commits, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import get_args

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.cards.batch import MAX_COUNT, Batch, TopUp, find_batch, show_batch
from ringflow.accounts.cards.draw import Drawn, draw_cards
from ringflow.accounts.cards.pin import (
    MAX_PIN_DIGITS,
    MIN_PIN_DIGITS,
    MIN_PIN_ONLY_DIGITS,
    PIN_ONLY_DENSITY,
    pin_count,
)
from ringflow.accounts.fields import check_one_of, check_range, check_text
from ringflow.accounts.peppers import Peppers
from ringflow.actor import Actor, Opener
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused
from ringflow.money import MAX_AMOUNT_MICROS, Money, check_currency
from ringflow.plain_text import plain
from ringflow.store.card_tables import card_batches, cards
from ringflow.store.statement import Statement

CHUNK = 5_000
SEGMENT = 250_000

Secret = tuple[str, str]
"""A card's ID and its PIN."""
Deliver = Callable[[Sequence[Secret]], None]
Progress = Callable[[int], None]

# A number drawn a second time, of a card or of a PIN that opens alone, is left out and drawn again.
_INSERT = Statement(
    "INSERT INTO cards (id, batch_id, customer_id, credit_micros, currency, status, pin_digest, "
    "pin_only_digest, pepper, "
    "expires_ms, created_ms) SELECT v.id, b.id, b.customer_id, b.credit_micros, b.currency, b.status, "
    "CASE WHEN NOT b.pin_only THEN v.digest END, CASE WHEN b.pin_only THEN v.digest END, :pepper, "
    "b.expires_ms, b.created_ms FROM {rows} "
    "JOIN card_batches AS b ON b.id = :batch_id WHERE true "
    "ON CONFLICT DO NOTHING RETURNING id",
    rows={"id": "text", "digest": "text"},
    pepper="text",
    batch_id="bigint",
)
_TAKEN = Statement(
    "SELECT v.id FROM {rows} JOIN cards AS c ON c.pin_only_digest = v.digest",
    rows={"id": "text", "digest": "text"},
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What cards to make. `credit_micros`: of each; `pin_only`: the PIN alone opens it, without the ID."""

    name: str
    customer_id: int
    credit_micros: int = 0
    count: int = 1
    status: str = "available"
    pin_length: int = 6
    pin_only: bool = False
    top_up: TopUp = "same"
    expires_ms: int | None = None


async def generate(
    opener: Opener,
    plan: Plan,
    peppers: Peppers,
    deliver: Deliver,
    progress: Progress = lambda made: None,
) -> Batch:
    """Make a batch, which stays closed until `open_batch`.

    `deliver` is handed every ID with its PIN, once; what it raises ends the making. `progress` is told how
    many are made. Raises `Refused`: a field is wrong, the name is taken, the batch was discarded meanwhile.
    Whatever it raises, the cards made so far are gone; after a crash `discard_batch` takes them away.
    """
    async with opener() as actor:
        batch = await _create(actor, plan)
    try:
        await _make(opener, batch, peppers, deliver, progress)
    except BaseException:
        await discard(opener, batch)
        raise
    return batch


async def open_batch(actor: Actor, batch: Batch) -> Batch:
    """Make a batch's cards good. Raises `Refused` when it was discarded meanwhile."""
    made = select(func.count()).where(cards.c.batch_id == batch.id).scalar_subquery()
    ready = update(card_batches).where(_unfinished(batch), card_batches.c.count == made)
    if not (await actor.connection.execute(ready.values(ready_ms=actor.now_ms))).rowcount:
        raise _gone()
    opened = await show_batch(actor.connection, batch.name)
    await note(actor, Verb.GENERATE, f"card batch {batch.name}", None, asdict(opened))
    return opened


async def discard_batch(opener: Opener, name: str) -> int:
    """Take away a batch that was never finished, and whoever is still making it is refused; gives its cards.

    The audit log has it. Raises `Refused` for a batch that is ready, and where there is none.
    """
    async with opener() as actor:
        batch = await show_batch(actor.connection, name)
    if batch.ready_ms is not None:
        raise Conflict(
            "card_batch.finished", f"batch `{plain(name)}` is finished; delete its cards instead", batch=name
        )
    async with opener() as actor:
        if not await _set_aside(actor.connection, batch):
            return 0
        await note(actor, Verb.DISCARD, f"card batch {name}", asdict(batch), None)
    return await _remove(opener, batch)


async def discard(opener: Opener, batch: Batch) -> int:
    """Take away what was made of an unfinished batch; one that is ready is left alone. Gives how many."""
    async with opener() as actor:
        if not await _set_aside(actor.connection, batch):
            return 0
    return await _remove(opener, batch)


async def _set_aside(connection: AsyncConnection, batch: Batch) -> bool:
    """Give it another name: nobody adds to it or opens it any more, and its own name is free."""
    aside = update(card_batches).where(_unfinished(batch))
    name = f"{batch.name} discarded {batch.id}"
    return bool((await connection.execute(aside.values(name=name))).rowcount)


async def _remove(opener: Opener, batch: Batch) -> int:
    gone, removed = 0, CHUNK
    some = select(cards.c.id).where(cards.c.batch_id == batch.id).limit(CHUNK)
    while removed == CHUNK:
        async with opener() as actor:
            removed = (await actor.connection.execute(delete(cards).where(cards.c.id.in_(some)))).rowcount
        gone += removed
    async with opener() as actor:
        await actor.connection.execute(delete(card_batches).where(card_batches.c.id == batch.id))
    return gone


def _unfinished(batch: Batch) -> ColumnElement[bool]:
    return and_(
        card_batches.c.id == batch.id,
        card_batches.c.name == batch.name,
        card_batches.c.ready_ms.is_(None),
    )


async def check_plan(actor: Actor, plan: Plan) -> str:
    """Return the currency of a plan's cards. Raises `Refused` where they cannot be made."""
    connection = actor.connection
    customer = await customers.show(connection, plan.customer_id)
    check_currency(customer.currency)
    _check(plan, customer.currency, actor.now_ms)
    there = await find_batch(connection, plan.name)
    if there is not None:
        if there.ready_ms is not None:
            raise Conflict(
                "card_batch.taken",
                f"batch `{plan.name}` exists already; choose another name",
                batch=plan.name,
            )
        raise Conflict(
            "card_batch.being_made",
            f"batch `{plan.name}` is being made now, or its making was killed; in that case discard it",
            batch=plan.name,
        )
    await _check_density(connection, plan)
    return customer.currency


async def _create(actor: Actor, plan: Plan) -> Batch:
    connection = actor.connection
    row = {
        "currency": await check_plan(actor, plan),
        **asdict(plan),
        "operator": actor.principal.name,
        "created_ms": actor.now_ms,
    }
    await connection.execute(card_batches.insert().values(row))
    return await show_batch(connection, plan.name)


async def _make(opener: Opener, batch: Batch, peppers: Peppers, deliver: Deliver, progress: Progress) -> None:
    made = 0
    while made < batch.count:
        wanted = min(SEGMENT, batch.count - made)
        drawn = await asyncio.to_thread(draw_cards, wanted, batch.pin_length, batch.pin_only, peppers)
        for start in range(0, len(drawn.ids), CHUNK):
            async with opener() as actor:
                secrets = await _write(actor.connection, batch, peppers, drawn.part(start, start + CHUNK))
                deliver(secrets)
            made += len(secrets)
            progress(made)


async def _write(connection: AsyncConnection, batch: Batch, peppers: Peppers, drawn: Drawn) -> list[Secret]:
    """Write new cards of the batch; those of which a number is given already are left out."""
    # Locked, so that no discard comes between this and the commit.
    there = select(card_batches.c.id).where(_unfinished(batch)).with_for_update(key_share=True)
    if (await connection.execute(there)).scalar() is None:
        raise _gone()
    older = [
        {"id": card_id, "digest": digest}
        for card_id, digests in zip(drawn.ids, drawn.older, strict=False)
        for digest in digests
    ]
    # The same PIN has another digest under an older pepper, which the index does not find.
    taken = {card_id for (card_id,) in await _TAKEN.run(connection, older)} if older else set()
    rows = [
        {"id": card_id, "digest": digest}
        for card_id, digest in zip(drawn.ids, drawn.digests, strict=True)
        if card_id not in taken
    ]
    made = await _INSERT.run(connection, rows, pepper=peppers.newest.version, batch_id=batch.id)
    ids = {card_id for (card_id,) in made}
    return [secret for secret in zip(drawn.ids, drawn.pins, strict=True) if secret[0] in ids]


def _check(plan: Plan, currency: str, now_ms: int) -> None:
    if not check_text(plan.name, "batch").strip():
        raise Refused("field.empty", "a batch needs a name", field="name")
    if not 0 <= plan.credit_micros <= MAX_AMOUNT_MICROS:
        raise Refused(
            "amount.out_of_range",
            f"credit: from 0 to {Money(MAX_AMOUNT_MICROS, currency)}",
            low="0",
            high=str(Money(MAX_AMOUNT_MICROS, currency)),
        )
    check_range(plan.count, 1, MAX_COUNT, "count")
    check_one_of(plan.status, ("available", "disabled"), "status")
    check_one_of(plan.top_up, get_args(TopUp), "top-up")
    lowest = MIN_PIN_ONLY_DIGITS if plan.pin_only else MIN_PIN_DIGITS
    check_range(plan.pin_length, lowest, MAX_PIN_DIGITS, "PIN length")
    if plan.expires_ms is not None and plan.expires_ms <= now_ms:
        raise Refused("card.expires_in_the_past", "the cards would have expired already; choose a later day")


async def _check_density(connection: AsyncConnection, plan: Plan) -> None:
    if not plan.pin_only:
        return
    same_length = (card_batches.c.pin_only, card_batches.c.pin_length == plan.pin_length)
    query = select(func.coalesce(func.sum(card_batches.c.count), 0)).where(*same_length)
    there = int((await connection.execute(query)).scalar_one())
    room = pin_count(plan.pin_length) // PIN_ONLY_DENSITY
    if there + plan.count > room:
        raise Conflict(
            "card.pins_too_dense",
            f"of PINs of {plan.pin_length} digits that open a card alone at most {room} may be given, and "
            f"{there} are; choose a longer PIN, or cards that need their ID too",
            pin_length=plan.pin_length,
            most=room,
            there=there,
        )


def _gone() -> Refused:
    return Conflict(
        "card_batch.discarded", "the batch was discarded while its cards were made; none of them is good"
    )
