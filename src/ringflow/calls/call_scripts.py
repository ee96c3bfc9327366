"""Scripts as steps of a call's flow: run with its variables, and what became of them noted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from ringflow.calls.json_value import JsonValue
from ringflow.scripts.flow_step import StepCall, read_step, step_data
from ringflow.scripts.remarks import console_remarks, failed_remark, refused_remark
from ringflow.scripts.routing import refusal_in
from ringflow.scripts.run import FailureKind, ScriptFailed
from ringflow.scripts.script import Place

if TYPE_CHECKING:
    from ringflow.accounts.admission import Admission
    from ringflow.agi.session import AgiSession
    from ringflow.calls.account import CallAccount
    from ringflow.calls.event_stream import CallEvents
    from ringflow.calls.variables import Variables
    from ringflow.calls.world import CallWorld

log = structlog.get_logger("ringflow.calls")

LATE = frozenset({FailureKind.TIME, FailureKind.BUSY})
"""It took too long, or waited too long for a process."""


@dataclass(frozen=True, slots=True)
class StepChoice:
    """The exit that a script chose, and its results."""

    exit: str
    variables: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class StepRefusal:
    """A script threw a SIP code: the call ends with it."""

    sip: int
    reason: str


@dataclass(frozen=True, slots=True)
class StepFailure:
    """A script gave nothing that can be used. `late`: because it took too long."""

    late: bool


StepAnswer = StepChoice | StepRefusal | StepFailure


class CallScripts:
    """Runs scripts for one call."""

    def __init__(
        self,
        call_id: str,
        session: AgiSession,
        admission: Admission,
        world: CallWorld,
        account: CallAccount,
        variables: Variables,
        call_events: CallEvents,
    ) -> None:
        self._call_id = call_id
        self._session = session
        self._admission = admission
        self._world = world
        self._account = account
        self._variables = variables
        self._events = call_events

    async def run_step(
        self,
        name: str,
        script_vars: Mapping[str, JsonValue],
        timeout_s: float | None,
        exits: Collection[str],
        main_exit: str,
        results: Sequence[str],
        *,
        is_secret: bool = False,
    ) -> StepAnswer:
        """Run a script as a step of the flow.

        `is_secret`: it is given what no record may have, so what it writes with `console` is left out.
        """
        try:
            return await self._step(name, script_vars, timeout_s, exits, main_exit, results, is_secret)
        except ScriptFailed as error:
            if not is_secret:
                self._note(console_remarks(name, error.log))
            if error.thrown is not None and (refusal := refusal_in(error.thrown)) is not None:
                self._note([refused_remark(error)])
                return StepRefusal(*refusal)
            log.error("script failed", script=name, why=error.kind.value, detail=str(error))
            self._note([failed_remark(error)])
            return StepFailure(late=error.kind in LATE)

    async def _step(
        self,
        name: str,
        script_vars: Mapping[str, JsonValue],
        timeout_s: float | None,
        exits: Collection[str],
        main_exit: str,
        results: Sequence[str],
        is_secret: bool,
    ) -> StepAnswer:
        scripts = self._world.scripts
        if scripts is None:
            raise ScriptFailed(FailureKind.UNUSABLE, "no script runs here", Place(f"{name}.js"))
        data = step_data(self._call(), scripts.server, dict(script_vars), self._own_variables())
        now_ms = round(self._world.clock.now_s() * 1000)
        script, result = await scripts.run(
            name, data, now_ms, None if timeout_s is None else round(timeout_s * 1000)
        )
        if not is_secret:
            self._note(console_remarks(name, result.log))
        chosen, variables = read_step(script, result, exits, main_exit, results)
        changed = f"; variables {', '.join(variables)}" if variables else ""
        self._note([("script", f"{name} {script.revision}: exit {chosen}{changed}"[:300])])
        return StepChoice(chosen, variables)

    def _call(self) -> StepCall:
        request = self._session.request
        return StepCall(
            id=self._call_id,
            channel=request.channel,
            endpoint=request.endpoint,
            did=self._admission.did.number,
            app=str(self._variables.visible["app"]),
            cli=self._admission.cli,
            withheld=self._admission.withheld,
            answered=self._events.history.answered,
            customer=self._account.customer,
        )

    def _own_variables(self) -> dict[str, JsonValue]:
        """What the app's slots have set, without what is secret: that is given by `vars` only."""
        visible = self._variables.visible
        names = (name for name in self._variables.own_names if not self._variables.is_secret(name))
        return {name: visible[name] for name in names}

    def _note(self, remarks: Sequence[tuple[str, str]]) -> None:
        for what, detail in remarks:
            self._events.note(what, detail)
