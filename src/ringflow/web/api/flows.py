"""Flows over HTTP: their texts, what these say and what is wrong with them, drafts, publications, history."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from http import HTTPStatus
from typing import Literal

from pydantic import Field
from sqlalchemy import Text, column
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Principal
from ringflow.deployment.flow_copy import add_flow, templates
from ringflow.documents import MAX_DOCUMENT_BYTES
from ringflow.errors import Unknown
from ringflow.flows.conflict import ConflictKind, FlowConflict
from ringflow.flows.history import HISTORY
from ringflow.flows.library import FlowText
from ringflow.flows.operator_drafts import OperatorDraft
from ringflow.flows.overview import flow_overview, flow_overviews
from ringflow.flows.picture import picture_of
from ringflow.flows.publication import Publication
from ringflow.flows.uses import uses_of
from ringflow.forms.flow import (
    DraftForm,
    FlowCheckForm,
    FlowDetailForm,
    FlowDifferenceForm,
    FlowHistoryForm,
    FlowPictureForm,
    FlowUsesForm,
    NewFlowForm,
    PublicationForm,
    TemplateForm,
    draft_form,
    flow_check_form,
    flow_detail_form,
    flow_difference_form,
    flow_history_form,
    flow_picture_form,
    flow_uses_form,
    new_flow_form,
    publication_form,
    template_form,
)
from ringflow.forms.live_call import RevisionCallsForm
from ringflow.records.live_calls import live_revisions
from ringflow.rights import Right
from ringflow.sounds.library import PromptLibrary
from ringflow.store.pages import Listing, Page, PageRequest, page_of_all
from ringflow.web.rest.conditions import IfMatch, Replaces
from ringflow.web.rest.content import Content
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.raw_body import RawBody, Upload
from ringflow.web.rest.refusals import RequestRefused
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("flows", "/flows", "Call flows: texts, drafts, publications and history.")
DRAFTS_KEPT = Resource("flows", "/drafts", "Texts of flows that are not published yet.")
TEMPLATES_SHIPPED = Resource("flows", "/flow-templates", "Flows that come with Ringflow.")

YAML = "application/yaml"
FLOW_TEXT = Upload((YAML, "text/yaml", "text/plain"), MAX_DOCUMENT_BYTES)
FLOWS = Listing("flows", {"app": (column("app", Text),)}, "app")
DRAFTS = Listing("drafts", {"app": (column("app", Text),)}, "app")
CALLS = Listing("revisions with calls", {"revision": (column("revision", Text),)}, "revision")
TEMPLATES = Listing("templates", {"name": (column("name", Text),)}, "name")


class Version(Input):
    """Which text of a flow."""

    version: str = "file"
    """`file`, `draft`, `published`, or the beginning of a revision."""


class Versions(Input):
    """Which texts of a flow are compared, each named as `version` is."""

    old: str = "published"
    new: str = "file"


class DraftQuery(Input):
    """What a draft takes in."""

    onto: str | None = None
    """The revision of the flow's file that the text has taken in, where that was changed meanwhile."""


class Why(Input):
    """Why a text is published."""

    note: str = ""


class FlowQuery(Input):
    """Which flows."""

    q: str | None = None
    """A part of the app, of the file or of the title, in any capitals."""


class Publish(Input):
    """What is published, and over what."""

    source: Literal["draft", "file"] = "draft"
    """The draft, or the text of the file in the folder of this server."""
    revision: str | None = None
    """The draft is published only while this is its text."""
    note: str = ""
    over: tuple[str, ...] = Field((), max_length=20)
    """Revisions that are replaced although the text did not begin from them."""


class PublishTogether(Input):
    """Flows that are published together, all of them or none."""

    apps: tuple[str, ...] = Field(min_length=1, max_length=100)
    source: Literal["draft", "file"] = "draft"
    note: str = ""
    over: tuple[str, ...] = Field((), max_length=100)


class RollBack(Input):
    """Which text is published again."""

    revision: str | None = None
    """null: the one before."""
    note: str = ""
    over: tuple[str, ...] = Field((), max_length=20)


class NewFlow(Input):
    """A flow that is to be made of a shipped one."""

    app: str
    template: str


@RESOURCE.get(Right.FLOWS_READ, listing=FLOWS)
async def list_flows(services: Services, query: FlowQuery, asked: PageRequest) -> Page[FlowDetailForm]:
    """List the flows, with what leads to each of them and what is wrong with it."""
    found = [flow_detail_form(one) for one in await flow_overviews(services.flows, _silent_s(services))]
    wanted = (query.q or "").lower()
    rows = ((one.app, one) for one in found if wanted in f"{one.app}\n{one.file}\n{one.title}".lower())
    return page_of_all(FLOWS, rows, asked)


