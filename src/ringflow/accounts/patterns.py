"""Regular expressions of operators, matched in linear time by RE2: no pattern can make callers wait."""

from __future__ import annotations

import re
from typing import Protocol

import re2

from ringflow.accounts.pattern_reach import can_match_a_number
from ringflow.errors import Refused
from ringflow.plain_text import plain

MAX_PATTERN = 256

_PREFIXED = re.compile(r"^(\^?)(?:\\\+|\[\+\]|00|011)")
_UNBOUNDED = re.compile(r"\(\?<?[=!]|\\[1-9]")


class Pattern(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> object | None:
        """Something when the pattern occurs anywhere in `text`, None otherwise."""


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern in RE2's syntax (https://github.com/google/re2/wiki/Syntax).

    Raises `Refused` for one that RE2 cannot take: look-around and back-references need unbounded time.
    """
    if not text or len(text) > MAX_PATTERN or not text.isascii() or not text.isprintable():
        raise Refused(
            "pattern.malformed",
            f"pattern `{plain(text)}`: write 1 to {MAX_PATTERN} printable ASCII characters",
            pattern=text,
        )
    options = re2.Options()
    options.log_errors = False  # RE2 would write to the process's standard error itself
    options.max_mem = 1 << 20
    try:
        compiled: Pattern = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else error
        unbounded = _UNBOUNDED.search(text)
        mend = "; RE2 takes no look-around (?= ?! ?<) and no back-references" if unbounded else ""
        raise Refused(
            "pattern.malformed", f"pattern `{plain(text)}`: {reason}{mend}", pattern=text
        ) from error
    return compiled


def check_reach(text: str) -> None:
    """Raise `Refused` for a pattern of RE2 that neither a caller's number nor the empty text can match."""
    if can_match_a_number(text):
        return
    bare = _PREFIXED.sub(r"\1", text)
    mend = f"write {plain(bare)}" if bare != text and can_match_a_number(bare) else "write one such as ^44191"
    raise Refused(
        "pattern.matches_nothing",
        f"pattern `{plain(text)}` can match no number: it is searched in E.164 digits such as 441910000001, "
        f"which have no plus, no 00 and no national 0, and the lengths of their country; {mend}",
        pattern=text,
    )
