"""Draws IDs and PINs for new cards, in an order that a database writes quickly.

Both are uniformly random, and so are the places of their index entries: thousands of cards written in the
order in which they were drawn touch every page of the index. Drawn some hundred thousand at a time and
sorted, a chunk of them touches only its own part; a million cards on SQLite then cost the kernel 3 s, not 26.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ringflow.accounts.cards.card import ID_DIGITS
from ringflow.accounts.cards.pin import draw_pins, pin_message
from ringflow.accounts.check_digit import draw_many_digits
from ringflow.accounts.peppers import Peppers


@dataclass(frozen=True, slots=True)
class Drawn:
    """Cards to be, by columns: the n-th of each belongs to the n-th card.

    `digests` are under the newest pepper; `older`, empty where there is none, the same PIN's under those
    before it. Columns, not a million objects, which the garbage collector would go over again and again.
    """

    ids: Sequence[str]
    pins: Sequence[str] = field(repr=False)
    digests: Sequence[str] = field(repr=False)
    older: Sequence[Sequence[str]] = field(default=(), repr=False)

    def part(self, start: int, end: int) -> Drawn:
        """Some of them."""
        part = slice(start, end)
        return Drawn(self.ids[part], self.pins[part], self.digests[part], self.older[part])


def draw_cards(count: int, pin_length: int, pin_only: bool, peppers: Peppers) -> Drawn:
    """About `count` cards in the order of their IDs: fewer where a number was drawn twice."""
    ids = sorted(set(draw_many_digits(count, ID_DIGITS)))
    pins = draw_pins(len(ids), pin_length)
    digest = peppers.newest.digest
    if not pin_only:
        messages = (pin_message(card_id, pin, False) for card_id, pin in zip(ids, pins, strict=True))
        return Drawn(ids, pins, [digest(message) for message in messages])
    # The digests are in an index too. PINs may go to IDs in any order that cannot be told without the pepper:
    # the order of their digests is such a one.
    by_digest = sorted((digest(pin_message("", pin, True)), pin) for pin in set(pins))
    alone = [pin for _, pin in by_digest]
    before = peppers.all[:-1]
    return Drawn(
        ids[: len(alone)],
        alone,
        [made for made, _ in by_digest],
        [[pepper.digest(pin_message("", pin, True)) for pepper in before] for pin in alone] if before else (),
    )
