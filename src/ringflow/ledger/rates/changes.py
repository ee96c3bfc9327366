"""Single rates of a card: set and deleted one by one; and the deletion of a whole card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.ledger.rates.card import Rate, RateCard, assignments, get_card, lock_card
from ringflow.moments import iso_utc
from ringflow.store.ledger_tables import rate_cards, rates

NEW = {
    "price_micros": 0,
    "connection_micros": 0,
    "minimum_s": 1,
    "increment_s": 1,
    "grace_s": 0,
    "until_ms": None,
    "destination": "",
    "blocked": False,
}


async def set_rate(
    actor: Actor, card: RateCard, prefix: str, changes: Mapping[str, object], from_ms: int | None = None
) -> Sequence[Rate]:
    """Change the rate of a prefix, or make it; return the prefix's rates as they are then.

    `from_ms` says which of several, or when a new one begins: one without an end that began before then ends
    there. Raises `Refused`: a new rate without a price; several rates and no `from_ms`; two at one time.
    """
    card = await lock_card(actor, card)
    known = await rates_of(actor.connection, card, prefix)
    old = _chosen(known, prefix, from_ms)
    if old is None and not changes.keys() & {"price_micros", "blocked"}:
        raise Unknown(
            "rate.needs_price",
            f"prefix {prefix} has no such rate on card `{card.name}`; a new one needs a price",
            prefix=prefix,
            card=card.name,
        )
    others = [one for one in known if one is not old]
    if old is not None:
        new = replace(old, **changes)  # type: ignore[arg-type]
        await _remove(actor.connection, card, [old])
    else:
        begin = from_ms or 0
        new = Rate(prefix=prefix, from_ms=begin, **{**NEW, **changes})  # type: ignore[arg-type]
        before = next((one for one in others if one.until_ms is None and one.from_ms < begin), None)
        if before is not None:
            await _remove(actor.connection, card, [before])
            await _add(actor.connection, card, replace(before, until_ms=begin))
            others = [one for one in others if one is not before]
    _check(new, others)
    await _add(actor.connection, card, new)
    facts = None if old is None else asdict(old)
    await note(actor, Verb.SET, f"rate {prefix} of card {card.name}", facts, asdict(new))
    return await rates_of(actor.connection, card, prefix)


async def delete_rate(actor: Actor, card: RateCard, prefix: str, from_ms: int | None = None) -> Rate:
    """Take the rate of a prefix off the card. Raises `Refused`: none, or several and no `from_ms`."""
    card = await lock_card(actor, card)
    old = _chosen(await rates_of(actor.connection, card, prefix), prefix, from_ms)
    if old is None:
        raise Unknown(
            "rate.unknown",
            f"prefix {prefix} has no such rate on card `{card.name}`",
            prefix=prefix,
            card=card.name,
        )
    await _remove(actor.connection, card, [old])
    await note(actor, Verb.DELETE, f"rate {prefix} of card {card.name}", asdict(old), None)
    return old


async def delete_card(actor: Actor, name: str) -> RateCard:
    """Delete a card and its rates. Raises `Refused` for one that somebody goes by."""
    card = await get_card(actor.connection, name)
    subjects = await assignments(actor.connection, card)
    if subjects:
        shown = ", ".join(one.replace(":", " ", 1) for one in subjects[:5]) + (" ..." if subjects[5:] else "")
        raise Conflict(
            "rate_card.assigned",
            f"rate card `{name}` is gone by: {shown}; assign another one to each, or take this one away",
            card=name,
            names=shown,
        )
    mine = (rate_cards.c.id == card.id) | (rate_cards.c.edition_of == card.id)
    ids = select(rate_cards.c.id).where(mine)
    await actor.connection.execute(delete(rates).where(rates.c.card_id.in_(ids)))
    await actor.connection.execute(delete(rate_cards).where(mine))
    facts = {"name": name, "currency": card.currency, "rows": card.rows, "default": card.is_default}
    await note(actor, Verb.DELETE, f"rate card {name}", facts, None)
    return card


async def rates_of(connection: AsyncConnection, card: RateCard, prefix: str) -> list[Rate]:
    """The rates of exactly this prefix, the earliest first."""
    columns = [rates.c[name] for name in Rate.__slots__]
    query = select(*columns).where(rates.c.card_id == card.rates_id, rates.c.prefix == prefix)
    return [Rate(*tuple(row)) for row in await connection.execute(query.order_by(rates.c.from_ms))]


def _chosen(known: Sequence[Rate], prefix: str, from_ms: int | None) -> Rate | None:
    if from_ms is not None:
        return next((one for one in known if one.from_ms == from_ms), None)
    if len(known) > 1:
        begins = ", ".join(iso_utc(one.from_ms, "auto") if one.from_ms else "1970-01-01" for one in known)
        raise Refused(
            "rate.several",
            f"prefix {prefix} has {len(known)} rates: say by its begin which, one of {begins}",
            prefix=prefix,
            begins=begins,
        )
    return known[0] if known else None


def _check(new: Rate, others: Sequence[Rate]) -> None:
    if new.until_ms is not None and new.until_ms <= new.from_ms:
        raise Refused("rate.ends_before_it_begins", "the rate's end is not after its begin")
    for one in others:
        begins_before = one.until_ms is None or new.from_ms < one.until_ms
        if begins_before and (new.until_ms is None or one.from_ms < new.until_ms):
            since = iso_utc(one.from_ms, "auto") if one.from_ms else "ever"
            raise Conflict(
                "rate.overlaps",
                f"prefix {new.prefix} has a rate at the same time, since {since}; "
                "end one before the other begins",
                prefix=new.prefix,
                since=since,
            )


async def _add(connection: AsyncConnection, card: RateCard, rate: Rate) -> None:
    await connection.execute(rates.insert().values(card_id=card.rates_id, **asdict(rate)))


async def _remove(connection: AsyncConnection, card: RateCard, gone: Sequence[Rate]) -> None:
    for one in gone:
        which = (
            rates.c.card_id == card.rates_id,
            rates.c.prefix == one.prefix,
            rates.c.from_ms == one.from_ms,
        )
        await connection.execute(delete(rates).where(*which))
