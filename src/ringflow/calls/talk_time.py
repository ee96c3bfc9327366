"""How long a talk was, also where somebody set Asterisk's clock in the middle of it.

Talk time is the difference of two moments by Asterisk's clock, and a clock can be set. All of `Dial` is timed
here too, by one that cannot: a talk lasted no longer than its `Dial`, and no shorter than that without the
longest ringing. Where Asterisk's clock says otherwise it was set, and the shortest talk that can have been
counts: nobody pays for time that was not talked.
"""

from __future__ import annotations

import structlog

log = structlog.get_logger("ringflow.talks")

SLACK_MS = 5_000
"""How much later than Asterisk a loaded server may hear of the end."""


def possible_talk_ms(talked_ms: int, since_answer_ms: int, dial_ms: int, ringing_ms: int) -> int:
    """What counts of a talk of `talked_ms` by Asterisk's clock, which may be below zero.

    `since_answer_ms`: from the callee's answer to the end of `Dial`, by the same clock. That is longer than
    the talk where the callee was transferred away and the caller stayed. `dial_ms`: how long `Dial` took;
    `ringing_ms`: for how long it may have rung.
    """
    shortest_ms = max(0, dial_ms - ringing_ms - SLACK_MS)
    if shortest_ms <= since_answer_ms <= dial_ms + SLACK_MS and 0 <= talked_ms <= since_answer_ms:
        return talked_ms
    after_talk_ms = min(max(0, since_answer_ms - talked_ms), shortest_ms)
    counted_ms = shortest_ms - after_talk_ms
    log.warning("clock set in a talk", by_clock_ms=talked_ms, dial_ms=dial_ms, counted_ms=counted_ms)
    return counted_ms
