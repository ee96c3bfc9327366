"""The forms of scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from ringflow.accounts.admission import Rejection
from ringflow.engine.did_script import Scripted
from ringflow.errors import Problem
from ringflow.flows.publication import How
from ringflow.flows.script_library import ScriptState
from ringflow.flows.script_texts import ScriptText, TextKind
from ringflow.flows.text_difference import TextDifference
from ringflow.forms.flow import ProblemForm, SlotPlaceForm, problem_form, slot_place_form
from ringflow.moments import Moment


@dataclass(frozen=True, slots=True)
class ScriptForm:
    """A script: its file here, what is published, who runs it, and what is wrong with it."""

    name: str
    revision: str | None
    published_revision: str | None
    dids: tuple[str, ...]
    hangup_dids: tuple[str, ...]
    trunk_names: tuple[str, ...]
    used_in: tuple[SlotPlaceForm, ...]
    problems: tuple[ProblemForm, ...]


@dataclass(frozen=True, slots=True)
class ScriptTextForm:
    """A text that a script had. Of one that was changed on disk nobody knows by whom."""

    at: Moment
    revision: str
    how: str
    operator: str | None
    note: str


@dataclass(frozen=True, slots=True)
class ScriptDifferenceForm:
    """How two texts of a script differ, as the lines of a unified diff."""

    old_revision: str
    new_revision: str
    diff: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScriptCheckForm:
    """What is wrong with a text."""

    problems: tuple[ProblemForm, ...]


@dataclass(frozen=True, slots=True)
class ScriptRunForm:
    """What a script would make of a call."""

    reject_sip: int | None
    reason: str | None
    did: str | None
    app: str | None
    cli: str | None
    customer: int | None
    headers: Mapping[str, str]
    variables: Mapping[str, JsonValue]
    remarks: tuple[str, ...]
    would_change: tuple[str, ...]


_HOW = {
    TextKind.PUBLISHED: How.PUBLISHED,
    TextKind.ROLLED_BACK: How.ROLLED_BACK,
    TextKind.ON_DISK: How.ON_DISK,
}


def script_form(state: ScriptState) -> ScriptForm:
    """Return a script as it is shown."""
    uses = state.uses
    return ScriptForm(
        name=state.name,
        revision=state.revision,
        published_revision=state.published.revision if state.published is not None else None,
        dids=uses.dids,
        hangup_dids=uses.hangup_dids,
        trunk_names=uses.trunks,
        used_in=tuple(map(slot_place_form, uses.slots)),
        problems=tuple(map(problem_form, state.problems)),
    )


def script_text_form(text: ScriptText) -> ScriptTextForm:
    """Return a text of a script as it stands in its history."""
    return ScriptTextForm(
        at=Moment(text.at_ms),
        revision=text.revision,
        how=_HOW[TextKind(text.kind)].value,
        operator=text.operator or None,
        note=text.note,
    )


def script_difference_form(found: TextDifference) -> ScriptDifferenceForm:
    """Return how two texts differ."""
    return ScriptDifferenceForm(found.old_revision, found.new_revision, found.diff)


def script_check_form(problems: Sequence[Problem]) -> ScriptCheckForm:
    """Return what is wrong with a text."""
    return ScriptCheckForm(tuple(map(problem_form, problems)))


def script_run_form(scripted: Scripted, would_change: Sequence[str]) -> ScriptRunForm:
    """Return what came of a run as it is shown. `would_change`: what it would have changed."""
    changes = tuple(would_change)
    remarks = tuple(f"{what}: {detail}" for what, detail in scripted.remarks)
    answer = scripted.answer
    if isinstance(answer, Rejection):
        return ScriptRunForm(answer.sip, answer.reason, None, None, None, None, {}, {}, remarks, changes)
    customer = answer.customer.id if answer.customer is not None else None
    return ScriptRunForm(
        None,
        None,
        answer.did.number,
        answer.did.app,
        answer.cli,
        customer,
        answer.headers,
        answer.variables,
        remarks,
        changes,
    )
