"""The forms of flows: their files, publications, drafts, history and texts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ringflow.errors import Problem
from ringflow.flows.history import HistoryEntry
from ringflow.flows.library import FlowState, FlowText
from ringflow.flows.operator_drafts import OperatorDraft
from ringflow.flows.overview import FlowOverview
from ringflow.flows.picture import FlowPicture, PictureSlot, picture_of
from ringflow.flows.publication import Publication
from ringflow.flows.publisher import CheckedText
from ringflow.flows.service_register import ServerFlow
from ringflow.flows.slot import Slot
from ringflow.flows.text_difference import TextDifference
from ringflow.flows.uses import FlowUses, SlotPlace
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


@dataclass(frozen=True, slots=True)
class ProblemForm:
    """One thing that is wrong in a text. `line` and `column` count from 1; 0: the file as a whole."""

    code: str
    path: str
    line: int
    column: int
    what: str
    mend: str

    def __str__(self) -> str:
        return str(Problem(self.path, self.line, self.column, self.what, self.mend))


@dataclass(frozen=True, slots=True)
class FlowDetailForm:
    """A flow with what leads to it, and what is wrong with its file."""

    app: str
    file: str
    title: str
    revision: str | None
    published: PublicationForm | None
    draft: DraftForm | None
    servers: tuple[ServerFlowForm, ...]
    dids: tuple[str, ...]
    has_more_dids: bool
    used_by: tuple[str, ...]
    problems: tuple[ProblemForm, ...]


@dataclass(frozen=True, slots=True)
class FlowDifferenceForm:
    """How two texts of a flow differ: the lines of a unified diff, none where they do not."""

    old_revision: str
    new_revision: str
    diff: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FlowExitForm:
    """An exit of a slot, and where it leads. `target` null: nothing is written, and what is usual holds."""

    exit: str
    target: str | None
    way: str
    position: int | None
    app: str | None
    returns: str | None
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class FlowSlotForm:
    """A slot as a picture shows it, with where it stands in the text."""

    position: int
    slot: str
    type: str | None
    id: str | None
    line: int
    column: int
    is_whole: bool
    as_written: Mapping[str, object]
    calls: str | None
    prompts: tuple[str, ...]
    exits: tuple[FlowExitForm, ...]


@dataclass(frozen=True, slots=True)
class FlowPictureForm:
    """What a text of a flow says, slot by slot. `app` null: it names none."""

    app: str | None
    title: str
    revision: str
    as_written: Mapping[str, object]
    slots: tuple[FlowSlotForm, ...]
    on_hangup: tuple[FlowSlotForm, ...]


@dataclass(frozen=True, slots=True)
class FlowCheckForm:
    """What a text says, and what is wrong with it and because of it in other flows."""

    revision: str
    ok: bool
    problems: tuple[ProblemForm, ...]
    picture: FlowPictureForm


@dataclass(frozen=True, slots=True)
class SlotPlaceForm:
    """A slot of an app, and the line on which it stands."""

    app: str
    slot: str
    line: int

    def __str__(self) -> str:
        return f"{self.app} {self.slot}"


@dataclass(frozen=True, slots=True)
class FlowUsesForm:
    """What leads to a flow, and what it leads to and needs."""

    app: str
    dids: tuple[str, ...]
    has_more_dids: bool
    used_in: tuple[SlotPlaceForm, ...]
    apps: tuple[str, ...]
    prompts: tuple[str, ...]
    prompts_missing: tuple[str, ...]
    lists: tuple[str, ...]
    calendars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExitRuleForm:
    """Which exits a slot has by its fields as they are written, and where their targets stand.

    `exit` is one exit. null: each key of the mapping in the field `each` is one, or each item of the list,
    called as its `named_by` says, or as `unnamed` with the item's number in place of `{}`. `target_path`
    leads from the slot to the target; `{}` in it is the exit's name, or the index of the item. `when` is a
    JSON Schema of the slot's fields, without `$ref`: the slot has these exits only where it matches.
    """

    exit: str | None
    each: str | None
    named_by: str | None
    unnamed: str | None
    target_path: tuple[str, ...]
    when: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class AppFieldForm:
    """A field of a slot that names an app, after `text_before`."""

    field: str
    text_before: str
    comes_back: bool


@dataclass(frozen=True, slots=True)
class SlotTypeForm:
    """A type of slots: by which exits it ends, and where it may stand.

    `exit_rules` say which exits one slot has; `main_exit` is that of them which leads to the next slot if
    nothing is written, null: the first.
    """

    type: str
    group: str
    description: str
    fixed_exits: tuple[str, ...]
    exit_pattern: str | None
    exit_field: str
    ends_call: bool
    needs_caller: bool
    main_exit: str | None
    exit_rules: tuple[ExitRuleForm, ...]
    app_fields: tuple[AppFieldForm, ...]


class Template(Protocol):
    """A shipped flow, as the package says that has it."""

    @property
    def name(self) -> str:
        """Its app."""

    @property
    def title(self) -> str:
        """A line for people."""

    @property
    def apps(self) -> Sequence[str]:
        """The shipped flows that it leads to."""


@dataclass(frozen=True, slots=True)
class TemplateForm:
    """A shipped flow that new ones can begin from."""

    name: str
    title: str
    apps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewFlowForm:
    """A flow that was made of a shipped one."""

    app: str
    files: tuple[str, ...]
    prompts_missing: tuple[str, ...]


def problem_form(one: Problem) -> ProblemForm:
    """Return a problem as it is shown: its file is named as the folder of flows has it."""
    return ProblemForm(one.code.value, one.path.rpartition("/")[2], one.line, one.column, one.what, one.mend)


def flow_detail_form(one: FlowOverview) -> FlowDetailForm:
    """Return a flow with all that concerns it."""
    form = flow_form(one.state)
    return FlowDetailForm(
        app=form.app,
        file=form.file,
        title=one.title,
        revision=form.revision,
        published=form.published,
        draft=form.draft,
        servers=form.servers,
        dids=one.dids,
        has_more_dids=one.has_more_dids,
        used_by=one.used_by,
        problems=tuple(map(problem_form, one.problems)),
    )


def flow_difference_form(one: TextDifference) -> FlowDifferenceForm:
    """Return how two texts differ as it is shown."""
    return FlowDifferenceForm(one.old_revision, one.new_revision, one.diff)


def flow_picture_form(picture: FlowPicture, revision: str) -> FlowPictureForm:
    """Return what a text says as it is shown."""
    return FlowPictureForm(
        app=picture.app,
        title=picture.title,
        revision=revision,
        as_written=picture.settings,
        slots=tuple(map(_slot_form, picture.slots)),
        on_hangup=tuple(map(_slot_form, picture.on_hangup)),
    )


def flow_check_form(checked: CheckedText) -> FlowCheckForm:
    """Return a text that was looked at as it is shown."""
    return FlowCheckForm(
        revision=checked.revision,
        ok=not checked.problems,
        problems=tuple(map(problem_form, checked.problems)),
        picture=flow_picture_form(picture_of(checked.draft), checked.revision),
    )


def slot_place_form(place: SlotPlace) -> SlotPlaceForm:
    """Return where a slot stands as it is shown."""
    return SlotPlaceForm(place.app, place.slot, place.line)


def flow_uses_form(app: str, of: FlowOverview, uses: FlowUses, missing: Sequence[str]) -> FlowUsesForm:
    """Return what a flow uses and what uses it as it is shown."""
    return FlowUsesForm(
        app=app,
        dids=of.dids,
        has_more_dids=of.has_more_dids,
        used_in=tuple(map(slot_place_form, uses.used_by)),
        apps=uses.apps,
        prompts=uses.prompts,
        prompts_missing=tuple(missing),
        lists=uses.lists,
        calendars=uses.calendars,
    )


def slot_type_form(name: str, kind: type[Slot]) -> SlotTypeForm:
    """Return a type of slots as it is shown."""
    own = kind.own_exits
    return SlotTypeForm(
        type=name,
        group=kind.slot_group.value,
        description=inspect.getdoc(kind) or "",
        fixed_exits=kind.fixed_exits,
        exit_pattern=None if own is None else own.pattern,
        exit_field="on" if own is None else own.field,
        ends_call=kind.ends_call,
        needs_caller=kind.needs_caller,
        main_exit=kind.main_exit_name,
        exit_rules=tuple(
            ExitRuleForm(one.exit, one.each, one.name, one.unnamed, one.target_path, one.when)
            for one in kind.exit_rules()
        ),
        app_fields=tuple(AppFieldForm(one.field, one.prefix, one.returns) for one in kind.app_fields),
    )


def template_form(one: Template) -> TemplateForm:
    """Return a shipped flow as it is shown."""
    return TemplateForm(one.name, one.title, tuple(one.apps))


def new_flow_form(app: str, files: Sequence[Path], missing: Sequence[str]) -> NewFlowForm:
    """Return a flow that was made as it is shown."""
    return NewFlowForm(app, tuple(path.name for path in files), tuple(missing))


def _slot_form(slot: PictureSlot) -> FlowSlotForm:
    return FlowSlotForm(
        position=slot.position,
        slot=slot.label,
        type=slot.type,
        id=slot.id,
        line=slot.line,
        column=slot.column,
        is_whole=slot.is_whole,
        as_written=slot.fields,
        calls=slot.calls,
        prompts=slot.prompts,
        exits=tuple(
            FlowExitForm(
                one.exit, one.target, one.way.value, one.position, one.app, one.returns, one.line, one.column
            )
            for one in slot.exits
        ),
    )


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
