"""One outgoing attempt as it is asked for: the arguments of `Dial`, and the headers that travel with it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ringflow.accounts.headers import IDENTITY_HEADERS, MAX_HEADER_VALUE
from ringflow.calls.dialled_number import DialledNumber
from ringflow.calls.held_keys import EndKeys
from ringflow.ledger.terms import Terms

ANONYMOUS = "anonymous"
"""What callees see of a caller whose number is withheld (RFC 3323)."""

NO_NUMBER = "0"
"""Stands for a withheld text that is no number: `Dial` takes digits only for one that it hides."""

_CALLER_ID = re.compile(r"\+?[0-9]{1,32}")
_SIP_URI = re.compile(r"sips?:([A-Za-z0-9+._-]{1,64})@([A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?)")
_PRINTABLE = range(0x20, 0x7F)

RINGING = "r"
"""Option of `Dial`: the caller hears ringing, whatever the callee's side sends before the answer."""

LAST_WORD_CAUSES = frozenset({1, 21, 22, 28})
"""Q.850: unallocated, rejected, changed, invalid format. Another trunk would say the same."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is known of a charged leg before it is dialled.

    `number` is in E.164, or what was keyed behind a `~`; `terms` are what it costs. `seconds`: for how much
    talk the credit is enough; None: for any that may be.
    """

    number: str
    terms: Terms
    seconds: int | None


@dataclass(frozen=True, slots=True)
class DialOptions:
    """What a slot asks of an outgoing attempt. `ring_s` and `max_duration_s`: seconds; None: no limit.

    `only_headers`: these go out, and no others of slot, DID or trunk. `end_keys`: by these the caller ends
    the attempt, ringing or talking, and stays with us. `announce` is told, before the first leg that is
    charged here is dialled, what is known of it. `least_talk_s`: for how much talk the credit must be enough.
    `blocked_by` says of E.164 digits what keeps them from being dialled; None: nothing. `as_keyed`: a number
    of digits and `*` is dialled as it is, whatever the trunk wants. `trunks`: only these are tried, in this
    order; None: all. `cheapest_first`: who charges us the least for the number comes first. Where it is not
    `charged` the house pays. `most_micros`: what a leg that is charged here may cost at most. `ringback`:
    what the caller hears while it rings, `RINGING` or `music_option` of a class; empty: what the callee's
    side sends.
    """

    ring_s: int = 60
    max_duration_s: float | None = None
    caller_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    only_headers: Mapping[str, str] | None = None
    end_keys: EndKeys | None = None
    announce: Callable[[Prospect], Awaitable[None]] | None = None
    least_talk_s: int = 0
    blocked_by: Callable[[str], Awaitable[str | None]] | None = None
    as_keyed: bool = False
    trunks: tuple[str, ...] | None = None
    cheapest_first: bool = False
    charged: bool = True
    most_micros: int | None = None
    ringback: str = ""

    @property
    def max_duration_ms(self) -> int | None:
        """The longest talk in milliseconds; None: no limit."""
        return None if self.max_duration_s is None else round(self.max_duration_s * 1000)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One `Dial`: `target` is a whole dial string of Asterisk's, made here and safe, for the `number` or URI.

    `identity` are the customer's two headers, plain words both; `headers` those of trunk and slot. `limit_ms`
    ends the talk, and `warn_ms` before that Asterisk warns the caller by the prompt `warning`; 0: not at all,
    and then the end can be moved in the talk. `leg_id` names the leg; `charged`: it also names a hold, which
    is settled for whoever shows `token`. `ends_by_key`: Asterisk ends it by a sequence of keys;
    `names_callee`: the name of the callee's channel is left with the caller's. `silent_s`: after so long
    without any response, not even 100, the dialplan ends it; 0: it does not. `again`: the call has dialled
    before; `earlier_source`: the channel that hung up first, as Asterisk named it after an earlier leg.
    `is_private`: callees must not see `caller_id`. `ringback`: an option of `Dial`, or empty.
    """

    target: str
    number: DialledNumber
    trunk: str
    identity: dict[str, str]
    headers: dict[str, str]
    caller_id: str | None
    ring_s: int
    is_private: bool = False
    silent_s: int = 0
    limit_ms: int | None = None
    warn_ms: int = 0
    warning: str = ""
    leg_id: str = ""
    token: str = ""
    charged: bool = False
    again: bool = False
    earlier_source: str = ""
    ends_by_key: bool = False
    names_callee: bool = False
    ringback: str = ""

    @property
    def shown_as(self) -> str | None:
        """What callees see as the caller's number; None: the caller's own, as it came."""
        return ANONYMOUS if self.is_private else self.caller_id

    @property
    def all_headers(self) -> dict[str, str]:
        """Those of trunk and slot, and the customer's."""
        return self.headers | self.identity

    def arguments(self) -> str:
        """What `Dial` is given. `g`: go on here when the callee hangs up; `H`: the caller ends it by keys."""
        options = f"gb({self._leg_subroutine()})U({self._answer_subroutine()})"
        if self.charged:
            # A hangup handler for the caller's channel. As a command of ours before Dial it would cost the
            # caller a round trip more.
            options += f"B(ringflow-charged^before^1({self.leg_id}^{self.token}))"
        if self.ends_by_key:
            options += "H"
        if self.caller_id is not None:
            options += f"f({self.caller_id})"
        if self.is_private:
            # From is anonymous then, and P-Asserted-Identity goes only to trunks with `trust_id_outbound`.
            options += "u(prohib)"
        options += self.ringback + self._limit()
        return f"{self.target},{self.ring_s},{options}"

    def _leg_subroutine(self) -> str:
        """With the customer's headers as its arguments, where other text than plain words could not stand.

        The others are channel variables, each of them a command that the caller waits for.
        """
        context = "ringflow-callee" if self.names_callee else "ringflow-leg"
        words = "^".join(f"{name}^{value}" for name, value in self.identity.items())
        if self.silent_s:
            context, words = "ringflow-silent", f"{words}^{self.silent_s}"
        return f"{context}^{'more' if self.headers else 'two'}^1({words})"

    def _answer_subroutine(self) -> str:
        # What follows the context in option U are arguments: it always starts at s,1 (dial_exec_full).
        return f"ringflow-{'charged' if self.charged else 'answered'}^{self.leg_id}"

    def _limit(self) -> str:
        """Option L, in milliseconds.

        Without a warning `Dial` makes it the absolute timeout of the callee's channel (ast_bridge_timelimit
        in main/features.c), which the manager interface can set anew; with one, a timer of the bridge.
        """
        if self.limit_ms is None:
            return ""
        return f"L({self.limit_ms}{f':{self.warn_ms}' if self.warns else ''})"

    @property
    def warns(self) -> bool:
        """Whether Asterisk itself warns the caller of the end."""
        return self.limit_ms is not None and 0 < self.warn_ms < self.limit_ms


