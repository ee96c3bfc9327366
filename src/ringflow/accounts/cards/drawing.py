"""Draws IDs and PINs for new cards, in an order that a database writes quickly.

Both are uniformly random, and so are the places of their index entries: thousands of cards written in the
order in which they were drawn touch every page of the index. Drawn some hundred thousand at a time and
sorted, a chunk of them touches only its own part; a million cards on SQLite then cost the kernel 3 s, not 26.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ringflow.accounts.cards.card import ID_DIGITS
from ringflow.accounts.cards.pin import draw_pin, pin_message
from ringflow.accounts.check_digit import draw_digits
from ringflow.accounts.peppers import Peppers


@dataclass(frozen=True, slots=True)
class Drawn:
    """A card to be: `digest` under the newest pepper, `older` the same PIN's under those before it."""

    id: str
    pin: str = field(repr=False)
    digest: str = field(repr=False)
    older: tuple[str, ...] = field(default=(), repr=False)


def draw_cards(count: int, pin_length: int, pin_only: bool, peppers: Peppers) -> list[Drawn]:
    """About `count` cards in the order of their IDs: fewer where a number was drawn twice."""
    ids = sorted({draw_digits(ID_DIGITS) for _ in range(count)})
    digest = peppers.newest.digest
    if not pin_only:
        pins = [(card_id, draw_pin(pin_length)) for card_id in ids]
        return [Drawn(card_id, pin, digest(pin_message(card_id, pin, False))) for card_id, pin in pins]
    alone = {draw_pin(pin_length) for _ in ids}
    # The digests are in an index too. PINs may go to IDs in any order that cannot be told without the pepper:
    # the order of their digests is such a one.
    digests = sorted((peppers.digests(pin_message("", pin, True))[::-1], pin) for pin in alone)
    return [
        Drawn(card_id, pin, made[0], tuple(made[1:]))
        for card_id, (made, pin) in zip(ids, digests, strict=False)
    ]
