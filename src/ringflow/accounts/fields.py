"""What the fields that several nouns share may hold; these functions raise `Refused` for anything else."""

from __future__ import annotations

from ringflow.accounts.change import MAX_INTEGER
from ringflow.errors import Refused
from ringflow.numbers import normalise_number, shown

MAX_TEXT = 200
MAX_CALLER_ID = 20


def check_text(text: str, field: str) -> str:
    """Free text for people, on one line."""
    if len(text) > MAX_TEXT or not all(char.isprintable() for char in text):
        what = f"{field} `{shown(text)}`: write one line of at most {MAX_TEXT} printable characters"
        raise Refused(what, _at(field))
    return text


def check_one_of(value: str, choices: tuple[str, ...], field: str) -> None:
    """A word out of a few."""
    if value not in choices:
        raise Refused(
            f"{field} `{shown(value)}` is not known; choose one of {', '.join(choices)}", _at(field)
        )


def check_range(value: int, low: int, high: int, field: str) -> None:
    """A whole number within bounds, both included."""
    if not low <= value <= high:
        raise Refused(f"{field} {value} is out of range; write a number from {low} to {high}", _at(field))


def check_channels(channels: int | None) -> None:
    """How many calls at once; None for no limit."""
    if channels is not None:
        check_range(channels, 1, MAX_INTEGER, "channels")


def check_caller_id(text: str | None, country: str) -> str | None:
    """A number to show to callees: E.164 where it can be read as such, other digits as they are."""
    if text is None:
        return None
    number = normalise_number(text, country)
    if number is None and text.isascii() and text.isdigit() and len(text) <= MAX_CALLER_ID:
        number = text
    if number is None:
        raise Refused(
            f"caller ID `{shown(text)}` is not a number; write digits such as 441910000001", ("caller_id",)
        )
    return number


def _at(field: str) -> tuple[str]:
    return (field.replace(" ", "_"),)
