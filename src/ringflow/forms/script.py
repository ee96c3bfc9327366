"""The forms of scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from ringflow.accounts.admission import Rejection
from ringflow.engine.did_script import Scripted


@dataclass(frozen=True, slots=True)
class ScriptForm:
    """A script, and the first of the DIDs that run it."""

    name: str
    revision: str | None
    dids: tuple[str, ...]


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


def script_run_form(scripted: Scripted) -> ScriptRunForm:
    """Return what came of a run as it is shown."""
    remarks = tuple(f"{what}: {detail}" for what, detail in scripted.remarks)
    answer = scripted.answer
    if isinstance(answer, Rejection):
        return ScriptRunForm(answer.sip, answer.reason, None, None, None, None, {}, {}, remarks)
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
    )
