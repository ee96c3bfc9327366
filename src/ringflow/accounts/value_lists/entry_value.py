"""The values of lists: telephone numbers in one form, beginnings of numbers, and texts.

A number stands in the form by which its caller is identified, however it was written. `4419*` stands for all
numbers that begin with 4419. Text stands as it is written, without space around it, and is found only so.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from ringflow.accounts.written_number import read_number
from ringflow.errors import Refused
from ringflow.numbers import equivalent_forms, identifying_form, normalise_number, number_prefix
from ringflow.plain_text import plain

MAX_VALUE_LENGTH = 200
BEGINNING = "*"
"""Stands behind the digits with which numbers begin."""


class ListKind(StrEnum):
    """What a list holds."""

    NUMBERS = "numbers"
    TEXT = "text"


def entry_value(kind: ListKind, text: str, country: str) -> str:
    """How a list keeps what somebody wrote. Raises `Refused` for what it cannot hold."""
    if kind is ListKind.TEXT:
        return _text(text)
    written = text.strip()
    if not written.endswith(BEGINNING):
        return identifying_form(read_number(text, country))
    prefix = number_prefix(written.removesuffix(BEGINNING).strip(), country)
    if prefix is None:
        what = f"`{plain(text)}` is not how numbers begin: write the country code first, as in 4419*"
        raise Refused("number.malformed", what, ("entry",), number=text)
    return prefix + BEGINNING


def values_that_match(kind: ListKind, text: str, country: str) -> tuple[str, ...]:
    """The values of which a list must have one for this text to be in it."""
    if kind is ListKind.TEXT:
        # What no list can have is not looked for: PostgreSQL takes no NUL.
        return (kept,) if _can_be_kept(kept := _kept(text)) else ()
    number = normalise_number(text, country)
    if number is None:
        return ()
    beginnings = (
        form[:length] + BEGINNING for form in equivalent_forms(number) for length in range(1, len(form) + 1)
    )
    return tuple(dict.fromkeys((identifying_form(number), *beginnings)))


def _text(text: str) -> str:
    kept = _kept(text)
    if not _can_be_kept(kept):
        what = f"entry `{plain(text)}`: write one line of 1 to {MAX_VALUE_LENGTH} printable characters"
        raise Refused("field.malformed_text", what, ("entry",), field="entry", most=MAX_VALUE_LENGTH)
    return kept


def _kept(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _can_be_kept(text: str) -> bool:
    return 0 < len(text) <= MAX_VALUE_LENGTH and text.isprintable()
