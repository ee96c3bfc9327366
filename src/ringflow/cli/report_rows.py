"""Reports as `ringflow report` prints them: minutes, percentages, and amounts as text in each currency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import make_dataclass
from typing import Any

from ringflow.money import format_amount
from ringflow.records.reports import By, Line
from ringflow.spreadsheets import csv_cell

_KEYS = {
    By.CUSTOMER: ("customer", "name"),
    By.TRUNK: ("trunk",),
    By.DAY: ("day",),
    By.DESTINATION: ("prefix", "destination"),
}
FIGURES = (
    *("attempts", "answered", "asr_percent", "acd_s", "talked_minutes", "billed_minutes"),
    *("lost", "without_margin"),
)
AMOUNTS = ("charged", "refunded", "uncollected", "cost", "margin")

ROWS: dict[By, type[Any]] = {
    by: make_dataclass(f"{by.value.title()}Row", [*keys, *FIGURES, *AMOUNTS], frozen=True)
    for by, keys in _KEYS.items()
}
"""A line of a report as it is printed; each amount is a mapping from currencies to text, None without any."""


def report_row(by: By, line: Line) -> Any:
    """The line with its amounts as text."""
    return ROWS[by](**_keys(by, line), **_figures(line), **_amounts(line))


def csv_columns(by: By) -> tuple[str, ...]:
    """The columns of a report's CSV file."""
    return (*_KEYS[by], *FIGURES, "currency", *AMOUNTS)


def csv_lines(by: By, lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """A line for each key and currency. Figures stand in the first of a key's, so that they add up."""
    for line in lines:
        keys = {name: csv_cell(value) for name, value in _keys(by, line).items()}
        figures, amounts = _figures(line), _amounts(line)
        for currency in sorted(line.amounts) or [""]:
            of_currency = {name: (amounts[name] or {}).get(currency) for name in AMOUNTS}
            yield {**keys, **figures, "currency": currency, **of_currency}
            figures = {}


def _keys(by: By, line: Line) -> dict[str, Any]:
    key = line.key if line.key is None or isinstance(line.key, int) else str(line.key)
    return dict(zip(_KEYS[by], (key, line.name), strict=False))


def _figures(line: Line) -> dict[str, Any]:
    average_ms = line.average_length_ms
    return {
        "attempts": line.attempts,
        "answered": line.answered,
        "asr_percent": round(100 * line.answer_seizure_ratio, 1),
        "acd_s": None if average_ms is None else round(average_ms / 1000, 1),
        "talked_minutes": round(line.talked_ms / 60_000, 2),
        "billed_minutes": round(line.billed_s / 60, 2),
        "lost": line.lost,
        "without_margin": line.without_margin,
    }


def _amounts(line: Line) -> dict[str, dict[str, str] | None]:
    return {
        name: {
            currency: format_amount(micros, currency)
            for currency, amounts in sorted(line.amounts.items())
            if (micros := getattr(amounts, f"{name}_micros")) is not None
        }
        or None
        for name in AMOUNTS
    }
