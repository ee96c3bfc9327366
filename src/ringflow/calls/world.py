"""What all calls of a server share: prompts' place, trunks, keys, limits, the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from random import Random, SystemRandom
from typing import TYPE_CHECKING

from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.directory import Directory
from ringflow.accounts.security_key import SecurityKeys
from ringflow.accounts.trunks import Trunk
from ringflow.accounts.value_lists.look_up import ValueLists
from ringflow.calendars.calendars import Calendars
from ringflow.calls.charging import Charging
from ringflow.calls.clock import Clock, SystemClock
from ringflow.calls.echo import ECHO
from ringflow.calls.http_requests import HttpRequests, NoRequests
from ringflow.calls.manager import Manager
from ringflow.calls.prompt import Voice
from ringflow.config import Config
from ringflow.recordings.service import Recordings
from ringflow.scripts.key_values import KeyValues
from ringflow.scripts.service import Scripts
from ringflow.sounds.library import PromptLibrary, is_prompt_name

if TYPE_CHECKING:
    from ringflow.calls.originator import Originator


async def _no_patterns() -> tuple[str, ...]:
    return ()


def _unforeseen(cli: str | None) -> Random:
    return SystemRandom()


async def _none() -> frozenset[str]:
    return frozenset()


def _no_prompt(name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class CallWorld:
    """`trunks` gives the enabled ones in the order in which they are tried; `may_call` says whether the
    customer with an id is active now.

    Without `charging` nothing is charged; without `caller_accounts` callers cannot ask about accounts;
    without a `manager` a key that ends a leg does so when it is pressed, and a talk ends with what was held
    before it.
    `voice` speaks texts of flows; without one they are left out. Without `recordings` nobody is recorded.
    `echo` is what is dialled for a caller to hear himself.
    `language` is that of prompts in no language's folder; `has_prompt` says whether the library has a prompt.
    `warning`: the prompt that the credit of a talk ends. `trunks_with_card` gives the names of the trunks
    that have a rate card of their own, `keyed_patterns` what any trunk dials as it is keyed. `country` is
    where national numbers belong, `zone` what clocks show there. Without `calendars` no day is a holiday, and
    nobody overrides opening hours; without `value_lists` there are no lists, and without `scripts` no
    script runs. `kept_values` are those that scripts keep too, `requests` carries out what flows ask of other
    hosts. `random_for` makes the source of
    chance of a call with this CLI: scenarios have one that is the same each time. `originator` has somebody
    called for a flow; without one nobody is.
    """

    trunks: Callable[[], Awaitable[tuple[Trunk, ...]]]
    may_call: Callable[[int], Awaitable[bool]]
    security_keys: SecurityKeys
    asterisk_sounds: str
    apology: str
    uri_dial: str
    uri_hosts: frozenset[str] = frozenset()
    country: str = "US"
    zone: tzinfo = UTC
    calendars: Calendars | None = None
    language: str = "en"
    has_prompt: Callable[[str], bool] = _no_prompt
    charging: Charging | None = None
    caller_accounts: CallerAccounts | None = None
    manager: Manager | None = None
    warning: str = ""
    voice: Voice | None = None
    recordings: Recordings | None = None
    echo: str = ECHO
    trunks_with_card: Callable[[], Awaitable[frozenset[str]]] = _none
    keyed_patterns: Callable[[], Awaitable[tuple[str, ...]]] = _no_patterns
    clock: Clock = field(default_factory=SystemClock)
    value_lists: ValueLists | None = None
    scripts: Scripts | None = None
    kept_values: KeyValues | None = None
    requests: HttpRequests = field(default_factory=NoRequests)
    random_for: Callable[[str | None], Random] = _unforeseen
    originator: Originator | None = None

    @classmethod
    def configured(
        cls,
        config: Config,
        directory: Directory,
        security_keys: SecurityKeys,
        clock: Clock,
        *,
        charging: Charging | None = None,
        caller_accounts: CallerAccounts | None = None,
        calendars: Calendars | None = None,
        voice: Voice | None = None,
        recordings: Recordings | None = None,
        value_lists: ValueLists | None = None,
        scripts: Scripts | None = None,
        kept_values: KeyValues | None = None,
        requests: HttpRequests | None = None,
    ) -> CallWorld:
        """The world that a configuration describes, on this directory."""
        return cls(
            trunks=directory.trunks,
            trunks_with_card=directory.trunks_with_card,
            keyed_patterns=directory.keyed_patterns,
            may_call=directory.may_call,
            security_keys=security_keys,
            asterisk_sounds=config.asterisk_sounds,
            apology=config.apology,
            warning=config.charging.warning,
            uri_dial=config.uri_dial,
            uri_hosts=config.allowed_uri_hosts,
            country=config.country,
            zone=config.zone,
            calendars=calendars,
            language=config.language,
            has_prompt=PromptLibrary(config.path(config.sounds.folder)).exists,
            charging=charging,
            caller_accounts=caller_accounts,
            voice=voice,
            recordings=recordings,
            value_lists=value_lists,
            scripts=scripts,
            kept_values=kept_values,
            requests=requests or NoRequests(),
            clock=clock,
        )

    def asterisk_prompt(self, name: str) -> str:
        """A prompt of the library as Asterisk is told to play it, without extension."""
        return f"{self.asterisk_sounds}/{name}" if self.asterisk_sounds else name

    def missing_mend(self, sound: str) -> str:
        """Return what to do about a sound that Asterisk was told to play and does not have."""
        prefix = f"{self.asterisk_sounds}/" if self.asterisk_sounds else ""
        name = sound.removeprefix(prefix)
        if not (sound.startswith(prefix) and is_prompt_name(name)):
            return "its file is gone from the recordings, or `recordings.asterisk_folder` is wrong"
        if self.has_prompt(name):
            return "the library has it, so Asterisk looks elsewhere: see `sounds.asterisk_prefix`"
        return f"the library does not have it either: ringflow sounds import FILE --as {name}"
