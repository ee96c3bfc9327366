"""Scripts over HTTP: their texts, what is wrong with them, who runs them, publications, history, dry runs."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from sqlalchemy import Text, column

from ringflow.actor import Principal
from ringflow.documents import MAX_DOCUMENT_BYTES
from ringflow.errors import Unknown
from ringflow.flows.script_library import FILE
from ringflow.flows.script_texts import TEXTS
from ringflow.forms.script import (
    ScriptCheckForm,
    ScriptDifferenceForm,
    ScriptForm,
    ScriptRunForm,
    ScriptTextForm,
    script_check_form,
    script_difference_form,
    script_form,
    script_run_form,
    script_text_form,
)
from ringflow.rights import Right
from ringflow.script_trial import try_script
from ringflow.store.pages import Listing, Page, PageRequest, page_of_all
from ringflow.web.rest.conditions import Replaces
from ringflow.web.rest.content import Content
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.raw_body import RawBody, Upload
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("scripts", "/scripts", "Operators' scripts: texts, uses, publications and history.")

JAVASCRIPT = "text/javascript"
SCRIPT_TEXT = Upload((JAVASCRIPT, "application/javascript", "text/plain"), MAX_DOCUMENT_BYTES)
SCRIPTS = Listing("scripts", {"name": (column("name", Text),)}, "name")


class ScriptVersion(Input):
    """Which text of a script."""

    version: str = FILE
    """`file`, `published`, or the beginning of a revision."""


class ScriptVersions(Input):
    """Which texts of a script are compared, each named as `version` is."""

    old: str = "published"
    new: str = FILE


class ScriptNote(Input):
    """Why a text is published."""

    note: str = ""


class ScriptRollBack(Input):
    """Which text is published again."""

    revision: str | None = None
    """null: the one before."""
    note: str = ""


class ScriptTrial(Input):
    """The call for which a script is run."""

    did: str
    cli: str | None = None
    """The calling number; null: none."""


@RESOURCE.get(Right.SCRIPTS_READ, listing=SCRIPTS)
async def list_scripts(services: Services, asked: PageRequest) -> Page[ScriptForm]:
    """List the scripts, with the DIDs, trunks and slots that run each, and what is wrong with it."""
    drafts, _ = await asyncio.to_thread(services.flows.library.folder.drafts)
    found = [script_form(one) for one in await services.scripts.states([*drafts.values()])]
    return page_of_all(SCRIPTS, ((one.name, one) for one in found), asked)


@RESOURCE.get(Right.SCRIPTS_READ, "/{script}")
async def show_script(services: Services, script: str) -> ScriptForm:
    """Return a script: its file here, what is published, who runs it, and what is wrong with it."""
    drafts, _ = await asyncio.to_thread(services.flows.library.folder.drafts)
    return script_form(await services.scripts.state(script, [*drafts.values()]))


@RESOURCE.get(Right.SCRIPTS_READ, "/{script}/text", media=(JAVASCRIPT,))
async def show_script_text(services: Services, script: str, query: ScriptVersion) -> Content:
    """Return a text of a script, byte for byte; its ETag is its revision."""
    return _content(*await services.scripts.text(script, query.version))


@RESOURCE.put(Right.SCRIPTS_PUBLISH, "/{script}/text", upload=SCRIPT_TEXT)
async def publish_script_text(
    services: Services,
    principal: Principal,
    script: str,
    replaces: Replaces,
    query: ScriptNote,
    body: RawBody,
) -> ScriptTextForm:
    """Have all servers run a text in place of the one that is in the script's file.

    `If-Match` names the revision that it replaces; `If-None-Match: *` publishes a new script.
    """
    try:
        here = await services.scripts.text(script)
    except Unknown:
        here = None
    replaces.require(None if here is None else _content(*here))
    seen = None if here is None else here[0]
    return script_text_form(await services.scripts.publish(principal, script, body.read(), seen, query.note))


@RESOURCE.post(Right.SCRIPTS_READ, "/{script}:check", status=HTTPStatus.OK, upload=SCRIPT_TEXT)
async def check_script_text(services: Services, script: str, body: RawBody) -> ScriptCheckForm:
    """Return what is wrong with a text that a script could have. Nothing of it is run."""
    return script_check_form(await services.scripts.check(script, body.read()))


@RESOURCE.post(Right.SCRIPTS_PUBLISH, "/{script}:publish", status=HTTPStatus.OK)
async def publish_script(
    services: Services, principal: Principal, script: str, body: ScriptNote
) -> ScriptTextForm:
    """Have all servers run the text of a script's file in the folder of this server."""
    return script_text_form(await services.scripts.publish(principal, script, None, None, body.note))


@RESOURCE.post(Right.SCRIPTS_PUBLISH, "/{script}:rollback", status=HTTPStatus.OK)
async def roll_back_script(
    services: Services, principal: Principal, script: str, body: ScriptRollBack
) -> ScriptTextForm:
    """Publish an old text of a script again."""
    return script_text_form(await services.scripts.roll_back(principal, script, body.revision, body.note))


@RESOURCE.get(Right.SCRIPTS_READ, "/{script}/revisions", listing=TEXTS)
async def list_script_revisions(services: Services, script: str, asked: PageRequest) -> Page[ScriptTextForm]:
    """List the texts that a script had, the newest first: published, rolled back, or changed on disk."""
    return (await services.scripts.history(script, asked)).map(script_text_form)


@RESOURCE.get(Right.SCRIPTS_READ, "/{script}/diff")
async def compare_script_texts(
    services: Services, script: str, query: ScriptVersions
) -> ScriptDifferenceForm:
    """Return how two texts of a script differ."""
    return script_difference_form(await services.scripts.difference(script, query.old, query.new))


@RESOURCE.post(Right.SCRIPTS_PUBLISH, "/{script}:run", status=HTTPStatus.OK)
async def run_script(services: Services, script: str, body: ScriptTrial) -> ScriptRunForm:
    """Run a script as that of a DID, and return what it would make of the call.

    Nothing that it writes is kept. Of other hosts it may ask by GET and HEAD, and sends them nothing.
    """
    async with services.simulations:
        trial = await try_script(services.config, script, body.did, body.cli)
        return script_run_form(trial.scripted, trial.would_change)


def _content(revision: str, text: bytes) -> Content:
    return Content(text, JAVASCRIPT, version=revision)
