"""One call as somebody asks for it in a few words: what the caller does, and how callees are met."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import count

from ringflow.simulator.callee import Behaviour, Callee, MeetCallee, callees_in_turn
from ringflow.simulator.caller import CallerStep, HangsUp, Hears, Keys

REFUSED_AFTER_MS = 200


class CalleeWord(StrEnum):
    """How an outgoing attempt is met, in the command's words."""

    ANSWER = "answer"
    BUSY = "busy"
    NO_ANSWER = "noanswer"
    CONGESTION = "congestion"
    UNAVAILABLE = "unavailable"

    @property
    def behaviour(self) -> Behaviour:
        """The same in the simulator's words."""
        return Behaviour[self.name]


CALLEE_PATTERN = rf"^(?:\+?[0-9]+=)?(?:{'|'.join(CalleeWord)})$"
"""Who is met: `WORD`, or `NUMBER=WORD`."""

_CALLEE = re.compile(CALLEE_PATTERN)


def callees(words: Sequence[CalleeWord] | None, rings_ms: int, talk_ms: int) -> tuple[Callee, ...]:
    """Who is met, attempt by attempt."""
    return tuple(
        Callee(word.behaviour, rings_ms if word is CalleeWord.ANSWER else REFUSED_AFTER_MS, talk_ms)
        for word in words or [CalleeWord.ANSWER]
    )


def met_by(words: Sequence[str] | None, rings_ms: int, talk_ms: int) -> MeetCallee:
    """Who meets an attempt: the callee of its number, else those without a number, one after the other.

    Raises `ValueError` for what is neither `WORD` nor `NUMBER=WORD`.
    """
    in_turn: list[CalleeWord] = []
    numbered: dict[str, Callee] = {}
    for text in words or []:
        if not _CALLEE.fullmatch(text):
            known = f"write one of {', '.join(CalleeWord)}, or the number before it: 441234567890=busy"
            raise ValueError(f"{text!r}: {known}")
        number, _, word = text.rpartition("=")
        if digits := number.removeprefix("+"):
            (numbered[digits],) = callees([CalleeWord(word)], rings_ms, talk_ms)
        else:
            in_turn.append(CalleeWord(word))
    others = callees_in_turn(callees(in_turn, rings_ms, talk_ms))
    turn = count()

    def meet(index: int, target: str) -> Callee:
        dialled = target.rpartition("/")[2].partition("@")[0].removeprefix("+")
        return numbered[dialled] if dialled in numbered else others(next(turn), target)

    return meet


def caller_steps(
    keys: Sequence[str], after_ms: int, every_ms: int, hangs_up_after_ms: int | None
) -> list[CallerStep]:
    """A caller who presses keys, one group at each prompt that takes some, and may hang up afterwards."""
    steps: list[CallerStep] = []
    for one in keys:
        tone_ms = min(100, every_ms // 2)
        steps += [Hears(None), Keys(one, every_ms=every_ms, tone_ms=tone_ms, after_ms=after_ms)]
    if hangs_up_after_ms is not None:
        steps.append(HangsUp(hangs_up_after_ms))
    return steps
