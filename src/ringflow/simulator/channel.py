"""The caller's channel as Asterisk keeps it: state, variables with their inheritance, timers, hang-up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from ringflow.calls.clock import Clock
from ringflow.simulator.exchange import Exchange

FIRST_CHANNEL = "PJSIP/simulated-00000001"
MAX_SUBSTITUTIONS = 32
_STRFTIME = re.compile(r"STRFTIME\(([^,()]*),([^,()]*),([^()]*)\)")
_SHIFT = re.compile(r"SHIFT\(SHARED\(([A-Za-z0-9_]+)\)\)")
_HEADER = re.compile(r"PJSIP_HEADER\(read,([^,()]+)\)")
_RESPONSE = re.compile(r"HANGUPCAUSE\(([^(),]*),tech\)")
_CONFERENCE = re.compile(r"CONFBRIDGE\(([a-z]+),([a-z_]+|[0-9*#]+)\)", re.IGNORECASE)
_ROOM = re.compile(r"CONFBRIDGE_INFO\(([a-z]+),([^(),]+)\)")
_QUEUE = re.compile(r"(QUEUE_EXISTS|QUEUE_WAITING_COUNT|QUEUE_MEMBER)\(([^()]*)\)")
_SHARED = re.compile(r"SHARED\(([A-Za-z0-9_]+)\)")


_MUSIC_MODE = re.compile(r"AST_CONFIG\(musiconhold\.conf,([A-Za-z0-9_-]+),mode\)")
MUSIC_CLASSES = frozenset({"default"})
"""Those of musiconhold.conf here, and of the lab's."""


class ChannelState(IntEnum):
    """The values that `CHANNEL STATUS` answers (include/asterisk/channelstate.h)."""

    DOWN = 0
    RING = 4
    UP = 6


