"""Many rates of a card at once, beside calls: written as an edition of the card, and put in place at once.

A transaction that writes some hundred thousand rates keeps SQLite's calls waiting for seconds. So an edition
is written some thousand rates at a time, each part in a transaction of its own, while the rates in effect
stay as they are. The last transaction changes one row: all of it is in effect, or nothing. What a crash
leaves is an edition of which no card knows; an import of the card deletes it hours later.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import select

from ringflow.actor import Actor, Opener
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, DocumentError
from ringflow.ledger.rates.card import Rate, RateCard, get_card
from ringflow.ledger.rates.sheet_import import (
    ROWS_AT_ONCE,
    Progress,
    RateFile,
    import_rates,
    without_rates_of,
)
from ringflow.store.ledger_tables import rate_cards, rates
from ringflow.store.statement import Statement

ABANDONED_MS = 21_600_000
"""An edition that was begun so long ago, and is not in effect, was left by a crash."""

_PUT_IN_PLACE = Statement(
    "UPDATE rate_cards SET edition = :edition, revision = revision + 1 "
    "WHERE id = :card_id AND revision = :revision "
    "AND EXISTS (SELECT 1 FROM rate_cards AS e WHERE e.id = :edition) RETURNING id",
    card_id="bigint",
    revision="bigint",
    edition="bigint",
)
_RATE_COLUMNS = tuple(rates.c[name] for name in Rate.__slots__)

Last = Callable[[Actor, RateFile], Awaitable[object]]
"""What is done in the transaction that puts the rates in place, with those that were added."""
Begun = Callable[[Actor, int], Awaitable[object]]
"""What is done in the transaction that begins an edition, with its number: for whoever discards it."""


@dataclass(frozen=True, slots=True)
class Edition:
    """Rates that are being written. `card`: the card as it was when they were begun."""

    id: int
    card: RateCard


async def _nothing(actor: Actor, what: object) -> None:
    return None


async def import_sheet(
    opener: Opener,
    name: str,
    file: RateFile,
    *,
    replace: bool = False,
    skip_bad: bool = False,
    progress: Progress = lambda rows: None,
    last: Last = _nothing,
    begun: Begun = _nothing,
) -> RateFile:
    """Add a file's rows to a card, or put them in place of all its rows: all of them, or none.

    `last` is called in the transaction from which on they count. Raises as `import_rates`, and `Conflict`
    where somebody changes the card meanwhile.
    """
    async with opener() as actor:
        card = await get_card(actor.connection, name)
        if not replace:
            file = await without_rates_of(actor.connection, card, file)
    if file.problems and not skip_bad:
        raise DocumentError(file.problems)
    if max(len(file.rows), card.rows if replace else 0) <= ROWS_AT_ONCE:
        async with opener() as actor:
            done = await import_rates(actor, card, file, replace=replace, skip_bad=skip_bad)
            await last(actor, done)
        progress(len(done.rows))
        return done
    edition = await begin_edition(opener, card, begun)
    try:
        await write_edition(opener, edition, file, replace=replace, progress=progress)
        async with opener() as actor:
            await put_in_place(actor, edition)
            facts = {"rows": len(file.rows) + (0 if replace else card.rows), "file": Path(file.path).name}
            what = f"rate card {card.name}"
            await note(actor, Verb.IMPORT, what, {"rows": card.rows}, facts | {"replaced": replace})
            await last(actor, file)
    except BaseException:
        # Boundary: whatever ends it, half an edition is of no use to anybody.
        await discard(opener, edition.id)
        raise
    await discard(opener, card.rates_id)
    return file


async def begin_edition(opener: Opener, card: RateCard, begun: Begun = _nothing) -> Edition:
    """Begin an edition of a card, and delete those that crashes left hours ago."""
    async with opener() as actor:
        left = select(rate_cards.c.id).where(
            rate_cards.c.edition_of == card.id,
            rate_cards.c.id != card.rates_id,
            rate_cards.c.revision < actor.now_ms - ABANDONED_MS,
        )
        abandoned = (await actor.connection.execute(left)).scalars().all()
        row = {
            "name": f"{card.name} {secrets.token_hex(8)}",
            "currency": card.currency,
            "decimals": card.decimals,
            "rounding": card.rounding.value,
            "below_cost": card.below_cost.value,
            "is_default": False,
            # Of an edition: when it was begun.
            "revision": actor.now_ms,
            "edition_of": card.id,
        }
        made = rate_cards.insert().values(row).returning(rate_cards.c.id)
        edition = Edition((await actor.connection.execute(made)).scalar_one(), card)
        await begun(actor, edition.id)
    for rates_id in abandoned:
        await discard(opener, rates_id)
    return edition


async def write_edition(
    opener: Opener, edition: Edition, file: RateFile, *, replace: bool, progress: Progress
) -> None:
    """Write a file's rows, and unless they replace the card's, the card's too, a part at a time."""
    if not replace:
        async for part in _parts_of(opener, edition.card.rates_id):
            await _insert(opener, edition, part)
    for start in range(0, len(file.rows), ROWS_AT_ONCE):
        some = [rate for _, rate in file.rows[start : start + ROWS_AT_ONCE]]
        await _insert(opener, edition, some)
        progress(len(some))


async def put_in_place(actor: Actor, edition: Edition) -> None:
    """Have the card go by the edition from now on. Raises `Conflict` where the card was changed meanwhile."""
    card = edition.card
    put = await _PUT_IN_PLACE.run(
        actor.connection, card_id=card.id, revision=card.revision, edition=edition.id
    )
    if not put:
        raise Conflict(
            "rate_card.changed_meanwhile",
            f"rate card `{card.name}` was changed while the rates were written; import them again",
            card=card.name,
        )


async def discard(opener: Opener, rates_id: int) -> None:
    """Delete rates that are in effect for no card, a part at a time, and the row of their edition."""
    some = select(rates.c.id).where(rates.c.card_id == rates_id).limit(ROWS_AT_ONCE)
    while True:
        async with opener() as actor:
            gone = await actor.connection.execute(rates.delete().where(rates.c.id.in_(some)))
            if gone.rowcount == ROWS_AT_ONCE:
                continue
            edition = (rate_cards.c.id == rates_id) & rate_cards.c.edition_of.is_not(None)
            await actor.connection.execute(rate_cards.delete().where(edition))
            return


async def _parts_of(opener: Opener, rates_id: int) -> AsyncIterator[Sequence[Rate]]:
    last_id = 0
    while True:
        async with opener() as actor:
            query = select(rates.c.id, *_RATE_COLUMNS).where(
                rates.c.card_id == rates_id, rates.c.id > last_id
            )
            rows = (await actor.connection.execute(query.order_by(rates.c.id).limit(ROWS_AT_ONCE))).all()
        if not rows:
            return
        last_id = rows[-1][0]
        yield [Rate(*row[1:]) for row in rows]


async def _insert(opener: Opener, edition: Edition, some: Sequence[Rate]) -> None:
    async with opener() as actor:
        await actor.connection.execute(
            rates.insert(), [{"card_id": edition.id, **asdict(rate)} for rate in some]
        )
