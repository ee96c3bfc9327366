"""Regular expressions in flows: RE2's, whose running time grows with the text only, whatever they say."""

from __future__ import annotations

from typing import Annotated

import re2
from pydantic import AfterValidator

from ringflow.wording import quoted

_RE2_MENDS = {
    "missing )": "close the ( by a )",
    "unexpected )": "remove the ), or write \\) for the character",
    "missing ]": "close the [ by a ]",
    "no argument for repetition operator": "write \\* for the key *, or what is repeated in front of it",
    "bad repetition operator": "write one of * + ? only",
    "invalid escape sequence": "write \\d for a digit, \\* for the key *",
    "invalid repetition size": "write {3} or {3,5}, at most 1000",
    "invalid character class range": "write the lower end of the range first",
    "invalid perl operator": "leave it out: RE2 has no look-around",
    "trailing \\": "remove the \\ at its end",
}
"""What to do about what RE2 complains of (re2.cc, in its own words)."""


def checked_regex(text: str) -> str:
    """The text itself. Raises ValueError where RE2 cannot take it, with what to write after ` || `."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        what, _, where = reason.partition(": ")
        mend = _RE2_MENDS.get(what, "see https://github.com/google/re2/wiki/Syntax")
        at = f" in {quoted(where)}" if where else ""
        raise ValueError(f"not a regular expression of RE2: {what}{at} || {mend}") from None
    return text


def matches_whole(pattern: str, text: str) -> bool:
    """Whether the whole of a text is as the pattern says."""
    return re2.fullmatch(pattern, text) is not None


Regex = Annotated[str, AfterValidator(checked_regex)]
"""A regular expression of RE2 that was tried when the flow was loaded."""
