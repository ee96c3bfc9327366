"""Calls that are refused before they are understood: no handler and no database has seen them."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.agi.wire import command_line


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why calls are refused, and the SIP code that Asterisk sends for the Q.850 cause of its `Hangup`.

    Every release has `Hangup`; docs/asterisk-facts.md has the codes.
    """

    sip: int
    reason: str
    cause: int

    @property
    def last_line(self) -> bytes:
        """The one command that is sent before the connection is closed."""
        return command_line("EXEC Hangup", str(self.cause))


OVERLOADED = Refusal(503, "Overloaded", 34)
"""Asterisk replies too late for the calls that are in progress; see `agi.overload`."""

CALLS_PER_SECOND = Refusal(503, "Calls Per Second Full", 34)
"""More calls in a second than the configuration allows."""

CALLS_FULL = Refusal(503, "Calls Full", 34)
"""As many calls are in progress as the configuration allows."""

HEADERS_REFUSED = Refusal(403, "Headers Refused", 21)
"""A value of the network, such as a CLI with a line feed in it, made headers that Asterisk never sends."""

HEADERS_INCOMPLETE = Refusal(403, "Headers Incomplete", 21)
"""The headers began and were not whole in time."""


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """One call that was refused; `did` None: its headers were not read. `did` and `cli` are hostile text."""

    refusal: Refusal
    did: str | None = None
    cli: str | None = None
    detail: str = ""
