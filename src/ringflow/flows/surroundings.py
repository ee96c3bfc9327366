"""What flows are checked against: the prompts there are, what every call knows, where DIDs lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from ringflow.calls.variables import ALWAYS_SET, SOMETIMES_SET
from ringflow.config import Config, SpeechConfig
from ringflow.scripts.exit_names import ExitNames
from ringflow.sounds.utterance import Utterance
from ringflow.sounds.voices import Voices
from ringflow.speaking import voice_of


class Prompts(Protocol):
    """The prompts there are; the prompt library is one."""

    def exists(self, name: str) -> bool:
        """Whether there is anything to play."""
        ...

    def suggest(self, name: str) -> tuple[str, ...]:
        """The names nearest to one that is not there, best first."""
        ...


class CalendarsKnown(Protocol):
    """The calendars there are, in the database and in files."""

    def trouble(self, calendar: str | None, file: str | None) -> tuple[str, str]:
        """What is wrong with one, and what to do; two empty texts where nothing is, or it is not known."""
        ...


class ScriptsKnown(Protocol):
    """The scripts there are; the folder of scripts is one."""

    def trouble(self, name: str) -> tuple[str, str]:
        """What keeps a script from being run, and what to do; two empty texts where nothing does."""
        ...

    def exits(self, name: str) -> ExitNames | None:
        """The exits that a script names; None where it cannot be read."""
        ...


class PromptsSeen:
    """Prompts that are each looked for once: hundreds of flows play the same few."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self._there: dict[str, bool] = {}

    def exists(self, name: str) -> bool:
        """Whether there was anything to play when it was first asked."""
        there = self._there.get(name)
        if there is None:
            there = self._there[name] = self._prompts.exists(name)
        return there

    def suggest(self, name: str) -> tuple[str, ...]:
        """The names nearest to one that is not there, best first."""
        return self._prompts.suggest(name)


class Speaking(Protocol):
    """What speaks texts."""

    def lacks(self, utterance: Utterance) -> tuple[str, str] | None:
        """Why a text like this cannot be spoken, and what to do; None: nothing that is known."""
        ...


class VoicesSeen:
    """Voices that are each asked once."""

    def __init__(self, voices: Speaking) -> None:
        self.lacks = cache(voices.lacks)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`entries` are apps that calls enter directly, besides those that no other app leads to.

    Without `prompts`, every prompt is taken to exist, without `calendars` every calendar, without `lists`
    every value list, without `scripts` every script; without `uri_hosts`, every host is taken to be allowed.
    Without `asked_hosts` and `request_secrets` flows may ask every host and name every secret.
    With `other_apps` there may be
    any apps besides those that are checked. `language` is the one of prompts in no language's folder,
    `voices` speak texts.
    """

    prompts: Prompts | None = None
    entries: frozenset[str] = frozenset()
    always_set: frozenset[str] = ALWAYS_SET
    sometimes_set: frozenset[str] = SOMETIMES_SET
    uri_hosts: frozenset[str] | None = None
    other_apps: bool = False
    calendars: CalendarsKnown | None = None
    language: str = "en"
    voices: Speaking = field(default_factory=lambda: Voices(SpeechConfig(), {}, voice_of))
    lists: frozenset[str] | None = None
    scripts: ScriptsKnown | None = None
    asked_hosts: frozenset[str] | None = None
    request_secrets: frozenset[str] | None = None


def configured_surroundings(config: Config, prompts: Prompts) -> Surroundings:
    """What the configuration says of the DIDs that lead to flows, and of the hosts that may be dialled."""
    entries = frozenset(did.app for did in config.dids)
    return Surroundings(
        prompts=prompts,
        entries=entries,
        uri_hosts=config.allowed_uri_hosts,
        language=config.language,
        voices=Voices.configured(config, voice_of),
        asked_hosts=config.http_requests.allowed_hosts,
        request_secrets=frozenset(config.http_requests.secrets),
    )
