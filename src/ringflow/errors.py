"""What can go wrong, sorted by who has to act.

========================  ============================================================
who acts                  what is raised
========================  ============================================================
author of a YAML file     `DocumentError`: every problem at once, each with its position
operator at the keyboard  `Refused` (the command was wrong: exit 1), `StartError` (the
                          surroundings are wrong: a port, a database, a secret: exit 2)
nobody                    `CallEnded`: the caller is gone; caught in one place
Asterisk, or us           `CommandRefused`, `ProtocolViolation`, `PeerSilent`
========================  ============================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class RingflowError(Exception):
    """Anything that Ringflow raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a file: where it stands, what it is, and how to mend it.

    `line` and `column` count from 1, as editors do; 0 means the file as a whole.
    """

    path: str
    line: int
    column: int
    what: str
    mend: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        line = f"{place}: {self.what}" + (f" ({self.mend})" if self.mend else "")
        # A file may say anything, and a terminal obeys control characters.
        return line if line.isprintable() else "".join(one if one.isprintable() else "?" for one in line)


class DocumentError(RingflowError):
    """A YAML, CSV or sound file that cannot be used, with all of its problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(DocumentError):
    """A `config.yaml` that cannot be used."""


class Refused(RingflowError):
    """A command or request that was understood and cannot be carried out; the text names the mend.

    `at` leads to the field that is wrong, if one is: ``("headers", "X-Tenant")``.
    """

    def __init__(self, text: str, at: tuple[str, ...] = ()) -> None:
        self.at = at
        super().__init__(text)

    @property
    def each(self) -> tuple[Refused, ...]:
        """What was refused, one by one."""
        return (self,)


class RefusedTogether(Refused):
    """Several things that are wrong with one command or request, a line each."""

    def __init__(self, refusals: Iterable[Refused]) -> None:
        self._each = tuple(refusals)
        super().__init__("\n".join(map(str, self._each)))

    @property
    def each(self) -> tuple[Refused, ...]:
        """What was refused, one by one."""
        return self._each


class StartError(RingflowError):
    """What Ringflow needs around it is missing or taken; one line, exit code 2."""


class CallEnded(RingflowError):
    """The caller's channel is gone, however Asterisk said so: a hang-up is never data.

    `how` is one of `hangup` (inline HANGUP line), `result` (``200 result=-1``), `dead`
    (``511``) and `eof` (the connection closed).
    """

    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__(f"the caller's channel is gone ({how})")


class CommandRefused(RingflowError):
    """Asterisk understood the line and would not do it (``510``, ``520``, or ``result=-2``)."""


class ProtocolViolation(RingflowError):
    """Bytes that FastAGI or AMI does not allow, from the peer or about to be sent by us."""


class PeerSilent(RingflowError):
    """Asterisk accepted a command and did not reply within its limit."""