@dataclass(slots=True)
class VirtualChannel:
    """One incoming PJSIP channel. `response_ms` and `digit_ms` are TIMEOUT(response) and TIMEOUT(digit)."""

    clock: Clock
    number: str
    caller: str | None
    state: ChannelState = ChannelState.RING
    has_early_media: bool = False
    """Before the answer, the caller hears nothing without it."""
    hung_up: bool = False
    dead: bool = False
    """Asterisk has told the script of the hang-up: only some commands are still allowed."""
    hangup_cause: int = 0
    hangup_source: str = ""
    responses: dict[str, str] = field(default_factory=dict)
    """The last SIP response of each channel dialled from here, such as `SIP 486 Busy Here`, by its name."""
    response_ms: int = 10_000
    digit_ms: int = 5_000
    disconnect_keys: str = "*"
    """FEATUREMAP(disconnect), what option H of `Dial` listens for; this is features.conf's own default."""
    name: str = FIRST_CHANNEL
    exchange: Exchange = field(default_factory=Exchange)
    """What it shares with the other channels of its Asterisk."""
    variables: dict[str, str] = field(default_factory=dict)
    conference_options: dict[str, str] = field(default_factory=dict)
    """What `CONFBRIDGE(...)` was set to, by what stands in its brackets, such as `user,quiet`."""
    shared: dict[str, str] = field(default_factory=dict)
    """What `SHARED(...)` of this channel holds; other channels may set it by this one's name."""
    received: Mapping[str, str] = field(default_factory=dict)
    """Headers of the INVITE, by their names in small letters, as `PJSIP_HEADER(read,...)` has them."""
    _names: dict[str, str] = field(default_factory=dict)

    def set_variable(self, name: str, value: str) -> None:
        """Set as `pbx_builtin_setvar_helper` does: leading `_` are for channels dialled from here."""
        if name.endswith(")"):
            self._set_function(name, value)
            return
        bare = name.removeprefix("_").removeprefix("_")
        self.variables[bare] = value
        self._names[bare] = name

    def note_hangup_source(self, channel: str) -> None:
        """A channel hung up: the first one stays noted (ast_set_hangupsource in main/channel.c)."""
        self.hangup_source = self.hangup_source or channel

    def get_variable(self, name: str) -> str | None:
        """A variable or function by its name, None where it is not set."""
        if name.endswith(")"):
            return self._function(name)
        builtin = {
            "HANGUPCAUSE": str(self.hangup_cause),
            "EXTEN": self.number,
            "CHANNEL": self.name,
        }
        return self.variables.get(name, builtin.get(name))

    def inherited(self) -> dict[str, str]:
        """What a channel that this one dials gets: the variables set with `_` or `__` before their names."""
        return {bare: self.variables[bare] for bare, name in self._names.items() if name.startswith("_")}

    def substitute(self, text: str) -> str:
        """Replace every `${...}`, inner ones first; what is not set becomes nothing."""
        for _ in range(MAX_SUBSTITUTIONS):
            start = text.rfind("${")
            end = text.find("}", start)
            if start < 0 or end < 0:
                break
            value = self.get_variable(text[start + 2 : end]) or ""
            # What a variable holds is not looked at again, so it is put where no `${` can be found in it.
            text = text[:start] + value.replace("${", "\0") + text[end + 1 :]
        return text.replace("\0", "${")

    def _set_function(self, name: str, value: str) -> None:
        if name == "FEATUREMAP(disconnect)":
            self.disconnect_keys = value
            return
        if match := _CONFERENCE.fullmatch(name):
            self._set_conference_option(match[1], match[2], value)
            return
        # func_timeout.c: a value that is not a number leaves the timer as it is.
        try:
            milliseconds = round(float(value) * 1000)
        except ValueError:
            return
        if name == "TIMEOUT(response)":
            self.response_ms = max(0, milliseconds)
        elif name == "TIMEOUT(digit)":
            self.digit_ms = max(0, milliseconds)

    def _set_conference_option(self, kind: str, option: str, value: str) -> None:
        """As func_confbridge_helper does: `clear` forgets all that was set of its kind."""
        kind, option = kind.lower(), option.lower()
        if option == "clear":
            options = self.conference_options
            self.conference_options = {key: options[key] for key in options if not key.startswith(f"{kind},")}
        else:
            self.conference_options[f"{kind},{option}"] = value

    def conference_profile(self, kind: str) -> dict[str, str]:
        """The options of a profile, `user`, `bridge` or `menu`, by their names."""
        return {
            key.removeprefix(f"{kind},"): value
            for key, value in self.conference_options.items()
            if key.startswith(f"{kind},")
        }

    def _function(self, name: str) -> str | None:
        if match := _STRFTIME.fullmatch(name):
            epoch = float(match[1]) if match[1] else self.clock.now_s()
            seconds, milliseconds = divmod(round(epoch * 1000), 1000)
            return match[3].replace("%s", str(seconds)).replace("%3q", f"{milliseconds:03d}")
        if match := _SHIFT.fullmatch(name):
            # Of a text without commas: all of it, and nothing stays (func_strings.c).
            return self.shared.pop(match[1], None)
        if match := _SHARED.fullmatch(name):
            return self.shared.get(match[1])
        if match := _MUSIC_MODE.fullmatch(name):
            return "files" if match[1] in MUSIC_CLASSES else None
        if match := _ROOM.fullmatch(name):
            return self.exchange.room_figure(match[1], match[2])
        if match := _QUEUE.fullmatch(name):
            return self.exchange.queue_figure(match[1], match[2], int(self.clock.now_s()))
        if match := _HEADER.fullmatch(name):
            return self.received.get(match[1].lower())
        if match := _RESPONSE.fullmatch(name):
            return self.responses.get(match[1])
        known = {
            "CALLERID(num)": self.caller or "",
            "CHANNEL(hangupsource)": self.hangup_source,
            "HANGUPCAUSE_KEYS()": ",".join(self.responses),
            "TIMEOUT(response)": f"{self.response_ms / 1000:.3f}",
            "TIMEOUT(digit)": f"{self.digit_ms / 1000:.3f}",
        }
        return known.get(name)
