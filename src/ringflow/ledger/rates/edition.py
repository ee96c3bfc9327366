"""Many rates of a card at once, beside calls: written as an edition of the card, and put in place at once.

A transaction that writes some hundred thousand rates keeps SQLite's calls waiting for seconds. So an edition
is written some thousand rates at a time, each part in a transaction of its own, while the rates in effect
stay as they are. The last transaction changes one row: all of it is in effect, or nothing. What a crash
leaves is an edition of which no card knows; an import of the card deletes it hours later.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, bindparam, select

from ringflow.actor import Actor, Opener
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, DocumentError
from ringflow.ledger.rates.card import Rate, RateCard, get_card
from ringflow.ledger.rates.sheet_import import (
    Progress,
    RateFile,
    import_rates,
    without_rates_of,
)
from ringflow.store import Store
from ringflow.store.ledger_tables import rate_cards, rates
from ringflow.store.statement import Statement

ROWS_AT_ONCE = 500
"""How many rates one transaction writes: calls wait some 5 ms for it on SQLite."""
SHORTEST_PAUSE_S = 0.003
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
_NAMES = ", ".join(Rate.__slots__)
_LAST_OF_PART = Statement(
    "SELECT MAX(id) FROM (SELECT id FROM rates WHERE card_id = :from_id AND id > :after "
    "ORDER BY id LIMIT :most) AS part",
    from_id="bigint",
    after="bigint",
    most="bigint",
)
_COPY = Statement(
    f"INSERT INTO rates (card_id, {_NAMES}) SELECT :to_id, {_NAMES} FROM rates "  # noqa: S608 -- our own names
    "WHERE card_id = :from_id AND id > :after AND id <= :last_id",
    to_id="bigint",
    from_id="bigint",
    after="bigint",
    last_id="bigint",
)

_VALUES = attrgetter(*Rate.__slots__)


def _insert(dialect: Dialect) -> str:
    """Return the statement that adds a rate: the card's number, then the values of `Rate` in their order."""
    values: dict[str, Any] = {name: bindparam(name) for name in ("card_id", *Rate.__slots__)}
    compiled = rates.insert().values(values).compile(dialect=dialect)
    assert compiled.positiontup is not None
    order = ", ".join(compiled.positiontup)
    assert order == f"card_id, {_NAMES}", order
    return str(compiled)


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
    store: Store,
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
    # Not in a transaction that writes: to compare some hundred thousand rows takes seconds.
    async with store.reading() as connection:
        card = await get_card(connection, name)
        if not replace:
            file = await without_rates_of(connection, card, file)
    if file.problems and not skip_bad:
        raise DocumentError(file.problems)
    if max(len(file.rows), card.rows if replace else 0) <= ROWS_AT_ONCE:
        async with opener() as actor:
            done = await import_rates(actor, card, file, replace=replace, skip_bad=skip_bad)
            await last(actor, done)
        progress(len(done.rows))
        return done
    pause = Pause(store)
    edition = await begin_edition(opener, card, pause, begun)
    try:
        await write_edition(opener, edition, file, pause, replace=replace, progress=progress)
        async with opener() as actor:
            await put_in_place(actor, edition)
            facts = {"rows": len(file.rows) + (0 if replace else card.rows), "file": Path(file.path).name}
            what = f"rate card {card.name}"
            await note(actor, Verb.IMPORT, what, {"rows": card.rows}, facts | {"replaced": replace})
            await last(actor, file)
    except BaseException:
        # Boundary: whatever ends it, half an edition is of no use to anybody.
        await discard(opener, edition.id, pause)
        raise
    await discard(opener, card.rates_id, pause)
    return file


class Pause:
    """Between two parts: as long as a part took, on SQLite, so that others come to write meanwhile.

    SQLite has one writer, and lets whoever waits ask again and again: without a pause the next part would
    nearly always be first.
    """

    def __init__(self, store: Store) -> None:
        self._is_needed = store.dialect == "sqlite"
        self._began_s = time.monotonic()

    def begin(self) -> None:
        """Say that a part begins."""
        self._began_s = time.monotonic()

    async def rest(self) -> None:
        """Wait for as long as the part took."""
        if self._is_needed:
            await asyncio.sleep(max(SHORTEST_PAUSE_S, time.monotonic() - self._began_s))


async def begin_edition(opener: Opener, card: RateCard, pause: Pause, begun: Begun = _nothing) -> Edition:
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
        await discard(opener, rates_id, pause)
    return edition


async def write_edition(
    opener: Opener, edition: Edition, file: RateFile, pause: Pause, *, replace: bool, progress: Progress
) -> None:
    """Write a file's rows, and unless they replace the card's, the card's too, a part at a time."""
    if not replace:
        await _copy(opener, edition, pause)
    for start in range(0, len(file.rows), ROWS_AT_ONCE):
        # Put together before the transaction begins, which keeps others from writing.
        some = [(edition.id, *_VALUES(rate)) for _, rate in file.rows[start : start + ROWS_AT_ONCE]]
        pause.begin()
        async with opener() as actor:
            # In the driver's own words: what SQLAlchemy does for each row costs three times the row.
            await actor.connection.exec_driver_sql(_insert(actor.connection.dialect), some)
        progress(len(some))
        await pause.rest()


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


async def discard(opener: Opener, rates_id: int, pause: Pause) -> None:
    """Delete rates that are in effect for no card, a part at a time, and the row of their edition."""
    some = select(rates.c.id).where(rates.c.card_id == rates_id).limit(ROWS_AT_ONCE)
    while True:
        pause.begin()
        async with opener() as actor:
            gone = await actor.connection.execute(rates.delete().where(rates.c.id.in_(some)))
            if gone.rowcount < ROWS_AT_ONCE:
                edition = (rate_cards.c.id == rates_id) & rate_cards.c.edition_of.is_not(None)
                await actor.connection.execute(rate_cards.delete().where(edition))
                return
        await pause.rest()


async def _copy(opener: Opener, edition: Edition, pause: Pause) -> None:
    """Write the rates that the card has to the edition."""
    after = 0
    while True:
        pause.begin()
        async with opener() as actor:
            found = await _LAST_OF_PART.run(
                actor.connection, from_id=edition.card.rates_id, after=after, most=ROWS_AT_ONCE
            )
            last_id = found[0][0]
            if last_id is None:
                return
            await _COPY.run(
                actor.connection,
                to_id=edition.id,
                from_id=edition.card.rates_id,
                after=after,
                last_id=last_id,
            )
        after = last_id
        await pause.rest()
