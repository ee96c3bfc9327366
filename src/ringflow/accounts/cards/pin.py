"""PINs: how they are drawn and how they are digested.

A card that opens by PIN alone has a digest of the PIN alone, by which the card is found; any other card's
digest is bound to its ID, so that equal PINs of two cards have nothing in common.
"""

from __future__ import annotations

from ringflow.accounts.randomness import draw_numbers

MIN_PIN_DIGITS = 4
MAX_PIN_DIGITS = 12
MIN_PIN_ONLY_DIGITS = 8
PIN_ONLY_DENSITY = 100_000
"""Of PINs that open a card alone, at most one in so many of the same length may be given."""


def draw_pins(count: int, length: int) -> list[str]:
    """Random digits from the system's randomness, the first not 0; the same PIN may come twice.

    A spreadsheet drops a 0 at the beginning, and its owner keys a PIN of one digit less.
    """
    lowest = 10 ** (length - 1)
    return [str(lowest + number) for number in draw_numbers(count, pin_count(length))]


def pin_count(length: int) -> int:
    """How many PINs of this length there are to draw."""
    lowest: int = 10 ** (length - 1)
    return 9 * lowest


def is_pin(text: str) -> bool:
    """Whether this can be a PIN: 4 to 12 ASCII digits."""
    return MIN_PIN_DIGITS <= len(text) <= MAX_PIN_DIGITS and text.isascii() and text.isdigit()


def pin_message(card_id: str, pin: str, pin_only: bool) -> str:
    """What is digested of a PIN."""
    return f"ringflow-pin-v1\n{pin}" if pin_only else f"ringflow-card-pin-v1\n{card_id}\n{pin}"
