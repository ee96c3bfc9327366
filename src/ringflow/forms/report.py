"""The form of a line of a report, and its parts: what it is about, its figures, and its amounts."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from typing import Any

from ringflow.money import format_amount
from ringflow.records.reports import By, Line

KEYS: dict[By, dict[str, Any]] = {
    By.CUSTOMER: {"customer": int | None, "name": str | None},
    By.TRUNK: {"trunk": str | None},
    By.DAY: {"day": str | None},
    By.DESTINATION: {"prefix": str | None, "destination": str | None},
}
"""What a line is about, by the field's name and type."""

AMOUNTS = ("charged", "refunded", "uncollected", "cost", "margin")


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """What does not depend on a currency: attempts, answers and minutes."""

    attempts: int
    answered: int
    asr_percent: float
    acd_s: float | None
    talked_minutes: float
    billed_minutes: float
    lost: int
    without_margin: int


@dataclass(frozen=True, slots=True)
class ReportAmountsForm:
    """The amounts of one currency."""

    currency: str
    charged: str | None
    refunded: str | None
    uncollected: str | None
    cost: str | None
    margin: str | None


FORMS: dict[By, type[Any]] = {
    by: make_dataclass(
        f"{by.value.title()}ReportForm",
        [
            *keys.items(),
            *((name, kind) for name, kind in ReportFigures.__annotations__.items()),
            ("amounts", tuple[ReportAmountsForm, ...]),
        ],
        frozen=True,
        namespace={"__doc__": f"A line of a report by {by.value}: its figures, and amounts by currency."},
    )
    for by, keys in KEYS.items()
}
"""The form of a line, by what the report is about."""


def report_form(by: By, line: Line) -> Any:
    """Return a line of a report."""
    figures = report_figures(line)
    of_figures = {name: getattr(figures, name) for name in ReportFigures.__slots__}
    return FORMS[by](**report_keys(by, line), **of_figures, amounts=report_amounts(line))


def report_keys(by: By, line: Line) -> dict[str, Any]:
    """Return what a line is about: a customer with its name, a trunk, a day, or a prefix."""
    key = line.key if line.key is None or isinstance(line.key, int) else str(line.key)
    return dict(zip(KEYS[by], (key, line.name), strict=False))


def report_figures(line: Line) -> ReportFigures:
    """Return a line's figures."""
    average_ms = line.average_length_ms
    return ReportFigures(
        attempts=line.attempts,
        answered=line.answered,
        asr_percent=round(100 * line.answer_seizure_ratio, 1),
        acd_s=None if average_ms is None else round(average_ms / 1000, 1),
        talked_minutes=round(line.talked_ms / 60_000, 2),
        billed_minutes=round(line.billed_s / 60, 2),
        lost=line.lost,
        without_margin=line.without_margin,
    )


def report_amounts(line: Line) -> tuple[ReportAmountsForm, ...]:
    """Return a line's amounts, by currency."""
    found = []
    for currency, amounts in sorted(line.amounts.items()):
        shown = {}
        for name in AMOUNTS:
            micros = getattr(amounts, f"{name}_micros")
            shown[name] = None if micros is None else format_amount(micros, currency)
        found.append(ReportAmountsForm(currency=currency, **shown))
    return tuple(found)
