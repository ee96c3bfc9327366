"""What the fields that several nouns share may hold; these functions raise `Refused` for anything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from ringflow.accounts.directory_changes import MAX_INTEGER
from ringflow.errors import Refused, RefusedTogether
from ringflow.numbers import normalise_number
from ringflow.plain_text import plain
from ringflow.speaking import load_language

MAX_TEXT = 200
MAX_CALLER_ID = 20

OWN_NUMBER = "own"
"""The caller ID of a customer whose callers show their own numbers, whatever the trunk would show."""
WITHHELD = "withheld"
"""The caller ID of a customer whose callers show none."""
CALLER_ID_WORDS = (OWN_NUMBER, WITHHELD)
_NUMBER_OR_WORD = f"write digits such as 441910000001, `{OWN_NUMBER}` or `{WITHHELD}`"


class Trying:
    """Of a block `with trying:`, what it refuses is kept, and the next one is tried."""

    def __init__(self) -> None:
        self.refused: list[Refused] = []

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Refused):
            self.refused += error.each
            return True
        return False


@contextmanager
def trying_all() -> Iterator[Trying]:
    """Try several checks; raises `Refused` at the end, with all that they refuse."""
    trying = Trying()
    yield trying
    if len(trying.refused) == 1:
        raise trying.refused[0]
    if trying.refused:
        raise RefusedTogether(trying.refused)


def check_text(text: str, field: str) -> str:
    """Free text for people, on one line."""
    if len(text) > MAX_TEXT or not all(char.isprintable() for char in text):
        what = f"{field} `{plain(text)}`: write one line of at most {MAX_TEXT} printable characters"
        raise Refused("field.malformed_text", what, _at(field), field=field, most=MAX_TEXT)
    return text


def check_one_of(value: str, choices: tuple[str, ...], field: str) -> None:
    """A word out of a few."""
    if value not in choices:
        raise Refused(
            "field.not_one_of",
            f"{field} `{plain(value)}` is not known; choose one of {', '.join(choices)}",
            _at(field),
            field=field,
            choices=choices,
        )


def check_range(value: int, low: int, high: int, field: str) -> None:
    """A whole number within bounds, both included."""
    if not low <= value <= high:
        raise Refused(
            "field.out_of_range",
            f"{field} {value} is out of range; write a number from {low} to {high}",
            _at(field),
            field=field,
            low=low,
            high=high,
        )


def check_channels(channels: int | None) -> None:
    """How many calls at once; None for no limit."""
    if channels is not None:
        check_range(channels, 1, MAX_INTEGER, "channels")


def check_caller_id(
    text: str | None, country: str, mend: str = "write digits such as 441910000001"
) -> str | None:
    """A number to show to callees: E.164 where it can be read as such, other digits as they are."""
    if text is None:
        return None
    number = normalise_number(text, country)
    if number is None and text.isascii() and text.isdigit() and len(text) <= MAX_CALLER_ID:
        number = text
    if number is None:
        raise Refused(
            "number.malformed",
            f"caller ID `{plain(text)}` is not a number; {mend}",
            ("caller_id",),
            number=text,
        )
    return number


def check_customer_caller_id(text: str | None, country: str) -> str | None:
    """What callees see of a customer's calls: a number to show, `own` or `withheld`."""
    return text if text in CALLER_ID_WORDS else check_caller_id(text, country, _NUMBER_OR_WORD)


def check_language(code: str | None) -> None:
    """A language that Ringflow speaks; None for none."""
    if code is None:
        return
    try:
        load_language(code)
    except Refused as error:
        raise error.reworded(str(error), ("language",)) from None


def _at(field: str) -> tuple[str]:
    return (field.replace(" ", "_"),)
