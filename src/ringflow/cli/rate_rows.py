"""What the columns of a sheet of rates were taken for, as `ringflow rate import --dry-run` prints it."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.ledger.rates.column_names import FIELDS
from ringflow.ledger.rates.sheet_import import RateFile


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """What a column of a sheet was taken for; `field` is nothing for one that is left out."""

    column: str
    field: str | None
    means: str


def column_rows(read: RateFile) -> list[ColumnRow]:
    """What a sheet's columns were taken for, and those that are left out."""
    header = read.header
    if header is None:
        return []
    taken = [
        ColumnRow(header.name(of), of, FIELDS.get(of, "empty"))
        for of, _ in sorted(header.fields.items(), key=lambda one: one[1])
    ]
    return [*taken, *(ColumnRow(name, None, "left out") for name in header.left_out)]
