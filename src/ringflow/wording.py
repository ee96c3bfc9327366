"""What pydantic finds wrong in a file, said in words for its author, and the word they may have meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias

from pydantic_core import ErrorDetails

Words: TypeAlias = tuple[str, str]
"""What is wrong, and how to mend it ("" where there is nothing to add)."""

MAX_SHOWN = 60

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "path_type": "a path",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
"""For each of pydantic's complaints about a value's kind, the kind that was wanted."""


def _limit(value: object) -> str:
    """Return a limit as it is written: a number, or a day."""
    return f"{value:g}" if isinstance(value, int | float) else str(value)


_NUMBERS = frozenset({"a whole number", "a number"})
_WITH_UNIT = re.compile(r"([0-9]+(?:\.[0-9]+)?) *(ms|s|sec|seconds|m|min|h|d)", re.ASCII)
_LETTERS_FOR_DIGITS = str.maketrans("OoIl", "0011")

_KIND_MENDS = {
    "a whole number": "write digits only",
    "a number": "write digits only",
    "text": "put quotes around it",
    "a list": "write `- ` before each entry, or [one, two]",
    "a mapping": "write `key: value` lines",
}

_LIMITS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda limit: f"must be more than {_limit(limit['gt'])}",
    "greater_than_equal": lambda limit: f"must be at least {_limit(limit['ge'])}",
    "less_than": lambda limit: f"must be less than {_limit(limit['lt'])}",
    "less_than_equal": lambda limit: f"must be at most {_limit(limit['le'])}",
    "string_too_short": lambda limit: _at_least(limit["min_length"], "character"),
    "string_too_long": lambda limit: f"must have at most {limit['max_length']} characters",
    "too_short": lambda limit: _at_least(limit["min_length"], "entry"),
    "too_long": lambda limit: f"must have at most {limit['max_length']} entries",
}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None where none is near."""
    found = get_close_matches(word.lower(), {one.lower(): one for one in known}, n=1, cutoff=0.6)
    return next((one for one in sorted(known) if one.lower() == found[0]), None) if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A mend that names the nearest known word; `otherwise` where there is none near."""
    known = list(known)
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near else otherwise


def known_words(known: Iterable[str]) -> str:
    """`a, b, c`, sorted, as mends list what would be right."""
    return ", ".join(sorted(known))


def quoted(value: object) -> str:
    """A value of a file as a problem quotes it: on one line, shortened, without control characters."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = "".join(one if one.isprintable() else "?" for one in str(value)[: MAX_SHOWN + 1])
    return f"`{text[:MAX_SHOWN]}...`" if len(text) > MAX_SHOWN else f"`{text}`"


def is_about_kind(error: ErrorDetails) -> bool:
    """Whether a value is of another kind than was wanted, whatever it says."""
    return error["type"] in _KINDS


def in_words(name: str, errors: list[ErrorDetails], pattern_mends: Mapping[str, str]) -> Words:
    """Put into words what is wrong with the value called `name` (may be empty).

    `errors` has more than one entry where the value could have been of several kinds and is none of them.
    """
    subject = f"{quoted(name)} " if name else ""
    error = next((one for one in errors if not is_about_kind(one)), errors[0])
    value, context = error["input"], error.get("ctx", {})
    if is_about_kind(error):
        return _wrong_kind(subject, value, list(dict.fromkeys(_KINDS[one["type"]] for one in errors)))
    if error["type"] in _LIMITS:
        instead = f", not {quoted(value)}" if isinstance(value, int | float) else ""
        return f"{subject}{_LIMITS[error['type']](context)}{instead}", ""
    if error["type"] == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return f"{subject}cannot be {quoted(value)}", pattern_mends.get(pattern, f"it must match {pattern}")
    if error["type"] in ("literal_error", "enum"):
        return _none_of(subject, value, str(context["expected"]))
    if value is None and error["type"] == "value_error":
        return no_value(name)
    what, _, mend = str(error["msg"]).removeprefix("Value error, ").partition(" || ")
    return f"{subject.strip()}: {what}" if name else what, mend


def counted(number: int, of: str) -> str:
    """A number of things: `1 card`, `2 cards`, `2 entries`."""
    plural = of if number == 1 else f"{of.removesuffix('y')}{'ies' if of.endswith('y') else 's'}"
    return f"{number} {plural}"


def no_value(name: str) -> Words:
    """What to say of a key with nothing behind it."""
    return f"`{name}` has no value", "write one, or remove the key; # begins a comment unless in quotes"


def _none_of(subject: str, value: object, expected: str) -> Words:
    """What to say of a value that is none of those which pydantic lists as `'a', 'b' or 'c'`."""
    if expected == "True":
        return f"{subject}must be true, not {quoted(value)}", "write true"
    # Of a choice among some values of an enumeration, pydantic shows how Python would write each.
    expected = re.sub(r"<\w+\.\w+: ('[^']*')>", r"\1", expected)
    near = did_you_mean(value, re.findall("'([^']*)'", expected)) if isinstance(value, str) else ""
    return f"{subject}must be {expected}, not {quoted(value)}", near or "write one of them"


def _number_meant(value: object) -> str:
    """A mend with the number that a text was most likely meant to be."""
    if not isinstance(value, str):
        return "write digits only"
    if _WITH_UNIT.fullmatch(value):
        return "write the number alone, without a unit"
    digits = digits_meant(value.replace(",", ".", 1) if value.count(",") == 1 else value)
    return f"write {digits}" if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", digits) else "write digits only"


def digits_meant(text: str) -> str:
    """A number in which letters and digits of other scripts that look like digits are these; other text."""
    if not any(map(str.isdecimal, text)):
        return text
    digits = text.translate(_LETTERS_FOR_DIGITS)
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in digits)


def _wrong_kind(subject: str, value: object, wanted: list[str]) -> Words:
    mend = "" if len(wanted) > 1 else _KIND_MENDS.get(wanted[0], "")
    if wanted[0] in _NUMBERS and len(wanted) == 1:
        mend = _number_meant(value)
    if value is None and not subject:
        return "is empty", mend
    if value is None:
        return no_value(subject.strip(" `"))
    if wanted == ["text"] and isinstance(value, dict | list):
        is_one = isinstance(value, dict) or len(value) == 1
        mend = "text that begins with [ or { needs quotes" if is_one else "write one value only"
    if wanted == ["a path"]:
        mend = "write one path, in quotes"
    return f"{subject}must be {' or '.join(wanted)}, not {quoted(value)}", mend


def _at_least(number: int, of: str) -> str:
    return f"must have at least {counted(number, of)}"
