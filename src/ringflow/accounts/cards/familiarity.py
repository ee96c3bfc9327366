"""What a card learns from being opened: from where, and its PIN's digest under the newest pepper."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from ringflow.accounts.cards.evidence import Evidence
from ringflow.accounts.cards.pin import pin_message
from ringflow.accounts.lockout import Caller
from ringflow.accounts.peppers import Pepper
from ringflow.store import Store
from ringflow.store.statement import Statement

REFRESH_MS = 24 * 3_600_000

_KNOW = Statement(
    "INSERT INTO card_sources (card_id, source, seen_ms) VALUES (:card_id, :source, :now_ms) "
    "ON CONFLICT (card_id, source) DO UPDATE SET seen_ms = excluded.seen_ms",
    card_id="text",
    source="text",
    now_ms="bigint",
)
# Guarded by the digest that was compared: a PIN that was forgotten meanwhile must not come back.
_DIGEST = Statement(
    "UPDATE cards SET pin_digest = CASE WHEN pin_digest IS NOT NULL THEN :digest END, pin_only_digest = "
    "CASE WHEN pin_only_digest IS NOT NULL THEN :digest END, pepper = :pepper WHERE id = :card_id "
    "AND (pin_digest = :before OR pin_only_digest = :before)",
    digest="text",
    pepper="text",
    card_id="text",
    before="text",
)


async def note_success(
    store: Store, found: Evidence, pin: str, caller: Caller, newest: Pepper, now_ms: int
) -> None:
    """Keep what changed, in one transaction; a card opened as the day before changes nothing."""
    assert found.card is not None
    card_id, source = found.card.id, caller.source
    seen = found.seen_ms is not None and abs(now_ms - found.seen_ms) < REFRESH_MS
    if source is not None and not seen:
        async with store.writing() as connection:
            await _KNOW.run(connection, None, card_id=card_id, source=source, now_ms=now_ms)
    if found.pepper == newest.version:
        return
    digest = newest.digest(pin_message(card_id, pin, found.pin_only))
    given = {"digest": digest, "pepper": newest.version, "card_id": card_id, "before": found.digest}
    try:
        async with store.writing() as connection:
            await _DIGEST.run(connection, None, **given)
    except IntegrityError:
        # Another card was given the same PIN in this very moment; this one keeps its older digest.
        return
