"""The forms of operators' lists and of what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar

from ringflow.accounts.value_lists.entries import Entry
from ringflow.accounts.value_lists.value_list import ValueList
from ringflow.moments import last_day


@dataclass(frozen=True, slots=True)
class ValueListForm:
    """A list of numbers or texts that operators keep."""

    name: str
    kind: str
    notes: str


@dataclass(frozen=True, slots=True)
class ValueListDetailForm:
    """A list of numbers or texts, with how many entries it has."""

    VOLATILE: ClassVar = frozenset({"entry_count"})
    name: str
    kind: str
    notes: str
    entry_count: int


@dataclass(frozen=True, slots=True)
class ValueListEntryForm:
    """A value of a list: E.164 digits, such digits with a `*` behind them for all that begin so, or text."""

    entry: str
    notes: str
    expires: str | None


def value_list_form(one: ValueList) -> ValueListForm:
    """Return a list as it is shown among others."""
    return ValueListForm(name=one.name, kind=one.kind.value, notes=one.notes)


def value_list_detail_form(one: ValueList, entry_count: int) -> ValueListDetailForm:
    """Return a list as it is shown by itself."""
    return ValueListDetailForm(name=one.name, kind=one.kind.value, notes=one.notes, entry_count=entry_count)


def entry_form(one: Entry, zone: tzinfo) -> ValueListEntryForm:
    """Return an entry as it is shown; `zone` is the one in which days end."""
    return ValueListEntryForm(entry=one.value, notes=one.notes, expires=last_day(one.expires_ms, zone))
