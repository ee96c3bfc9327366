"""What flows are checked against: the prompts there are, what every call knows, where DIDs lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ringflow.calls.variables import ALWAYS_SET, SOMETIMES_SET
from ringflow.config import Config


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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`entries` are apps that calls enter directly, besides those that no other app leads to.

    Without `prompts`, every prompt is taken to exist, without `calendars` every calendar; without
    `uri_hosts`, every host is taken to be allowed. With `other_apps` there may be any apps besides those that
    are checked. `language` is the one of prompts in no language's folder.
    """

    prompts: Prompts | None = None
    entries: frozenset[str] = frozenset()
    always_set: frozenset[str] = ALWAYS_SET
    sometimes_set: frozenset[str] = SOMETIMES_SET
    uri_hosts: frozenset[str] | None = None
    other_apps: bool = False
    calendars: CalendarsKnown | None = None
    language: str = "en"


def configured_surroundings(config: Config, prompts: Prompts) -> Surroundings:
    """What the configuration says of the DIDs that lead to flows, and of the hosts that may be dialled."""
    entries = frozenset(did.app for did in config.dids)
    return Surroundings(
        prompts=prompts, entries=entries, uri_hosts=config.allowed_uri_hosts, language=config.language
    )