@RESOURCE.get(Right.FLOWS_READ, "/{app}")
async def show_flow(services: Services, app: str) -> FlowDetailForm:
    """Return a flow: its file here, what is published, its draft, what servers run, and what is wrong."""
    return flow_detail_form(await flow_overview(services.flows, app, _silent_s(services)))


@RESOURCE.get(Right.FLOWS_READ, "/{app}/text", media=(YAML,))
async def show_flow_text(services: Services, app: str, query: Version) -> Content:
    """Return a text of a flow, byte for byte; its ETag is its revision."""
    return _content(await services.flows.library.version(app, query.version))


@RESOURCE.put(Right.FLOWS_PUBLISH, "/{app}/text", upload=FLOW_TEXT)
async def publish_flow_text(
    services: Services, principal: Principal, app: str, replaces: Replaces, query: Why, body: RawBody
) -> PublicationForm:
    """Publish a text in place of the one that is in the flow's file.

    `If-Match` names the revision that it replaces; `If-None-Match: *` publishes a new flow.
    """
    library = services.flows.library
    try:
        here = await library.text(app)
    except Unknown:
        here = None
    replaces.require(None if here is None else _content(here))
    seen = None if here is None else here.revision
    return publication_form(await services.flows.publish_text(principal, app, body.read(), seen, query.note))


@RESOURCE.get(Right.FLOWS_READ, "/{app}/picture")
async def show_flow_picture(services: Services, app: str, query: Version) -> FlowPictureForm:
    """Return what a text of a flow says: its slots, their exits and where these lead, each with its place."""
    text = await services.flows.library.version(app, query.version)
    draft = await services.flows.library.read(text)
    return flow_picture_form(picture_of(draft), text.revision)


@RESOURCE.post(Right.FLOWS_READ, "/{app}:check", status=HTTPStatus.OK, upload=FLOW_TEXT)
async def check_flow_text(services: Services, app: str, body: RawBody) -> FlowCheckForm:
    """Return what a text says, and what is wrong with it and because of it in other flows.

    The flow may be a new one. Nothing is changed.
    """
    return flow_check_form(await services.flows.check_text(app, body.read()))


@RESOURCE.get(Right.FLOWS_READ, "/{app}/uses")
async def show_flow_uses(services: Services, app: str) -> FlowUsesForm:
    """Return what leads to a flow, and the apps, prompts, lists and calendars that it needs."""
    found = await flow_overview(services.flows, app, _silent_s(services))
    drafts, _ = await asyncio.to_thread(services.flows.library.folder.drafts)
    uses = uses_of(found.state.app, drafts.values())
    missing = await asyncio.to_thread(_missing, services, uses.prompts)
    return flow_uses_form(found.state.app, found, uses, missing)


@RESOURCE.get(Right.FLOWS_READ, "/{app}/revisions", listing=HISTORY)
async def list_flow_revisions(services: Services, app: str, asked: PageRequest) -> Page[FlowHistoryForm]:
    """List the texts that a flow had, the newest first: published, rolled back, or changed on disk."""
    return (await services.flows.library.history(app, asked)).map(flow_history_form)


@RESOURCE.get(Right.CALLS_READ, "/{app}/calls", listing=CALLS)
async def count_calls_by_revision(
    connection: AsyncConnection, services: Services, app: str, asked: PageRequest
) -> Page[RevisionCallsForm]:
    """Count the calls in progress that are in a flow, by the revision that they go by.

    A call keeps the text that it began with, so those of an older revision go on by it until they end. A
    call is counted two seconds after it arrived.
    """
    silent_ms = round(services.config.charging.dead_after_s * 1000)
    await services.flows.library.file_of(app)
    found = await live_revisions(connection, app, services.now_ms(), silent_ms)
    return page_of_all(CALLS, ((one, RevisionCallsForm(one, count)) for one, count in found.items()), asked)


@RESOURCE.get(Right.FLOWS_READ, "/{app}/diff")
async def compare_flow_texts(services: Services, app: str, query: Versions) -> FlowDifferenceForm:
    """Return how two texts of a flow differ."""
    return flow_difference_form(await services.flows.library.difference(app, query.old, query.new))


@DRAFTS_KEPT.get(Right.FLOWS_READ, listing=DRAFTS)
async def list_drafts(services: Services, asked: PageRequest) -> Page[DraftForm]:
    """List the drafts of all flows, and who saved each of them last."""
    found = map(draft_form, await services.flows.library.drafts())
    return page_of_all(DRAFTS, ((one.file, one) for one in found), asked)


@RESOURCE.get(Right.FLOWS_READ, "/{app}/draft", media=(YAML,))
async def show_draft(services: Services, app: str) -> Content:
    """Return the text of a flow's draft; its ETag is its revision."""
    return _draft_content(await services.flows.library.draft(app))


