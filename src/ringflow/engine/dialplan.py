"""Whether the dialplan that a call came through is one that this Ringflow can rely on.

`ringflow asterisk config` writes the version of the contract (docs/architecture.md) into the dialplan, which
says it with every call: `AGI(agi://.../call,VERSION)`. Older dialplans than that say nothing.
"""

from __future__ import annotations

import structlog

from ringflow.accounts.admission import Rejection
from ringflow.agi.request import AgiRequest
from ringflow.calls.asterisk_identity import asterisk_of_call
from ringflow.plain_text import plain

log = structlog.get_logger("ringflow.engine")

DIALPLAN_VERSION = 5
"""Raised by each change after which an older dialplan would lose headers, money or records of a call.

A newer dialplan serves an older Ringflow too: what it no longer needs goes only when nobody can need it.
"""

UNVERSIONED = 1
"""What a dialplan counts as that does not say its version."""

# 503: nothing is wrong with the number or the caller, and another way to the DID may be in order.
OUTDATED = Rejection(503, "Dialplan Outdated")
MEND = "run `ringflow asterisk config` again, and `dialplan reload` in Asterisk"
UNNAMED = (
    "the call does not say which Asterisk it is on, and if its server dies nobody may judge it: load the "
    "modules that the head of extensions_ringflow.conf names, and `dialplan reload`"
)

_CURRENT = str(DIALPLAN_VERSION)


class DialplanCheck:
    """Lets calls in by the version of their dialplan. `last`: that of the last call, None before any.

    `is_named`: whether the last call said which Asterisk it is on.
    """

    def __init__(self) -> None:
        self.last: int | None = None
        self.is_named = True
        self._told: set[int] = set()

    def refuse(self, request: AgiRequest) -> Rejection | None:
        """Why a call must not go on, if so. Each version that is too old is said in the log once."""
        said = request.headers.get("agi_arg_1", "")
        self.last = DIALPLAN_VERSION if said == _CURRENT else _read(said)
        if self.is_current:
            self._look_for_name(request)
            return None
        if self.last not in self._told:
            self._told.add(self.last)
            log.error("dialplan outdated", calls="rejected", has=self.last, needs=DIALPLAN_VERSION, mend=MEND)
        return OUTDATED

    def _look_for_name(self, request: AgiRequest) -> None:
        named = bool(asterisk_of_call(request))
        if self.is_named and not named:
            log.error("asterisk unnamed", channel=plain(request.channel), mend=UNNAMED)
        self.is_named = named

    @property
    def is_current(self) -> bool:
        """Whether the last call's dialplan was in order, or no call has come yet."""
        return self.last is None or self.last >= DIALPLAN_VERSION

    @property
    def detail(self) -> str:
        """Describe the dialplan's version that the last call had, for the readiness page."""
        if self.last is None:
            return f"no call yet; version {DIALPLAN_VERSION} is needed"
        if not self.is_current:
            return f"version {self.last} is older than {DIALPLAN_VERSION}: {MEND}"
        return f"version {self.last}" + ("" if self.is_named else f"; {UNNAMED}")


def _read(said: str) -> int:
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= 4 else UNVERSIONED
