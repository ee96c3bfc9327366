"""The forms of flows: their files, publications, drafts, history and texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringflow.flows.history import HistoryEntry
from ringflow.flows.library import FlowState, FlowText
from ringflow.flows.operator_drafts import OperatorDraft
from ringflow.flows.publication import Publication
from ringflow.flows.service_register import ServerFlow
from ringflow.moments import Moment


@dataclass(frozen=True, slots=True)
class ServerFlowForm:
    """What one server has in service of a flow. `revision` null: nothing."""

    server: str
    revision: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class PublicationForm:
    """A text that was published. `replaced` null: there was no file."""

    app: str
    file: str
    revision: str
    replaced: str | None
    how: str
    operator: str
    note: str
    at: Moment


@dataclass(frozen=True, slots=True)
class DraftForm:
    """A draft without its text. `began_from` null: it is of a new flow."""

    app: str
    file: str
    revision: str
    began_from: str | None
    operator: str
    created_at: Moment
    updated_at: Moment


@dataclass(frozen=True, slots=True)
class FlowForm:
    """A flow: its text in the folder here, what is published, its draft, and what servers run."""

    app: str
    file: str
    revision: str | None
    published: PublicationForm | None
    draft: DraftForm | None
    servers: tuple[ServerFlowForm, ...]


@dataclass(frozen=True, slots=True)
class FlowHistoryForm:
    """A text that was published, or went into service from the disk: then nobody knows who changed it."""

    at: Moment
    revision: str
    app: str
    how: str
    operator: str | None
    note: str


@dataclass(frozen=True, slots=True)
class FlowTextForm:
    """A text of a flow."""

    app: str
    file: str
    revision: str
    text: str


def flow_form(state: FlowState) -> FlowForm:
    """Return a flow as it is shown."""
    published, draft = state.published, state.draft
    return FlowForm(
        app=state.app,
        file=state.file,
        revision=state.revision,
        published=None if published is None else publication_form(published),
        draft=None if draft is None else draft_form(draft),
        servers=server_forms(state.servers),
    )


def server_forms(servers: Sequence[ServerFlow]) -> tuple[ServerFlowForm, ...]:
    """Return what servers have in service as it is shown."""
    return tuple(ServerFlowForm(one.server, one.revision, one.problem or None) for one in servers)


def publication_form(one: Publication) -> PublicationForm:
    """Return a publication as it is shown."""
    return PublicationForm(
        app=one.app,
        file=one.file,
        revision=one.revision,
        replaced=one.replaced,
        how=one.how.value,
        operator=one.operator,
        note=one.note,
        at=Moment(one.at_ms),
    )


def draft_form(draft: OperatorDraft) -> DraftForm:
    """Return a draft as it is shown."""
    return DraftForm(
        app=draft.app,
        file=draft.file,
        revision=draft.revision,
        began_from=draft.began_from,
        operator=draft.operator,
        created_at=Moment(draft.created_ms),
        updated_at=Moment(draft.updated_ms),
    )


def flow_history_form(entry: HistoryEntry) -> FlowHistoryForm:
    """Return an entry of a flow's history as it is shown."""
    return FlowHistoryForm(
        at=Moment(entry.at_ms),
        revision=entry.revision,
        app=entry.app,
        how=entry.how.value,
        operator=entry.operator,
        note=entry.note,
    )


def flow_text_form(text: FlowText) -> FlowTextForm:
    """Return a text as it is shown."""
    return FlowTextForm(app=text.app, file=text.file, revision=text.revision, text=text.text.decode())
