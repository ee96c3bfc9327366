"""The seconds that a leg's charge is for, in SQL: what `legs.py` works out for one leg, for sums of many.

The formulas are those of `ledger/terms.py` in whole numbers; a test compares the two.
"""

from __future__ import annotations

from ringflow.money import MICRO_DIGITS
from ringflow.store.address import DialectName

_FIELDS = ("price_micros", "connection_micros", "minimum_s", "increment_s", "grace_s", "decimals")
_TEXTS = ("prefix", "destination", "rounding")
_UNIT = " ".join(
    f"WHEN {decimals} THEN {10 ** (MICRO_DIGITS - decimals)}" for decimals in range(MICRO_DIGITS + 1)
)


def terms_sql(terms: str, dialect: DialectName) -> str:
    """Columns that `billed_s_sql` needs, of the terms kept beside a hold: prefix, name and price.

    They are NULL where the text is empty or not what `Terms.to_json` writes.
    """
    if dialect == "postgresql":
        kept = f"CAST(CASE WHEN {terms} LIKE '{{%' THEN {terms} END AS json)"
        told = {name: f"CAST({kept} ->> '{name}' AS BIGINT)" for name in _FIELDS}
        told |= {name: f"{kept} ->> '{name}'" for name in _TEXTS}
    else:
        kept = f"CASE WHEN json_valid({terms}) THEN {terms} END"
        told = {name: f"json_extract({kept}, '$.{name}')" for name in (*_FIELDS, *_TEXTS)}
    return ", ".join(f"{sql} AS {name}" for name, sql in told.items())


def billed_s_sql(talked_ms: str, charged: str) -> str:
    """The seconds that a charge is for, beside the columns of `terms_sql`; NULL where nobody knows.

    `charged`: with what could not be collected. A talk may have gone on for longer than its charge is for.
    """
    of_talk, of_charge = _of_talk(talked_ms), _of_charge(charged)
    return (
        f"CASE WHEN price_micros = 0 AND connection_micros = 0 THEN {of_talk} "
        f"WHEN {charged} = 0 THEN 0 "
        f"WHEN price_micros = 0 THEN {of_talk} "
        f"WHEN {talked_ms} IS NULL OR {of_talk} > {of_charge} THEN {of_charge} ELSE {of_talk} END"
    )


def _of_talk(talked_ms: str) -> str:
    """`billed_s`."""
    step, beyond = "(increment_s * 1000)", f"({talked_ms} - minimum_s * 1000)"
    return (
        f"CASE WHEN {talked_ms} <= grace_s * 1000 THEN 0 WHEN {beyond} <= 0 THEN minimum_s "
        f"ELSE minimum_s + ({beyond} + {step} - 1) / {step} * increment_s END"
    )


def _of_charge(charged: str) -> str:
    """`affordable_ms` in seconds, where a minute has a price."""
    unit = f"(CASE decimals {_UNIT} END)"
    units, parts = f"({charged} / {unit})", f"(60 * {unit})"
    most = (
        f"CASE rounding WHEN 'down' THEN ({units} + 1) * {parts} - 1 WHEN 'up' THEN {units} * {parts} "
        f"WHEN 'half_up' THEN ((2 * {units} + 1) * {parts} - 1) / 2 "
        f"ELSE ((2 * {units} + 1) * {parts} - {units} % 2) / 2 END"
    )
    seconds = f"((({most}) - connection_micros * 60) / price_micros)"
    paid = f"(minimum_s + ({seconds} - minimum_s) / increment_s * increment_s)"
    return f"CASE WHEN {seconds} < minimum_s OR {paid} < grace_s THEN grace_s ELSE {paid} END"
