"""What a script gives back, read as if an enemy had made it. Shared by the places where scripts run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from ringflow.accounts.headers import IDENTITY_HEADERS, MAX_HEADER_VALUE, MAX_HEADERS, wrong_headers
from ringflow.numbers import normalise_number
from ringflow.scripts.run import FailureKind, RunResult, ScriptFailed, one_line
from ringflow.scripts.script import Script

NOBODY = ""
"""The value of `X-Customer-ID` where nobody is known yet, and of `X-CX-Sec` before a script sets it."""

HEADER_FIELDS = ("headers", "egress_routing")
"""The fields that headers are in, the nearest first."""

Headers = Sequence[tuple[str, str]]


class Returned:
    """A result and its script. Every method raises `ScriptFailed`, with the line that sets the field."""

    def __init__(self, script: Script, result: RunResult, server: str, country: str) -> None:
        self.script = script
        self.result = result
        self.server = server
        self.country = country

    def wrong(self, what: str, *field_names: str) -> ScriptFailed:
        """Return the error for a field, by its name and those of what it is in."""
        return wrong_result(self.script, what, *field_names)

    def object(self, value: JsonValue, name: str, *field_names: str) -> dict[str, JsonValue]:
        """Return an object. `name` is how it is called, and ends with its field where none is named."""
        if not isinstance(value, dict):
            what = f"{name} is no object: main returns data, with all that it was given"
            own = name.rpartition(" ")[2].partition("[")[0].rpartition(".")[2]
            raise self.wrong(what, *(field_names or (own,)))
        return value

    def cli(self, value: JsonValue, before: str) -> str | None:
        """Return another calling number in E.164; empty: nobody; None: the one before."""
        if value is None or value == "":
            return None if before == "" else ""
        text = as_text(value)
        number = normalise_number(text, self.country) if text is not None else None
        if number is None and text != before:
            shown = text if text is not None else "this"
            raise self.wrong(f"routing.cli: {shown} is no telephone number", "cli")
        return None if before in (number, text) else number

    def destination(self, value: JsonValue, before: str) -> str | None:
        """Return another number to go to, as the script wrote it; None: the one before."""
        text = as_text(value)
        if text is None or not text or len(text) > 64:
            raise self.wrong("routing.dest_number is no number", "dest_number")
        return None if text == before else text

    def headers(
        self, data: Mapping[str, JsonValue], routing: Mapping[str, JsonValue]
    ) -> tuple[Headers, dict[str, str]]:
        """Return the headers that go out, and of these those that say who pays, in small letters.

        They are those of `egress_routing`, less the ones that `remove_headers` names, and those that `data`
        and its routing have for all: to replace a header is to remove it and to add it.
        """
        rows = routing.get("egress_routing")
        if not isinstance(rows, list | None):
            raise self.wrong("routing.egress_routing is no list", "egress_routing")
        row = self.object(rows[0], "routing.egress_routing[0]") if rows else {}
        removed = {
            self._removed(one).lower()
            for place, name in ((row, "routing.egress_routing[0]"), (routing, "routing"), (data, "data"))
            for one in self._headers(place, name, "remove_headers")
        }
        pairs = [
            pair
            for one in self._headers(row, "routing.egress_routing[0]", "headers")
            if (pair := self._header(one))[0].lower() not in removed
        ]
        for place, name in ((routing, "routing"), (data, "data")):
            pairs += [self._header(one) for one in self._headers(place, name, "headers")]
        if len(pairs) > MAX_HEADERS + len(IDENTITY_HEADERS):
            raise self.wrong(f"there are more than {MAX_HEADERS} headers", "headers")
        identity = {name.lower(): text for name, text in pairs if name.lower() in IDENTITY_HEADERS}
        others = [(name, text) for name, text in pairs if name.lower() not in IDENTITY_HEADERS]
        for wrong in wrong_headers(name for name, _ in others):
            raise self.wrong(f"header {wrong.name} {wrong.why}; {wrong.mend}", wrong.name, *HEADER_FIELDS)
        return others, identity

    def _headers(self, place: Mapping[str, JsonValue], name: str, field: str) -> list[JsonValue]:
        value = place.get(field)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > MAX_HEADERS + len(IDENTITY_HEADERS):
            raise self.wrong(f"{name}.{field} is no list of at most {MAX_HEADERS} headers", field)
        return value

    def _removed(self, value: JsonValue) -> str:
        name = value.get("key") if isinstance(value, dict) else value
        if not isinstance(name, str):
            raise self.wrong("remove_headers: a header is named by its key", "remove_headers")
        return name

    def has_key(self, customer: str, key: str) -> bool:
        """Whether a key was made in this run, for this customer and this server."""
        places = (ticket.place for ticket in self.result.tickets if ticket.ticket == key)
        return (customer, self.server) in places

    def _header(self, value: JsonValue) -> tuple[str, str]:
        header = self.object(value, "a header", *HEADER_FIELDS)
        name, text = header.get("key"), as_text(header.get("value"))
        if header.get("value") is None:
            text = ""
        if not isinstance(name, str) or text is None:
            raise self.wrong("a header has a key and a value that are texts", *HEADER_FIELDS)
        if len(text) > MAX_HEADER_VALUE or not (text.isascii() and text.isprintable()):
            what = f"its value is one line of at most {MAX_HEADER_VALUE} ASCII characters"
            raise self.wrong(f"header {name[:64]}: {what}", name, *HEADER_FIELDS)
        return name, text


def wrong_result(script: Script, what: str, *field_names: str) -> ScriptFailed:
    """Return the error for a field of what a script gave back, with the line that sets it."""
    return ScriptFailed(FailureKind.BAD_RESULT, one_line(what, 300), script.place_of_field(*field_names))


def as_text(value: JsonValue) -> str | None:
    """Return a text, or a whole number as one; None for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
