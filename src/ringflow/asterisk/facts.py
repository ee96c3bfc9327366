"""What is known of an Asterisk's configuration, wherever it was read. None: could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PJSIP_DEFAULTS: Mapping[str, str] = {
    "context": "default",
    "allow_transfer": "yes",
    "rtp_timeout": "0",
    "rtp_timeout_hold": "0",
    "direct_media": "yes",
    "dtmf_mode": "rfc4733",
}
"""The settings of an endpoint that are looked at, with what Asterisk takes where none is written."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A PJSIP endpoint. `settings` are those of `PJSIP_DEFAULTS`, as Asterisk or its files word them.

    `leads_here`: its calls come to Ringflow. `trunks`: the names of Ringflow's trunks that dial it.
    `qualify_s`: seconds between two OPTIONS, by the names of its AORs; 0: none are sent.
    """

    name: str
    settings: Mapping[str, str]
    leads_here: bool
    trunks: tuple[str, ...] = ()
    qualify_s: Mapping[str, int] = field(default_factory=dict)

    def is_on(self, setting: str) -> bool:
        """Whether a setting says yes. Asterisk itself answers `true` for what its files call `yes`."""
        return self.settings.get(setting, "").lower() in ("yes", "true", "1", "on", "y", "t")

    def seconds(self, setting: str) -> int:
        """A setting that is a number of seconds; 0 for what is no number."""
        text = self.settings.get(setting, "")
        return int(text) if text.isascii() and text.isdigit() else 0


@dataclass(frozen=True, slots=True)
class AgiLine:
    """The dialplan's step that sends a call to Ringflow. `version`: of the contract; None: it says none."""

    url: str
    version: int | None


@dataclass(frozen=True, slots=True)
class AsteriskFacts:
    """What an Asterisk is set to.

    `source`: where this was read, for people. `missing_endpoints`: trunks' endpoints that Asterisk does not
    have, by trunk. `agi_lines`: those of the context `ringflow-incoming`; empty: there are none. `modules`:
    loaded or not, by name. `log_levels`: of each file of logger.conf. `rights`: what the manager user may
    write; `heard`: what it may read. `clock_ahead_ms`: how far Asterisk's clock is ahead of this one.
    `missing_prompts`: prompts that Asterisk cannot play. `has_echo`: the dialplan has a context for the slot
    `echo`. `recordings_problem`: what is wrong with the folder of recordings, in words; empty: nothing.
    """

    source: str
    endpoints: tuple[Endpoint, ...] | None = None
    missing_endpoints: Mapping[str, str] = field(default_factory=dict)
    agi_lines: tuple[AgiLine, ...] | None = None
    modules: Mapping[str, bool] = field(default_factory=dict)
    verbosity: int | None = None
    log_levels: Mapping[str, str] = field(default_factory=dict)
    rights: frozenset[str] | None = None
    heard: frozenset[str] | None = None
    manager_address: str | None = None
    clock_ahead_ms: int | None = None
    missing_prompts: tuple[str, ...] = ()
    has_echo: bool = True
    recordings_problem: str = ""