@RESOURCE.put(Right.FLOWS_CHANGE, "/{app}/draft", upload=FLOW_TEXT)
async def save_draft(
    services: Services, principal: Principal, app: str, replaces: Replaces, query: DraftQuery, body: RawBody
) -> DraftForm:
    """Save the draft of a flow, or of a new one. The text need not be a flow yet.

    `If-Match` names the revision of the draft that it replaces; `If-None-Match: *` begins one.
    """
    library = services.flows.library
    found = await library.found_draft(app)
    try:
        replaces.require(None if found is None else _draft_content(found))
        over = None if found is None else found.revision
        return draft_form(await library.save_draft(principal, app, body.read(), over, query.onto))
    except RequestRefused as refused:
        raise _saved_by(refused, found) from refused
    except FlowConflict as conflict:
        raise _outdated(conflict) from conflict


@RESOURCE.delete(Right.FLOWS_CHANGE, "/{app}/draft")
async def delete_draft(services: Services, principal: Principal, app: str, match: IfMatch) -> None:
    """Throw a draft away."""
    library = services.flows.library
    found = await library.draft(app)
    try:
        match.require(_draft_content(found))
        await library.discard_draft(principal, app, found.revision)
    except RequestRefused as refused:
        raise _saved_by(refused, found) from refused
    except FlowConflict as conflict:
        raise _outdated(conflict) from conflict


@RESOURCE.post(Right.FLOWS_PUBLISH, "/{app}:publish", status=HTTPStatus.OK)
async def publish_flow(services: Services, principal: Principal, app: str, body: Publish) -> PublicationForm:
    """Have all servers run the draft of a flow, or the text of its file. Calls keep the text they began with.

    A file that was changed on disk since the draft was begun is a conflict.
    """
    (made,) = await _published(services, principal, [app], body.source, body.note, body.over, body.revision)
    return publication_form(made)


@RESOURCE.post(Right.FLOWS_PUBLISH, ":publish", status=HTTPStatus.OK)
async def publish_flows(
    services: Services, principal: Principal, body: PublishTogether
) -> Page[PublicationForm]:
    """Publish flows that belong together, all of them or none."""
    made = await _published(services, principal, body.apps, body.source, body.note, body.over)
    return Page([publication_form(one) for one in made], None)


@RESOURCE.post(Right.FLOWS_PUBLISH, "/{app}:rollback", status=HTTPStatus.OK)
async def roll_back_flow(
    services: Services, principal: Principal, app: str, body: RollBack
) -> PublicationForm:
    """Publish an old text of a flow again."""
    made = await services.flows.roll_back(principal, app, body.revision, body.note, body.over)
    return publication_form(made)


@TEMPLATES_SHIPPED.get(Right.FLOWS_READ, listing=TEMPLATES)
async def list_flow_templates(asked: PageRequest) -> Page[TemplateForm]:
    """List the shipped flows that new ones can begin from."""
    found = await asyncio.to_thread(lambda: [template_form(one) for one in templates()])
    return page_of_all(TEMPLATES, ((one.name, one) for one in found), asked)


@RESOURCE.post(Right.FLOWS_PUBLISH)
async def add_new_flow(actor: Actor, services: Services, body: NewFlow) -> NewFlowForm:
    """Copy a shipped flow and its scenarios under a name of your own, into the folder of this server.

    Publish it then, from the file, where other servers have folders of their own.
    """
    config = services.config
    made = await add_flow(actor, body.app, body.template, config.path(config.flows))
    missing = await asyncio.to_thread(_missing, services, sorted(made.prompts))
    return new_flow_form(made.app, made.files, missing)


async def _published(
    services: Services,
    principal: Principal,
    apps: Collection[str],
    source: Literal["draft", "file"],
    note: str,
    over: Collection[str],
    revision: str | None = None,
) -> list[Publication]:
    if source == "file":
        return await services.flows.publish_files(principal, [*apps], note, over)
    return await services.flows.publish_drafts(principal, [*apps], note, over, revision)


def _silent_s(services: Services) -> float:
    return services.config.charging.dead_after_s


def _missing(services: Services, prompts: Collection[str]) -> list[str]:
    return PromptLibrary(services.config.path(services.config.sounds.folder)).lacking(prompts)


def _content(text: FlowText) -> Content:
    return Content(text.text, YAML, version=text.revision)


def _draft_content(draft: OperatorDraft) -> Content:
    return Content(draft.text, YAML, version=draft.revision)


def _saved_by(refused: RequestRefused, found: OperatorDraft | None) -> RequestRefused:
    if found is None or refused.status is not HTTPStatus.PRECONDITION_FAILED:
        return refused
    saved = f"{found.operator} saved this draft, as revision {found.revision}"
    return refused.reworded(f"{saved}: {refused}")


def _outdated(conflict: FlowConflict) -> FlowConflict | RequestRefused:
    """Another writer came in between: as if the request had come after it."""
    if conflict.kind is not ConflictKind.DRAFT:
        return conflict
    return RequestRefused(HTTPStatus.PRECONDITION_FAILED, "request.outdated", str(conflict))
