"""Reports as `ringflow report` prints them for people, and as its CSV file has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, make_dataclass
from typing import Any

from ringflow.forms.report import (
    AMOUNTS,
    KEYS,
    ReportFigures,
    report_amounts,
    report_figures,
    report_keys,
)
from ringflow.records.reports import By, Line
from ringflow.spreadsheets import csv_cell

FIGURES = ReportFigures.__slots__

ROWS: dict[By, type[Any]] = {
    by: make_dataclass(f"{by.value.title()}Row", [*keys, *FIGURES, *AMOUNTS], frozen=True)
    for by, keys in KEYS.items()
}
"""A line of a report as it is printed; each amount is a mapping from currencies to text, None without any."""


def report_row(by: By, line: Line) -> Any:
    """The line with the amounts of all currencies in one cell."""
    return ROWS[by](**report_keys(by, line), **asdict(report_figures(line)), **_amounts(line))


def csv_columns(by: By) -> tuple[str, ...]:
    """The columns of a report's CSV file."""
    return (*KEYS[by], *FIGURES, "currency", *AMOUNTS)


def csv_lines(by: By, lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """A line for each key and currency. Figures stand in the first of a key's, so that they add up."""
    for line in lines:
        keys = {name: csv_cell(value) for name, value in report_keys(by, line).items()}
        figures = asdict(report_figures(line))
        for amounts in [asdict(one) for one in report_amounts(line)] or [{"currency": ""}]:
            yield {**keys, **figures, **amounts}
            figures = {}


def _amounts(line: Line) -> dict[str, dict[str, str] | None]:
    amounts = report_amounts(line)
    return {
        name: {one.currency: text for one in amounts if (text := getattr(one, name)) is not None} or None
        for name in AMOUNTS
    }
