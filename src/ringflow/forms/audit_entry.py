"""The form of an entry of the audit log, whose facts have the names and types of the other forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from ringflow.audit import Entry
from ringflow.forms.json_value import json_value, seconds
from ringflow.forms.voucher import multiplier_text
from ringflow.moments import Moment, last_day
from ringflow.money import format_amount

_NAMES = {
    "customer_id": "customer",
    "card_id": "card",
    "batch_id": "batch",
    "is_default": "default",
    "expires_ms": "expires",
    "silent_ms": "silent_s",
}
"""Columns that have another name in their thing's form."""
_IS_LENGTH = frozenset({"talked_ms", "ended_ms", "duration_ms", "entered_ms", "silent_ms"})
_AMOUNT_WITH_CURRENCY = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ([A-Z]{3})")


@dataclass(frozen=True, slots=True)
class AuditEntryForm:
    """A change. `before` null: the subject was made; `after` null: it is gone."""

    id: int
    at: Moment
    operator: str
    acted_as: str | None
    token: str | None
    credential: str | None
    address: str | None
    verb: str
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def audit_entry_form(entry: Entry, zone: tzinfo) -> AuditEntryForm:
    """Return a change as it is shown to an operator in this time zone, in which last days are."""
    return AuditEntryForm(
        id=entry.id,
        at=Moment(entry.at_ms),
        operator=entry.operator,
        acted_as=entry.acted_as,
        token=entry.token,
        credential=entry.credential,
        address=entry.address,
        verb=entry.verb,
        subject=entry.subject,
        before=facts_form(entry.before, zone),
        after=facts_form(entry.after, zone),
    )


def facts_form(facts: Mapping[str, Any] | None, zone: tzinfo) -> dict[str, Any] | None:
    """Return facts as the forms have them: amounts as text, times as RFC 3339, the same names.

    The log keeps rows as they were in their tables, those of earlier versions among them. Facts without a
    currency, such as a rate's, are of the currency of the subject.
    """
    if facts is None:
        return None
    currency = facts.get("currency")
    shown: dict[str, Any] = {}
    for name, value in facts.items():
        if name.endswith("_micros") and (value is None or isinstance(value, int)):
            shown[name.removesuffix("_micros")] = (
                None if value is None else format_amount(value, currency if isinstance(currency, str) else "")
            )
        elif name.endswith("_millionths") and (value is None or isinstance(value, int)):
            shown[name.removesuffix("_millionths")] = multiplier_text(value)
        elif name.endswith("_ms") and (value is None or isinstance(value, int)):
            shown[_time_name(name)] = _time(name, value, zone)
        elif (
            currency is None and isinstance(value, str) and (match := _AMOUNT_WITH_CURRENCY.fullmatch(value))
        ):
            shown[name] = match[1]
            shown["currency"] = match[2]
        else:
            shown[_NAMES.get(name, name)] = value
    return shown


def _time_name(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    stem = name.removesuffix("_ms")
    return f"{stem}_s" if name in _IS_LENGTH else f"{stem}_at"


def _time(name: str, value: int | None, zone: tzinfo) -> object:
    if name == "expires_ms":
        return last_day(value, zone)
    if name in _IS_LENGTH:
        return seconds(value)
    # A rate without a beginning counts from the epoch.
    return None if value is None or (name == "from_ms" and value == 0) else json_value(Moment(value))
