"""Moments in a flow: a date and a time of day with the time zone to which they belong.

Written as `2026-12-24 18:00 Europe/Berlin` or as in RFC 3339, `2026-12-24T17:00:00Z`. A date alone is its
first minute. Without a zone it is no moment: it would be another one on a machine elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ringflow.calls.json_value import JsonValue, as_text
from ringflow.errors import RingflowError
from ringflow.flows.template import Template
from ringflow.moments import ms_in
from ringflow.wording import nearest, quoted

_MOMENT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?))?"
    r" ?(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2}|[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*)?",
    re.ASCII,
)
_MEND = "write 2026-12-24 18:00 Europe/Berlin, or 2026-12-24T17:00:00Z"


class NotAMoment(RingflowError, ValueError):
    """Text that is no date and time with a zone."""


def moment_ms(text: str) -> int:
    """Milliseconds since 1970. Raises `NotAMoment`, with what to write instead after ` || `."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise NotAMoment(f"{quoted(text)} is not a date and time || {_MEND}")
    if found["zone"] is None:
        raise NotAMoment(
            f"{quoted(text)} has no time zone || write {text.strip()} Europe/Berlin, or UTC behind it"
        )
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['time'] or '00:00'}")
    except ValueError as error:
        raise NotAMoment(f"{quoted(text)} is not in the calendar: {error} || {_MEND}") from None
    return ms_in(moment, _zone(found["zone"]))


@lru_cache(maxsize=256)
def _zone(text: str) -> tzinfo:
    if text in "Zz":
        return UTC
    if text[0] in "+-":
        digits = text[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        if offset >= timedelta(hours=24):
            raise NotAMoment(f"{quoted(text)} is no offset from UTC || {_MEND}")
        return timezone(-offset if text[0] == "-" else offset)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(text, sorted(available_timezones()))
        mend = f"did you mean `{near}`?" if near else "write one such as Europe/Berlin, or UTC"
        raise NotAMoment(f"{quoted(text)} is not a time zone || {mend}") from None


@dataclass(frozen=True, slots=True)
class MomentText:
    """A moment, or text that becomes one in a call. Usable as a pydantic field type."""

    template: Template

    def ms(self, variables: Mapping[str, JsonValue]) -> int:
        """Milliseconds since 1970. Raises `NotAMoment` for what is none, `TextError` for what is not set."""
        text = self.template.render(variables)
        try:
            return moment_ms(text)
        except NotAMoment:
            # Not the text itself: a secret may be in it.
            raise NotAMoment(f"{quoted(self.template.text)} is no date and time with a zone") from None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept text; what has no variable in it must be a moment."""
        return core_schema.no_info_plain_validator_function(_validate)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Text, for editors."""
        return {"type": "string", "description": "date, time and zone: 2026-12-24 18:00 Europe/Berlin"}


def _validate(value: object) -> MomentText:
    if isinstance(value, MomentText):
        return value
    if not isinstance(value, str):
        raise NotAMoment(f"{quoted(value)} is not a date and time || {_MEND}")
    template = Template.parse(value)
    if template.is_literal:
        moment_ms(value)
    return MomentText(template)


def read_moment_ms(value: JsonValue) -> int | None:
    """The moment that a variable holds; None where it holds none."""
    try:
        return moment_ms(as_text(value))
    except NotAMoment:
        return None
