"""SIP headers that a slot gives to its outgoing legs."""

from __future__ import annotations

from collections.abc import Mapping

from ringflow.accounts.headers import MAX_HEADER_VALUE
from ringflow.calls.dial_attempt import escaped_header_value
from ringflow.calls.json_value import JsonValue
from ringflow.flows.template import Template, TextError


def rendered_headers(
    headers: Mapping[str, Template], variables: Mapping[str, JsonValue]
) -> Mapping[str, str]:
    """Return the headers with their variables filled in. Raises `TextError` for one that is too long."""
    return {name: _value(name, text, variables) for name, text in headers.items()}


def _value(name: str, template: Template, variables: Mapping[str, JsonValue]) -> str:
    text = template.render(variables)
    length = len(escaped_header_value(text))
    if length > MAX_HEADER_VALUE:
        raise TextError(f"the header {name} becomes {length} characters, and {MAX_HEADER_VALUE} are the most")
    return text