def music_option(music_class: str) -> str:
    """Return the option of `Dial` by which the caller hears music of a class until the answer."""
    return f"m({music_class})"


def dialable_uri(text: str, allowed_hosts: frozenset[str]) -> str | None:
    """A `sip:user@host` whose host is on the list (as `host` or `host:port`), or None."""
    match = _SIP_URI.fullmatch(text)
    if match is None:
        return None
    return text if is_allowed_host(match[2], allowed_hosts) else None


def is_sip_uri(text: str) -> bool:
    """Whether `text` is `sip:user@host` or `sip:user@host:port`, without anything else."""
    return _SIP_URI.fullmatch(text) is not None


def is_allowed_host(host: str, allowed_hosts: frozenset[str]) -> bool:
    """Whether a `host` or `host:port` is on the list of small letters; a `host` on it may have any port."""
    host = host.lower()
    return host in allowed_hosts or host.partition(":")[0] in allowed_hosts


def is_anonymous(presented: str) -> bool:
    """Whether a calling number, as it came, is none."""
    return presented.lower() in ("", ANONYMOUS)


def safe_caller_id(text: str | None) -> str | None:
    """A caller ID that may stand in a dial string, or None."""
    return text if text is not None and _CALLER_ID.fullmatch(text) else None


def safe_header_value(text: str) -> str:
    """The value with everything but printable ASCII escaped as %XX (RFC 3261, 25.1), and bounded."""
    return escaped_header_value(text)[:MAX_HEADER_VALUE]


def escaped_header_value(text: str) -> str:
    """The value with everything but printable ASCII escaped as %XX (RFC 3261, 25.1)."""
    if text.isascii() and text.isprintable():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PRINTABLE else f"%{byte:02X}" for byte in raw)


def merge_headers(*layers: Mapping[str, str]) -> dict[str, str]:
    """Headers of trunk, script and slot, the later winning, without the customer's own."""
    merged: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for name, value in layer.items():
            if name.lower() not in IDENTITY_HEADERS:
                merged[name.lower()] = (name, safe_header_value(value))
    return dict(merged.values())
