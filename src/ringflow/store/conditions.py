"""Conditions of lists that hold alike on both databases: a part of a text, and how a text begins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, ColumnElement, func, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType

MOST_DIGITS = 40
"""As many digits as no number has."""


def equal(wanted: Iterable[tuple[ColumnElement[Any], object]]) -> list[ColumnElement[bool]]:
    """Return a condition `column = value` for each pair whose value is not None."""
    return [column == value for column, value in wanted if value is not None]


def contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Return the condition that a text has this part, in any capitals.

    SQLite knows the capitals of ASCII only: other letters are found as they are written.
    """
    return or_(
        column.contains(text, autoescape=True),
        func.lower(column).contains(text.lower(), autoescape=True),
    )


def are_digits(text: str) -> bool:
    """Return whether a text is digits and nothing else."""
    return text.isascii() and text.isdigit()


def digits_between(text: str) -> tuple[str, str]:
    """Return the first and the last of the numbers, as digits, that begin with these."""
    return text, text.ljust(MOST_DIGITS, "9")


def begins_with(column: ColumnElement[Any], text: str, *, digits: bool = False) -> ColumnElement[bool]:
    """Return the condition that a text begins with this one, which an index of the column fulfils.

    On PostgreSQL the index is one of `text_pattern_ops`. Where both are `digits` and nothing else, any index
    will do: digits have one order in all languages.
    """
    if digits:
        return column.between(*digits_between(text))
    escaped = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return _BeginsWith(column, literal(text), literal(_after(text)), literal(f"{escaped}%"))


def _after(text: str) -> str:
    """Return the first text, by its code points, that is after all which begin with `text`."""
    for place in range(len(text) - 1, -1, -1):
        point = ord(text[place]) + 1
        if point <= 0x10FFFF:
            # A half of a surrogate pair is no text.
            return text[:place] + chr(point if not 0xD800 <= point <= 0xDFFF else 0xE000)
    return "\U0010ffff" * 2


class _BeginsWith(FunctionElement[bool]):
    """Of a column, a text, the text after all that begin with it, and a pattern for LIKE."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> _BeginsWith:
        """Return itself: SQLAlchemy would have SQLite ask whether it is 1, which no index answers."""
        return self


@compiles(_BeginsWith)
def _as_pattern(element: _BeginsWith, compiler: SQLCompiler, **kw: Any) -> str:
    column, _, _, pattern = element.clauses
    return f"{compiler.process(column, **kw)} LIKE {compiler.process(pattern, **kw)} ESCAPE '/'"


@compiles(_BeginsWith, "sqlite")
def _as_range(element: _BeginsWith, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLite's LIKE makes no difference of capitals, so no index of the column has its order.
    column, low, high, _ = (compiler.process(one, **kw) for one in element.clauses)
    return f"({column} >= {low} AND {column} < {high})"
