"""A call that a scenario asks Ringflow for, as programs do by `POST /calls:originate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, JsonValue, model_validator

from ringflow.simulator.scenario_fields import Frozen, Number
from ringflow.validation import Text

if TYPE_CHECKING:
    from ringflow.calls.originator import WantedCall

DEFAULT_CUSTOMER = 42


class OriginatePlan(Frozen):
    """Who is called: a `number`, a `uri` or a `device`. Who answers comes to `app`, or to where `did` leads.

    With neither of them it is the app of the file.
    """

    number: Number | None = None
    uri: Text | None = None
    device: Text | None = None
    customer: int = DEFAULT_CUSTOMER
    app: str | None = None
    did: Text | None = None
    trunk: str | None = None
    caller_id: Text | None = None
    ring_s: Annotated[int, Field(ge=5, le=120)] | None = None
    variables: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_target(self) -> OriginatePlan:
        if sum(one is not None for one in (self.number, self.uri, self.device)) != 1:
            raise ValueError("a call goes to one place || write one of `number`, `uri` and `device`")
        if self.app is not None and self.did is not None:
            raise ValueError("who answers comes to one place || write one of `app` and `did`")
        return self

    def wanted(self, app: str) -> WantedCall:
        """What is asked for; `app` is that of the scenario's file."""
        # Reading scenarios does not need these.
        from ringflow.calls.originations import TargetKind
        from ringflow.calls.originator import WantedCall

        targets = {TargetKind.NUMBER: self.number, TargetKind.URI: self.uri, TargetKind.DEVICE: self.device}
        ((kind, target),) = ((kind, one) for kind, one in targets.items() if one is not None)
        return WantedCall(
            self.customer,
            kind,
            target,
            self.app if self.app is not None or self.did is not None else app,
            self.did,
            self.trunk,
            self.caller_id,
            self.ring_s,
            self.variables,
        )
