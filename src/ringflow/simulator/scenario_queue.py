"""The queues of Asterisk that a scenario gives: their members, and options as queues.conf has them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from ringflow.simulator.call_queue import CallQueue, Member
from ringflow.simulator.scenario_fields import Device, Frozen
from ringflow.validation import Text

QueueOption: TypeAlias = Literal[
    "strategy", "timeout", "retry", "wrapuptime", "maxlen", "ringinuse", "autofill", "joinempty",
    "leavewhenempty", "announce-frequency", "min-announce-frequency", "announce-position",
    "announce-position-limit", "announce-holdtime", "periodic-announce", "periodic-announce-frequency",
    "setinterfacevar", "setqueueentryvar", "queue-youarenext", "queue-thereare", "queue-callswaiting",
    "queue-quantity1", "queue-quantity2", "queue-holdtime", "queue-minute", "queue-minutes",
    "queue-thankyou",
]  # fmt: skip
"""The options of queues.conf that the simulator follows."""


def _said(value: object) -> object:
    """YAML's true and false, as queues.conf writes them."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _of_device(value: object) -> object:
    return {"device": value} if isinstance(value, str) else value


def _of_members(value: object) -> object:
    return {"members": value} if isinstance(value, list) else value


class QueueMember(Frozen):
    """One who is rung for a queue, at a device such as `PJSIP/anna`."""

    device: Device
    name: Text | None = None
    penalty: Annotated[int, Field(ge=0)] = 0
    paused: bool = False

    def virtual(self) -> Member:
        """The same for the virtual Asterisk."""
        return Member(self.device, self.name or self.device, self.penalty, self.paused, dynamic=False)


class ScenarioQueue(Frozen):
    """A queue of queues.conf."""

    members: tuple[
        Annotated[QueueMember, BeforeValidator(_of_device, json_schema_input_type=str | QueueMember)], ...
    ] = ()
    options: dict[QueueOption, Annotated[Text, BeforeValidator(_said)]] = Field(default_factory=dict)

    def virtual(self) -> CallQueue:
        """The same for the virtual Asterisk."""
        return CallQueue(
            {str(name): value for name, value in self.options.items()},
            [one.virtual() for one in self.members],
        )


GivenQueue = Annotated[
    ScenarioQueue,
    BeforeValidator(_of_members, json_schema_input_type=ScenarioQueue | tuple[str | QueueMember, ...]),
]
"""A queue, or its members alone."""
