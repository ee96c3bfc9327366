"""After which final responses of a trunk the next one is tried: codes such as `408`, classes such as `5xx`.

A 6xx is the callee's last word, wherever it was asked (RFC 3261, 21.6), so none can be on the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ringflow.accounts.fields import trying_all
from ringflow.errors import Refused
from ringflow.plain_text import plain

_ANSWER = re.compile(r"[3-5](?:xx|[0-9]{2})", re.ASCII)
_LAST_WORD = re.compile(r"6(?:xx|[0-9]{2})", re.ASCII)


def checked_failover(answers: Iterable[str]) -> tuple[str, ...]:
    """The list sorted, each entry once, in small letters. Raises `Refused` for what no trunk may have."""
    read = sorted({answer.lower() for answer in answers})
    with trying_all() as trying:
        for answer in read:
            with trying:
                _check(answer)
    return tuple(read)


def fails_over(failover: Iterable[str], sip_code: int) -> bool:
    """Whether the next trunk is tried after this final response."""
    return not {str(sip_code), f"{sip_code // 100}xx"}.isdisjoint(failover)


def _check(answer: str) -> None:
    if _LAST_WORD.fullmatch(answer):
        what = f"failover `{plain(answer)}`: a callee who answers 6xx is not asked through another trunk"
        raise Refused("trunk.malformed_failover", f"{what}; take it out", ("failover",), answer=answer)
    if not _ANSWER.fullmatch(answer):
        raise Refused(
            "trunk.malformed_failover",
            f"failover `{plain(answer)}`: write a SIP code such as 408, or a class such as 5xx",
            ("failover",),
            answer=answer,
        )
