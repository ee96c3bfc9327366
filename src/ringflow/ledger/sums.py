"""Sums of amounts in SQL, in two parts that no database overflows.

SQLite gives up a sum that does not fit into 64 bits, and balances may be nearly as large: sums are taken of
the amounts' billions and of what is left of each, and are put together afterwards.
"""

from __future__ import annotations

BILLION = 10**9


def in_two_parts(micros: str, name: str = "") -> str:
    """Two columns of a SELECT, `billions` and `rest`, that sum up the amounts; `name` stands before both.

    Of no amounts at all both are NULL.
    """
    parts = (f"CAST(SUM({micros} {operator} {BILLION}) AS BIGINT)" for operator in "/%")
    return "{} AS {name}billions, {} AS {name}rest".format(*parts, name=name)


def put_together(billions: int | None, rest: int | None) -> int:
    """The sum that these are the parts of; 0 of no amounts at all."""
    return (billions or 0) * BILLION + (rest or 0)
