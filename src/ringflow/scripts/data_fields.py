"""The fields of `data`, wherever scripts run: what `script check` knows, and what editors are told.

The types are TypeScript's. A test compares the fields with what scripts are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ringflow.errors import Problem
from ringflow.scripts.script import Script
from ringflow.scripts.tokens import Token, tokens
from ringflow.wording import did_you_mean, known_words


@dataclass(frozen=True, slots=True)
class DataField:
    """A field: its type, what it is, and the fields in it. `is_everywhere`: wherever scripts run."""

    type: str
    what: str
    fields: Mapping[str, DataField] = field(default_factory=dict)
    is_everywhere: bool = True


def _texts(**fields: str) -> dict[str, DataField]:
    return {name: DataField("string", what) for name, what in fields.items()}


_HEADERS = DataField("Header[]", "headers that go out with every leg, besides", is_everywhere=False)
_REMOVED = DataField("{ key: string }[]", "headers that do not go out", is_everywhere=False)

FIELDS: Mapping[str, DataField] = {
    "routing": DataField(
        "",
        "the call as scripts of elsewhere know it",
        {
            **_texts(
                cli="the calling number in E.164, or empty",
                dest_number="the number that is called",
                server="the name of this server, for security keys",
            ),
            "account_id": DataField("number | null", "the customer who pays"),
            "egress_routing": DataField("Way[]", "the way out, with its headers", is_everywhere=False),
            "headers": _HEADERS,
            "remove_headers": _REMOVED,
        },
    ),
    "vars": DataField("Record<string, any>", "what the DID, trunk or slot gives the script"),
    "did": DataField(
        "",
        "the DID that was dialled",
        {
            **_texts(number="its number", app="its app"),
            "identify": DataField("string", "`cli` or `none`", is_everywhere=False),
            "customer": DataField("number | null", "whose it is", is_everywhere=False),
        },
    ),
    "call": DataField(
        "",
        "the call",
        {
            "id": DataField("string", "its ID"),
            "channel": DataField("string", "Asterisk's channel", is_everywhere=False),
            "trunk": DataField("string", "where it came from", is_everywhere=False),
            "cli": DataField("string", "the calling number, of a trunk's script", is_everywhere=False),
            "withheld": DataField("boolean", "whether the caller withholds the number", is_everywhere=False),
            "answered": DataField("boolean", "whether it is answered, in a slot", is_everywhere=False),
        },
    ),
    "customer": DataField(
        "",
        "who pays, or null",
        {
            "id": DataField("number", "the customer's number"),
            **_texts(name="its name", status="`active` and others", currency="such as USD"),
        },
    ),
    "variables": DataField("Record<string, any>", "the app's variables", is_everywhere=False),
    "attestation": DataField(
        "Record<string, any> | null", "what STIR/SHAKEN attests, where it is known", is_everywhere=False
    ),
    "exit": DataField("string | null", "in a slot: the exit by which it ends", is_everywhere=False),
    "skip": DataField("boolean", "of a trunk: whether it is passed over", is_everywhere=False),
    "trunk": DataField(
        "",
        "the trunk whose script it is",
        {
            "name": DataField("string", "its name"),
            "position": DataField("number", "its place in the order"),
            "rated": DataField("string", "`local` or `upstream`"),
        },
        is_everywhere=False,
    ),
    "leg": DataField(
        "",
        "the leg that is about to be dialled",
        {
            "number": DataField("number", "which attempt of the call it is"),
            "keyed": DataField("string", "the number as it was keyed"),
            "earlier": DataField("{ trunk: string; status: string; sip: number | null }[]", "those before"),
        },
        is_everywhere=False,
    ),
    "record": DataField("Record<string, any>", "of a call that is over: its record", is_everywhere=False),
    "headers": _HEADERS,
    "remove_headers": _REMOVED,
    "egress_routing": DataField("Way[]", "the same as `routing.egress_routing`", is_everywhere=False),
}


def unknown_fields(script: Script) -> Iterator[Problem]:
    """Return the fields that `main` reads of what it is given and that are not there, each once.

    A field right in `data` may be one of the vars, so it is reported only where it is nearly a known one. A
    script that has another thing of the same name is not looked at.
    """
    found = list(tokens(script.source))
    given = _parameter(found)
    if given is None or _is_ambiguous(found, given):
        return
    members = list(_members(found, given))
    set_there = {tuple(one.text for one in path) for path, after in members if after == "="}
    seen = set(set_there)
    for path, after in members:
        names = tuple(one.text for one in path)
        holder = FIELDS if len(path) == 1 else FIELDS[path[0].text].fields if path[0].text in FIELDS else {}
        if names in seen or after == "(" or not holder or names[-1] in holder:
            continue
        near = did_you_mean(names[-1], sorted(holder))
        if len(path) == 1 and not near:
            continue
        seen.add(names)
        place = script.place_at_offset(path[-1].start)
        what = f"there is no field {'.'.join((given, *names))}"
        yield Problem(place.file, place.line, place.column, what, near or known_words(sorted(holder)))


def _parameter(found: Sequence[Token]) -> str | None:
    """Return what `function main(...)` calls its first parameter."""
    for word, mark, name in zip(found, found[1:], found[2:], strict=False):
        if word.text == "main" and mark.text == "(" and name.kind == "word":
            return name.text
    return None


def _is_ambiguous(found: Sequence[Token], name: str) -> bool:
    """Whether something else may have the name: another parameter, a variable, a part of a pattern."""
    bound = 0
    for before, word, after in zip(found, found[1:], found[2:], strict=False):
        if word.text == name and (
            before.text in ("const", "let", "var", "function")
            or after.text == "=>"
            or (before.text in ("(", "{", ",") and after.text in (")", "}", ",", "="))
        ):
            bound += 1
    # Once in main's own head.
    return bound > 1


def _members(found: Sequence[Token], name: str) -> Iterator[tuple[list[Token], str]]:
    """Return the fields that are named behind it, one or two of them, and the text that follows."""
    for at, word in enumerate(found):
        if word.text != name or (at and found[at - 1].text in (".", "?.")):
            continue
        path: list[Token] = []
        while at + 2 < len(found) and found[at + 1].text in (".", "?.") and found[at + 2].kind == "word":
            path.append(found[at + 2])
            at += 2
            after = found[at + 1].text if at + 1 < len(found) else ""
            yield [*path], after
            if len(path) == 2:
                break
