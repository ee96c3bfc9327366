"""Admits new calls of one Asterisk by its load, so that the calls in progress stay quick.

The load is seen in the replies to commands that Asterisk carries out at once. From the moment a command is
sent until its reply is read, it waits for Asterisk's threads, for the network and for Ringflow's own event
loop. Whichever of them is short of processor time shows here: Asterisk first, which takes several times as
much as Ringflow. The lag is the median reply of a quarter of a second, less the quickest reply of the last
five to ten minutes, which is the way there and back.

When the lag has been too long for two such intervals, admission stops, but for one call a second, until
the lag is half as long. Then calls are admitted at 0.85 of the rate at which it became too long. While
calls are refused and the lag is short, this rate grows by a tenth each second. It is remembered because
most of the work of a call comes seconds after its admission, when the caller has keyed a number: the lag
tells of it too late. Where calls come and no replies, as at the beginning of a crowd, some of the calls
begin with a command that is sent for its reply alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import structlog

from ringflow.agi.refusal import CALLS_PER_SECOND, OVERLOADED, Refusal

log = structlog.get_logger(__name__)

INTERVAL_S = 0.25
REPLIES = 5
"""How many replies make a median. They may come in several intervals, but in less than `STALE_S`."""

INTERVALS_TOO_LONG = 2
STALE_S = 1.0
"""After so long with fewer replies nothing is refused for the load: it is not calls that make it."""

CUT = 0.85
GROWTH_PER_S = 0.1
LEAST_PER_S = 1.0
"""Admitted even when the lag is too long: it may have another cause than these calls."""

RATE_OVER_S = 2.0
"""The time over which the rate of admitted calls is averaged."""

BURST_S = 0.25
BURST_CALLS = 3.0
"""Calls may come early by so many seconds of the rate, at least by so many calls, as they do by chance."""

UNSEEN_CALLS = 3
"""After so many new calls without a reply, one begins with a probe."""

REMEMBERED_S = 60.0
"""For how long a rate that was too high is remembered."""

QUICKEST_OVER_S = 300.0
"""The quickest reply is that of one to two such times."""

LOGGED_EVERY_S = 10.0


class OverloadControl:
    """The load of one Asterisk and the calls that it may have.

    `max_lag_s` None: whatever the lag. `max_calls_per_s` None: at any rate. `clock` gives seconds.
    """

    def __init__(
        self,
        max_lag_s: float | None,
        max_calls_per_s: float | None,
        asterisk: str = "",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.lag_s = 0.0
        self.overloaded = False
        self._max_lag_s = math.inf if max_lag_s is None else max_lag_s
        self._max_calls_per_s = max_calls_per_s
        self._asterisk = asterisk
        self._clock = clock
        self._learnt_per_s: float | None = None
        self._overloaded_at_s = -math.inf
        self._logged_at_s = -math.inf
        self._replies: list[float] = []
        self._replies_since_s = clock()
        self._waiting: dict[int, float] = {}
        self._asked = 0
        self._quickest_s = self._quickest_before_s = math.inf
        self._quickest_since_s = -math.inf
        self._interval_began_s = clock()
        self._too_long = 0
        self._admitted = 0
        self._admitted_per_s = 0.0
        self._unseen_calls = 0
        self._refused = False
        self._credit = 0.0
        self._credit_at_s = -math.inf

    @property
    def limit_per_s(self) -> float | None:
        """How many new calls a second are admitted now; None: any number."""
        if self.overloaded:
            return LEAST_PER_S
        limits = [one for one in (self._learnt_per_s, self._max_calls_per_s) if one is not None]
        return min(limits, default=None)

    def asked(self) -> int:
        """A command is sent that Asterisk carries out at once. Gives what `replied` wants."""
        self._asked += 1
        self._waiting[self._asked] = self._clock()
        return self._asked

    def replied(self, asked: int, *, counts: bool) -> None:
        """The wait for the reply is over; `counts`: it came, and nothing but load can have delayed it."""
        sent_at_s = self._waiting.pop(asked)
        if not counts:
            return
        now_s = self._clock()
        self._unseen_calls = 0
        self._replies.append(now_s - sent_at_s)
        self._look(now_s)

    def refusal(self) -> Refusal | None:
        """Why a call that comes now is refused; None: it is admitted, and counted as such."""
        now_s = self._clock()
        self._look(now_s)
        limit = self.limit_per_s
        if limit is not None and not self._has_credit(limit, now_s):
            if not self.overloaded and limit == self._max_calls_per_s:
                return CALLS_PER_SECOND
            self._refused = True
            return OVERLOADED
        self._admitted += 1
        self._unseen_calls += 1
        return None

    def wants_probe(self) -> bool:
        """Whether the call that was just admitted should begin with a probe."""
        if self._unseen_calls <= UNSEEN_CALLS or math.isinf(self._max_lag_s):
            return False
        self._unseen_calls = 0
        return True

    def refresh(self) -> None:
        """Bring `lag_s`, `overloaded` and `limit_per_s` up to now, where no call and no reply does."""
        self._look(self._clock())

    def _has_credit(self, limit: float, now_s: float) -> bool:
        burst = 1.0 if self.overloaded else max(BURST_CALLS, limit * BURST_S)
        earned = (now_s - self._credit_at_s) * limit
        self._credit = min(burst, self._credit + earned)
        self._credit_at_s = now_s
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True

    def _look(self, now_s: float) -> None:
        took_s = now_s - self._interval_began_s
        if took_s < INTERVAL_S:
            return
        self._interval_began_s = now_s
        share = min(1.0, took_s / RATE_OVER_S)
        self._admitted_per_s += (self._admitted / took_s - self._admitted_per_s) * share
        self._admitted = 0
        if self._measure(now_s):
            self._too_long = self._too_long + 1 if self.lag_s > self._max_lag_s else 0
        self._judge(now_s, took_s)
        self._refused = False

    def _measure(self, now_s: float) -> bool:
        """Whether there is anything new to be known of the lag."""
        for reply_s in self._replies:
            self._note_quickest(reply_s, now_s)
        # Where replies stay out, the commands that wait for them tell how late they are.
        ages = (now_s - sent_at_s for sent_at_s in self._waiting.values())
        known = sorted([*self._replies, *(age for age in ages if age > self._max_lag_s)])
        if len(known) >= REPLIES:
            quickest_s = min(self._quickest_s, self._quickest_before_s)
            self.lag_s = known[len(known) // 2] - (quickest_s if quickest_s < math.inf else 0.0)
        elif now_s - self._replies_since_s > STALE_S:
            self.lag_s = 0.0
        else:
            return False
        self._replies.clear()
        self._replies_since_s = now_s
        return True

    def _note_quickest(self, reply_s: float, now_s: float) -> None:
        if now_s - self._quickest_since_s > QUICKEST_OVER_S:
            self._quickest_before_s, self._quickest_s = self._quickest_s, math.inf
            self._quickest_since_s = now_s
        self._quickest_s = min(self._quickest_s, reply_s)

    def _judge(self, now_s: float, took_s: float) -> None:
        short = self.lag_s <= self._max_lag_s / 2
        if self.overloaded:
            self._overloaded_at_s = now_s
            if short:
                self.overloaded = False
                self._credit = 0.0
        elif self._too_long >= INTERVALS_TOO_LONG:
            known_per_s = math.inf if self._learnt_per_s is None else self._learnt_per_s
            self._learnt_per_s = max(LEAST_PER_S, min(known_per_s, self._admitted_per_s) * CUT)
            self.overloaded = True
            self._credit, self._credit_at_s = 0.0, now_s
            self._say(now_s)
        elif self._learnt_per_s is not None:
            if self._refused and short:
                self._learnt_per_s *= 1 + GROWTH_PER_S * took_s
            elif now_s - self._overloaded_at_s > REMEMBERED_S:
                self._learnt_per_s = None

    def _say(self, now_s: float) -> None:
        if now_s - self._logged_at_s < LOGGED_EVERY_S:
            return
        self._logged_at_s = now_s
        log.warning(
            "overloaded",
            asterisk=self._asterisk,
            lag_ms=round(self.lag_s * 1000),
            calls=f"new ones refused, then {self._learnt_per_s:.1f} a second",
            mend="see Overload in docs/performance.md",
        )
