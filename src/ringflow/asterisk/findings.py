"""What is wrong with an Asterisk's configuration, in words for the operator who can change it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is. A serious one costs calls or money, or writes secrets where others read them."""

    SERIOUS = "serious"
    WARNING = "warning"
    NOTE = "note"


_ORDER = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. `where` is the file or object of Asterisk; `change` is the line to write, or what to do."""

    severity: Severity
    where: str
    what: str
    change: str


MANY_PLACES = 4
"""How many places with the same fault are named before the rest is only counted."""


def most_serious_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings sorted by severity, with those that differ only in their place made one."""
    places: dict[tuple[Severity, str, str], list[str]] = {}
    for one in findings:
        known = places.setdefault((one.severity, one.what, one.change), [])
        if one.where not in known:
            known.append(one.where)
    joined = [
        Finding(severity, _joined(where), what, change) for (severity, what, change), where in places.items()
    ]
    return sorted(joined, key=lambda one: _ORDER[one.severity])


def _joined(places: list[str]) -> str:
    if len(places) <= MANY_PLACES:
        return ", ".join(places)
    return f"{', '.join(places[:MANY_PLACES])} and {len(places) - MANY_PLACES} more"
