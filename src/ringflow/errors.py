"""What can go wrong, sorted by who has to act.

========================  ============================================================
who acts                  what is raised
========================  ============================================================
author of a YAML file     `DocumentError`: every problem at once, each with its position
operator or API client    `Refused`, with a code and fields (what was asked for is wrong: exit 1),
                          `StartError` (the surroundings are wrong: a port, a database, a
                          secret: exit 2)
nobody                    `ChannelGone`: the caller is gone; caught in one place
Asterisk, or us           `CommandRefused`, `ProtocolViolation`, `PeerSilent`
========================  ============================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self, TypeAlias

Field: TypeAlias = "str | int | bool | Sequence[str] | None"
"""A value that an error names: for programs, and for the hints of those who show the error."""


class RingflowError(Exception):
    """Anything that Ringflow raises on purpose.

    `code` says what is wrong, for programs: `docs/errors.md` lists them all. `fields` name what it is about.
    """

    code = "error"

    @property
    def fields(self) -> Mapping[str, Field]:
        """What the error is about, by name."""
        return {}


class ProblemCode(StrEnum):
    """What kind of problem it is, for programs: these names stay, while the words are improved."""

    FILE = "file"
    """Something else, or something about the file as a whole."""
    SYNTAX = "syntax"
    """It is no YAML, or reads otherwise than it looks."""
    KEY_UNKNOWN = "key_unknown"
    KEY_MISPLACED = "key_misplaced"
    KEY_MISSING = "key_missing"
    VALUE_WRONG = "value_wrong"
    CONTRADICTION = "contradiction"
    """Fields of one slot that are each right by themselves."""
    SLOT_TYPE_UNKNOWN = "slot_type_unknown"
    ID_TAKEN = "id_taken"
    TARGET_UNKNOWN = "target_unknown"
    """An exit leads to no slot that is there."""
    APP_UNKNOWN = "app_unknown"
    APP_TAKEN = "app_taken"
    EXIT_UNKNOWN = "exit_unknown"
    """The slot's type has no such exit, the slot does not end by it, or it stands in the wrong place."""
    PROMPT_UNKNOWN = "prompt_unknown"
    WORDS_LACKING = "words_lacking"
    """Prompts of numbers and the like are lacking in a language."""
    VOICE_LACKING = "voice_lacking"
    LIST_UNKNOWN = "list_unknown"
    CALENDAR_UNUSABLE = "calendar_unusable"
    SCRIPT_UNUSABLE = "script_unusable"
    """A script is not there or cannot be read, or its exits are not those of the slot."""
    HOST_FORBIDDEN = "host_forbidden"
    SECRET_UNKNOWN = "secret_unknown"  # noqa: S105 -- a kind, not a secret
    OVERRIDE_UNKNOWN = "override_unknown"
    VARIABLE_UNSET = "variable_unset"
    VARIABLE_RESERVED = "variable_reserved"
    SECRET_SAID = "secret_said"  # noqa: S105 -- a kind, not a secret
    SLOT_UNREACHABLE = "slot_unreachable"
    LOOP_ENDLESS = "loop_endless"
    CALLER_NEEDED = "caller_needed"
    """A slot of `on_hangup` needs a caller, or leads out of it."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a file: where it stands, what it is, and how to mend it.

    `line` and `column` count from 1, as editors do; 0 means the file as a whole. A setting by which a file is
    read stands in the text as ‹map›: each face writes it as its own, such as the option `--map`.
    """

    path: str
    line: int
    column: int
    what: str
    mend: str = ""
    code: ProblemCode = field(default=ProblemCode.FILE, compare=False)

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        line = f"{place}: {self.what}" + (f" ({self.mend})" if self.mend else "")
        # A file may say anything, and a terminal obeys control characters.
        return line if line.isprintable() else "".join(one if one.isprintable() else "?" for one in line)


class DocumentError(RingflowError):
    """A YAML, CSV or sound file that cannot be used, with all of its problems."""

    code = "document.faulty"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(DocumentError):
    """A `config.yaml` that cannot be used."""


class Refused(RingflowError):
    """A command or request that was understood and cannot be carried out.

    The text is for people and speaks of no face: the command line, the API and the console each add their
    own hint to a code. `at` leads to the field that is wrong, if one is: ``("headers", "X-Tenant")``.
    """

    def __init__(self, code: str, text: str, at: tuple[str, ...] = (), **fields: Field) -> None:
        self.code = code
        self.at = at
        self._fields = fields
        super().__init__(text)

    @property
    def fields(self) -> Mapping[str, Field]:
        """What the error is about, by name."""
        return self._fields

    @property
    def each(self) -> tuple[Refused, ...]:
        """What was refused, one by one."""
        return (self,)

    def reworded(self, text: str, at: tuple[str, ...] | None = None) -> Self:
        """Return the same in other words, for a caller who knows more of the place."""
        kind = type(self)
        other = kind.__new__(kind, text)
        other.__dict__.update(self.__dict__)
        other.at = self.at if at is None else at
        return other


class Unknown(Refused):
    """It names something that is not there."""


class Conflict(Refused):
    """It is at odds with what is there."""


class Forbidden(Refused):
    """Who asks for it may not do it."""


class RefusedTogether(Refused):
    """Several things that are wrong with one command or request, a line each."""

    def __init__(self, refusals: Iterable[Refused]) -> None:
        self._each = tuple(refusals)
        super().__init__("several", "\n".join(map(str, self._each)))

    @property
    def each(self) -> tuple[Refused, ...]:
        """What was refused, one by one."""
        return self._each


class StartError(RingflowError):
    """What Ringflow needs around it is missing or taken; one line, exit code 2."""

    def __init__(self, text: str, code: str = "start.impossible", **fields: Field) -> None:
        self.code = code
        self._fields = fields
        super().__init__(text)

    @property
    def fields(self) -> Mapping[str, Field]:
        """What the error is about, by name."""
        return self._fields


class ChannelGone(RingflowError):
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
