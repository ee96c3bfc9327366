"""Scenarios of flows over HTTP: listed, read, saved and played, with the exits that they take."""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from pathlib import Path

from pydantic import Field
from sqlalchemy import Text, column

from ringflow.actor import Principal
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
from ringflow.rights import Right
from ringflow.simulated_call import beside_calls
from ringflow.simulator.scenario_files import ScenarioCase, decode_scenarios
from ringflow.simulator.scenario_run import chosen, play_scenarios, read_text, save, scenario_file
from ringflow.store.pages import Listing, Page, PageRequest, page_of_all
from ringflow.web.api.simulations import FlowTexts, chosen_flows
from ringflow.web.rest.conditions import Replaces
from ringflow.web.rest.content import Content
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.raw_body import RawBody, Upload
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
    text = None if body.scenarios is None else body.scenarios.encode()
    cases = chosen(await _cases(services, app, text), body.names)
    flows = await chosen_flows(services, body)
    here = services.flows.library
    own = next((one for one in flows.values() if one.app == app), None)
    if own is None:
        own = (await here.read(await here.text(app))).flow
    work = partial(play_scenarios, services.config, cases, own, [*flows.values()])
    played = await beside_calls(services.simulations, work)
    return played_scenarios_form(played.judgements, played.coverage)


async def _cases(services: Services, app: str, text: bytes | None) -> list[ScenarioCase]:
    file = await _file(services, app)
    raw = text if text is not None else await asyncio.to_thread(read_text, file, app)
    return await asyncio.to_thread(decode_scenarios, raw, Path(file.shown))


async def _file(services: Services, app: str) -> FlowFile:
    library = services.flows.library
    return scenario_file(library.folder.path, await library.file_of(app))


def _content(text: bytes) -> Content:
    return Content(text, YAML, version=text_revision(text))
