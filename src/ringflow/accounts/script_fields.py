"""What a DID or a trunk says of a script that runs for it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ringflow.accounts.fields import Trying
from ringflow.errors import Refused
from ringflow.plain_text import plain

SCRIPT_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
SHORTEST_S, LONGEST_S = 0.01, 10.0
MAX_VARS = 8192
FAILED = (503, "Script Failed")
"""What becomes of a call whose script fails, where its DID does not say."""
TO_APP = "app"
"""The fallback by which a call whose script fails comes to its app as if there were no script."""

TO_TRUNK = "dial"
"""The fallback by which a trunk whose script fails is dialled as if there were no script."""
SKIP = "skip"
"""The fallback by which the next trunk is tried in place of one whose script fails."""

_FALLBACK = re.compile(r"([4-6][0-9]{2})(?: ([ -~]{1,80}))?")


@dataclass(frozen=True, slots=True)
class ScriptFields:
    """The fields of one script. `prefix`: what stands before their names, such as `hangup_`."""

    script: str | None
    timeout_s: float | None
    script_vars: str | None
    fallback: str | None = None
    prefix: str = ""


def sip_fallback(text: str) -> tuple[int, str] | None:
    """Return the code and the reason of a fallback such as `503 Try Later`; None: it is none."""
    found = _FALLBACK.fullmatch(text)
    return (int(found[1]), found[2] or "Script Failed") if found else None


def check_script_fields(fields: ScriptFields, words: Sequence[str], trying: Trying) -> None:
    """Note every field that is wrong by itself. `words`: what the fallback may be besides a SIP code."""
    script, timeout_s, fallback = fields.script, fields.timeout_s, fields.fallback
    with trying:
        if script is not None and not re.fullmatch(SCRIPT_NAME_PATTERN, script):
            what = (
                f"script `{plain(script)}`: write its file's name without .js: letters, digits, `_` and `-`"
            )
            raise Refused("script.malformed_name", what, (f"{fields.prefix}script",), script=script)
    with trying:
        if timeout_s is not None and not SHORTEST_S <= timeout_s <= LONGEST_S:
            raise Refused(
                "script.malformed_timeout",
                f"script timeout {timeout_s:g}: write seconds, {SHORTEST_S:g} to {LONGEST_S:g}",
                (f"{fields.prefix}script_timeout_s",),
            )
    with trying:
        if fallback is not None and fallback not in words and sip_fallback(fallback) is None:
            raise Refused(
                "script.malformed_fallback",
                f"script fallback `{plain(fallback)}`: write a SIP code of 400 to 699 and a reason, such as "
                f"`503 Try Later`, or {' or '.join(f'`{word}`' for word in words)}",
                (f"{fields.prefix}script_fallback",),
                fallback=fallback,
            )
    with trying:
        if fields.script_vars is not None and not _is_object(fields.script_vars):
            raise Refused(
                "script.malformed_vars",
                f"script vars: write a JSON object of at most {MAX_VARS} characters, such as "
                '`{"brand": "acme"}`',
                (f"{fields.prefix}script_vars",),
            )


def _is_object(text: str) -> bool:
    try:
        return len(text) <= MAX_VARS and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
