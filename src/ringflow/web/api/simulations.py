"""Simulated calls over HTTP, as `ringflow call` makes them: with flows in service, drafts or other texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from ringflow.calls import events
from ringflow.calls.event_stream import EVERY_EVENT
from ringflow.calls.history import CallHistory
from ringflow.flows.flow import Flow
from ringflow.forms.simulation import SimulationForm, simulation_form
from ringflow.rights import Right
from ringflow.simulated_call import beside_calls, simulate_call
from ringflow.simulator.call_request import CALLEE_PATTERN, caller_steps, met_by
from ringflow.simulator.virtual_call import Arrival
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource(
    "simulations", "/simulations", "Calls that are made by the simulator, and change nothing."
)

MAX_TEXTS = 20
Keys = Annotated[str, Field(pattern="^[0-9*#A-D ]+$", max_length=100)]
Callee = Annotated[str, Field(pattern=CALLEE_PATTERN, max_length=100)]
Length = Annotated[float, Field(ge=0, le=86_400)]


class FlowTexts(Input):
    """Texts of flows that count instead of those in service."""

    drafts: tuple[str, ...] = Field((), max_length=MAX_TEXTS)
    """The flows of which the draft counts."""
    texts: dict[str, str] = Field({}, max_length=MAX_TEXTS)
    """Other texts, by the flow."""


class Simulation(FlowTexts):
    """One call: what the caller does, and how callees meet it."""

    did: str
    """The number that is called."""
    cli: str | None = None
    """The calling number; `anonymous` withholds it, null: there is none."""
    keys: tuple[Keys, ...] = Field((), max_length=100)
    """For each prompt that takes keys, in order, what is keyed; a space is a pause of a second."""
    after_s: Length = 0
    """From the end of a prompt to the first key."""
    every_s: Length = 0.25
    """From key to key."""
    callees: tuple[Callee, ...] = Field((), max_length=100)
    """How attempts are met, one after the other: `answer`, `busy`, `noanswer`, `congestion` or `unavailable`;
    with a number before it, such as 441234567890=busy, whenever that number is dialled."""
    answers_after_s: Length = 2
    talk_s: Length = 60
    hangs_up_after_s: Length | None = None
    """The caller hangs up so long after the last keys; null: never by themselves."""


class _Collector:
    """Keeps all events of a call."""

    observed = EVERY_EVENT

    def __init__(self) -> None:
        self.happened: list[events.CallEvent] = []

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        """Keep it."""
        self.happened.append(event)


@RESOURCE.post(Right.FLOWS_CHANGE, status=HTTPStatus.OK)
async def simulate(services: Services, body: Simulation) -> SimulationForm:
    """Simulate a call, however long it talks, in some milliseconds.

    It is let in, priced and cut off as a real one against the database as it is, and changes nothing there.
    Values of headers are not shown.
    """
    meet = met_by(body.callees, _ms(body.answers_after_s), _ms(body.talk_s))
    leaves_ms = None if body.hangs_up_after_s is None else _ms(body.hangs_up_after_s)
    steps = caller_steps(body.keys, _ms(body.after_s), _ms(body.every_s), leaves_ms)
    flows = [*(await chosen_flows(services, body)).values()]
    collector = _Collector()
    work = partial(
        simulate_call,
        services.config,
        Arrival(body.did, body.cli),
        steps,
        meet,
        flows=flows,
        observers=[collector],
    )
    return simulation_form(await beside_calls(services.simulations, work), collector.happened)


async def chosen_flows(services: Services, body: FlowTexts) -> Mapping[str, Flow]:
    """Return the flows of drafts and texts, by their apps. Raises `DocumentError` for one with problems."""
    return await services.flows.flows_of(await chosen_texts(services, body))


async def chosen_texts(services: Services, body: FlowTexts) -> Mapping[str, bytes]:
    """Return the texts of drafts, and the texts that were sent, by the flow."""
    texts = {name: (await services.flows.library.draft(name)).text for name in body.drafts}
    return texts | {name: text.encode() for name, text in body.texts.items()}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
