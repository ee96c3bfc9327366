"""What a scenario says of a callee, and who meets which attempt."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from ringflow.simulator.callee import Behaviour, Callee, MeetCallee, callees_in_turn
from ringflow.simulator.durations import DurationMs
from ringflow.simulator.scenario_fields import Frozen, KeyText, listed

REFUSES_AFTER_MS = 200
REFUSING = frozenset({Behaviour.BUSY, Behaviour.CONGESTION, Behaviour.REFUSE})
UNHEARD = frozenset({Behaviour.UNAVAILABLE, Behaviour.TRYING, Behaviour.SILENT})


class CalleePlan(Frozen):
    """How an outgoing attempt is met: `does`, or an answer by `answers_after` and `hangs_up_after`."""

    does: Behaviour | None = None
    code: Annotated[int, Field(ge=400, le=699)] | None = None
    after: DurationMs | None = None
    rings: bool = False
    early_media: bool = False
    answers_after: DurationMs | None = None
    hangs_up_after: DurationMs | None = None
    keys: KeyText | None = None
    keys_after: DurationMs = 1000

    @model_validator(mode="after")
    def _one_way(self) -> CalleePlan:
        answers = self.does in (None, Behaviour.ANSWER)
        if not answers and {"answers_after", "hangs_up_after", "keys"} & self.model_fields_set:
            raise ValueError(f"a callee that `does: {self.does}` does not answer || remove one of the two")
        if (self.does is Behaviour.REFUSE) is not (self.code is not None):
            raise ValueError("`does: refuse` and `code` go together || write {does: refuse, code: 480}")
        if answers and self.after is not None:
            raise ValueError("`after` goes with `does: busy` and the like || write `answers_after`")
        if self.rings and self.does not in REFUSING:
            raise ValueError("`rings` goes with a refusal: who answers rings anyway || write {does: busy}")
        if self.early_media and self.does in UNHEARD:
            raise ValueError(f"a callee that `does: {self.does}` is not heard || remove `early_media`")
        if self.does is Behaviour.UNAVAILABLE and self.after:
            raise ValueError("Asterisk tells at once of a trunk that is not there || remove `after`")
        return self

    def callee(self) -> Callee:
        """The callee as the virtual Asterisk meets it."""
        if self.does not in (None, Behaviour.ANSWER):
            sooner = 0 if self.does is Behaviour.UNAVAILABLE else REFUSES_AFTER_MS
            after_ms = sooner if self.after is None else self.after
            return Callee(
                self.does,
                after_ms,
                None,
                self.code or 0,
                rings_first=self.rings,
                early_media=self.early_media,
            )
        answers_ms = Callee().after_ms if self.answers_after is None else self.answers_after
        return Callee(
            Behaviour.ANSWER,
            answers_ms,
            self.hangs_up_after,
            early_media=self.early_media,
            keys=self.keys or "",
            keys_after_ms=self.keys_after,
        )


CalleePlans: TypeAlias = Annotated[
    tuple[CalleePlan, ...],
    BeforeValidator(listed, json_schema_input_type=CalleePlan | tuple[CalleePlan, ...]),
]
"""One for each attempt; the last one meets every further attempt."""


def callees_by_place(places: Mapping[str, tuple[CalleePlan, ...]]) -> Mapping[str, MeetCallee]:
    """Who is met at a place, by the place, whichever call of a scenario rings there."""
    return {place: _in_turn(plans) for place, plans in places.items()}


def meeting(places: Mapping[str, MeetCallee], own: tuple[Callee, ...]) -> MeetCallee:
    """Who meets the attempts of a call: whoever is at the place that it dials, else its own in turn."""
    turn, others = count(), callees_in_turn(own)

    def meet(index: int, target: str) -> Callee:
        at_place = next((one for place, one in places.items() if _is_at(place, target)), None)
        return at_place(index, target) if at_place is not None else others(next(turn), target)

    return meet


def _in_turn(plans: tuple[CalleePlan, ...]) -> MeetCallee:
    turn, callees = count(), callees_in_turn(tuple(one.callee() for one in plans))
    return lambda index, target: callees(next(turn), target)


def _is_at(place: str, target: str) -> bool:
    """Whether a dial string leads to a place: a device, a SIP URI, or a number in E.164 or as it is sent."""
    if target == place or (place.startswith("sip:") and target.endswith(f"/{place}")):
        return True
    dialled = target.rpartition("/")[2].partition("@")[0]
    return "@" in target and dialled.removeprefix("+") == place.removeprefix("+")
