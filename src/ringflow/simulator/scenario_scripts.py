"""The scripts of a scenario: run from the texts that it gives, or answered for, else those of the folder."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from ringflow.accounts.headers import CUSTOMER_HEADER, SECURITY_HEADER
from ringflow.errors import DocumentError
from ringflow.scripts.key_values import KeyValues
from ringflow.scripts.run import FailureKind, RunResult, ScriptFailed, Ticket
from ringflow.scripts.script import Place, Script
from ringflow.scripts.service import Scripts
from ringflow.simulator.scenario import CallScript, ScriptAnswer

GIVEN = "given"
"""What stands for the revision of a script that is not run."""

_TICKET = "v1.0.given"


class ScenarioScripts(Scripts):
    """Scripts of which a scenario has given some."""

    def __init__(self, scripts: Scripts, given: Mapping[str, str | Sequence[ScriptAnswer]]) -> None:
        super().__init__(scripts.folder, scripts.workers, scripts.limits, scripts.host_calls, scripts.server)
        self._given = given
        self._runs: Counter[str] = Counter()

    async def run(
        self, name: str, data: JsonValue, now_ms: int, timeout_ms: int | None = None
    ) -> tuple[Script, RunResult]:
        """Run a script, or answer for it. Raises `ScriptFailed`."""
        given = self._given.get(name)
        if given is None or isinstance(given, str):
            return await super().run(name, data, now_ms, timeout_ms)
        answer = given[min(self._runs[name], len(given) - 1)]
        self._runs[name] += 1
        script = Script(name, "", (f"{name}.js",), (0,), {}, GIVEN)
        return script, self._answered(answer, script, data)

    async def current(self, name: str) -> Script:
        """Return the text that the scenario gives, else the folder's. Raises `ScriptFailed`."""
        given = self._given.get(name)
        if not isinstance(given, str):
            return await super().current(name)
        try:
            return self.folder.read(name, given).script
        except DocumentError as error:
            problem = error.problems[0]
            place = Place(problem.path, problem.line, problem.column)
            raise ScriptFailed(FailureKind.UNUSABLE, problem.what, place) from error

    def _answered(self, answer: ScriptAnswer, script: Script, data: JsonValue) -> RunResult:
        place = Place(script.files[0])
        if answer.times_out:
            raise ScriptFailed(FailureKind.TIME, "it took longer than it may", place)
        if answer.throws is not None:
            raise ScriptFailed(FailureKind.THROWN, answer.throws, place, thrown=answer.throws)
        value = _laid_over(copy.deepcopy(data), answer.returns)
        if answer.customer is None:
            return RunResult(value)
        ticket = Ticket(ticket=_TICKET, place=(str(answer.customer), self.server))
        _name_customer(value, str(answer.customer))
        return RunResult(value, tickets=[ticket])


class ScenarioValues:
    """The values that scripts have kept when the calls are over."""

    def __init__(self, values: KeyValues, now_ms: Callable[[], int]) -> None:
        self._values = values
        self._now_ms = now_ms

    async def of(self, script: CallScript) -> dict[str, JsonValue]:
        """Return those that a call's expectation names; None for one that is not there."""
        return {key: await self._values.get(key, self._now_ms()) for key in script.expect.kept}


def _laid_over(value: JsonValue, changes: JsonValue) -> JsonValue:
    """Objects are merged field by field (RFC 7396, without deletion); all else replaces what was there."""
    if not isinstance(value, dict) or not isinstance(changes, dict):
        return changes
    return {
        **value,
        **{name: _laid_over(value.get(name), one) for name, one in changes.items()},
    }


def _name_customer(value: JsonValue, customer: str) -> None:
    """Set the two headers by which a script says who pays, wherever `data` has them."""
    wanted = {CUSTOMER_HEADER: customer, SECURITY_HEADER: _TICKET}
    routing = value.get("routing") if isinstance(value, dict) else None
    rows = routing.get("egress_routing") if isinstance(routing, dict) else None
    for row in rows if isinstance(rows, list) else ():
        headers = row.get("headers") if isinstance(row, dict) else None
        for header in headers if isinstance(headers, list) else ():
            if isinstance(header, dict) and header.get("key") in wanted:
                header["value"] = wanted[str(header["key"])]
