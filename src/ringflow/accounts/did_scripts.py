"""What a DID says of the script that runs before its app."""

from __future__ import annotations

import json
import re

from ringflow.accounts.fields import Trying
from ringflow.errors import Refused
from ringflow.plain_text import plain

SCRIPT_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
SHORTEST_S, LONGEST_S = 0.01, 10.0
MAX_VARS = 8192
TO_APP = "app"
"""The fallback by which a call whose script fails comes to its app as if there were no script."""

_FALLBACK = re.compile(r"([4-6][0-9]{2})(?: ([ -~]{1,80}))?")


def sip_fallback(text: str) -> tuple[int, str] | None:
    """Return the code and the reason of a fallback such as `503 Try Later`; None: it is none."""
    found = _FALLBACK.fullmatch(text)
    return (int(found[1]), found[2] or "Script Failed") if found else None


def check_script_fields(
    script: str | None, timeout_s: float | None, fallback: str | None, script_vars: str | None, trying: Trying
) -> None:
    """Note every field that is wrong by itself."""
    with trying:
        if script is not None and not re.fullmatch(SCRIPT_NAME_PATTERN, script):
            what = (
                f"script `{plain(script)}`: write its file's name without .js: letters, digits, `_` and `-`"
            )
            raise Refused("did.malformed_script", what, ("script",), script=script)
    with trying:
        if timeout_s is not None and not SHORTEST_S <= timeout_s <= LONGEST_S:
            raise Refused(
                "did.malformed_script_timeout",
                f"script timeout {timeout_s:g}: write seconds, {SHORTEST_S:g} to {LONGEST_S:g}",
                ("script_timeout_s",),
            )
    with trying:
        if fallback is not None and fallback != TO_APP and sip_fallback(fallback) is None:
            raise Refused(
                "did.malformed_script_fallback",
                f"script fallback `{plain(fallback)}`: write a SIP code of 400 to 699 and a reason, such as "
                "`503 Try Later`, or `app`",
                ("script_fallback",),
                fallback=fallback,
            )
    with trying:
        if script_vars is not None and not _is_object(script_vars):
            raise Refused(
                "did.malformed_script_vars",
                f"script vars: write a JSON object of at most {MAX_VARS} characters, such as "
                '`{"brand": "acme"}`',
                ("script_vars",),
            )


def _is_object(text: str) -> bool:
    try:
        return len(text) <= MAX_VARS and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
