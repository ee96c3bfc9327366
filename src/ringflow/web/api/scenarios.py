"""Scenarios of flows over HTTP: listed, read, saved and played, with the exits that they take."""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from pathlib import Path

from pydantic import Field
from sqlalchemy import Text, column

from ringflow.actor import Actor, Principal
from ringflow.documents import MAX_DOCUMENT_BYTES
from ringflow.flows.flow_file import FlowFile
from ringflow.flows.library import check_text
from ringflow.flows.revisions import text_revision
from ringflow.forms.simulation import (
    PlayedScenariosForm,
    ScenarioForm,
    played_scenarios_form,
    scenario_form,
)
from ringflow.jobs.job import Job
from ringflow.rights import Right
from ringflow.simulated_call import beside_calls
from ringflow.simulator.scenario_files import ScenarioCase, decode_scenarios
from ringflow.simulator.scenario_run import chosen, play_scenarios, read_text, save, scenario_file
from ringflow.store.pages import Listing, Page, PageRequest, page_of_all
from ringflow.web.api.simulations import FlowTexts, chosen_flows, chosen_texts
from ringflow.web.jobs.scenario_run import SCENARIO_RUN, ScenarioOrder
from ringflow.web.rest.conditions import Replaces
from ringflow.web.rest.content import Content
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.raw_body import RawBody, Upload
from ringflow.web.rest.repetition import Once
from ringflow.web.rest.services import Services

RESOURCE = Resource("flows", "/flows", "Call flows: texts, drafts, publications and history.")

YAML = "application/yaml"
SCENARIO_TEXT = Upload((YAML, "text/yaml", "text/plain"), MAX_DOCUMENT_BYTES)
SCENARIOS = Listing("scenarios", {"line": (column("line", Text),)}, "line")


class RunScenarios(FlowTexts):
    """Which scenarios are played, and with which texts."""

    names: tuple[str, ...] = Field((), max_length=200)
    """Only these."""
    scenarios: str | None = None
    """A text of scenarios that counts instead of the one that is kept."""


@RESOURCE.get(Right.FLOWS_READ, "/{app}/scenarios", listing=SCENARIOS)
async def list_scenarios(services: Services, app: str, asked: PageRequest) -> Page[ScenarioForm]:
    """List the scenarios of a flow, in the order of their file."""
    cases = await _cases(services, app, None)
    return page_of_all(SCENARIOS, ((f"{one.line:09}", scenario_form(one)) for one in cases), asked)


@RESOURCE.get(Right.FLOWS_READ, "/{app}/scenarios/text", media=(YAML,))
async def show_scenario_text(services: Services, app: str) -> Content:
    """Return the text of a flow's scenarios; its ETag is its revision."""
    file = await _file(services, app)
    return _content(await asyncio.to_thread(read_text, file, app))


@RESOURCE.put(Right.FLOWS_CHANGE, "/{app}/scenarios/text", upload=SCENARIO_TEXT)
async def save_scenario_text(
    services: Services, principal: Principal, app: str, replaces: Replaces, body: RawBody
) -> None:
    """Save the scenarios of a flow beside its file, in the folder of this server.

    `If-Match` names the revision that they replace; `If-None-Match: *` says that there are none yet.
    """
    file, text = await _file(services, app), body.read()
    check_text(text, file.name)
    found = await asyncio.to_thread(file.text)
    replaces.require(None if found is None else _content(found))
    async with services.opener(principal)() as actor:
        await save(actor, file, text, None if found is None else text_revision(found))


@RESOURCE.post(Right.FLOWS_CHANGE, "/{app}/scenarios:run", status=HTTPStatus.OK)
async def run_scenarios(services: Services, app: str, body: RunScenarios) -> PlayedScenariosForm:
    """Play the scenarios of a flow on the simulator, and tell what differs and which exits were taken.

    They have a database of their own: nothing is changed.
    """
    cases = chosen(await _cases(services, app, body), body.names)
    flows = await chosen_flows(services, body)
    own = await services.flows.flow_among(flows, app)
    work = partial(play_scenarios, services.config, cases, own, [*flows.values()])
    played = await beside_calls(services.simulations, work)
    return played_scenarios_form(played.judgements, played.coverage)


@RESOURCE.post(Right.FLOWS_CHANGE, "/{app}/scenarios:start")
async def start_scenarios(
    services: Services, principal: Principal, once: Once, app: str, body: RunScenarios
) -> Job:
    """Play the scenarios of a flow as a job, however many there are and however long they take.

    The texts of the scenarios and of the drafts are those of this moment; flows in service are those of the
    moment in which the job begins. Its result says how many failed and which exits were taken; its file has
    what came of each scenario, a JSON object on each line.
    """
    file = await _file(services, app)
    text = await _text(file, app, body)
    texts = await chosen_texts(services, body)
    order = ScenarioOrder(app, file.shown, {name: one.decode() for name, one in texts.items()}, body.names)

    async def start(actor: Actor) -> Job:
        return await SCENARIO_RUN.start(actor, order, f"scenarios {file.name}", text)

    def form(started: Job) -> Job:
        return started

    return await once.transaction(form)(start)


async def _cases(services: Services, app: str, body: RunScenarios | None) -> list[ScenarioCase]:
    file = await _file(services, app)
    return await asyncio.to_thread(decode_scenarios, await _text(file, app, body), Path(file.shown))


async def _text(file: FlowFile, app: str, body: RunScenarios | None) -> bytes:
    if body is None or body.scenarios is None:
        return await asyncio.to_thread(read_text, file, app)
    return body.scenarios.encode()


async def _file(services: Services, app: str) -> FlowFile:
    library = services.flows.library
    return scenario_file(library.folder.path, await library.file_of(app))


def _content(text: bytes) -> Content:
    return Content(text, YAML, version=text_revision(text))
