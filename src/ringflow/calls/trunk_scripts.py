"""Scripts of trunks: run before a leg is priced and dialled, and what became of them noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from ringflow.accounts.script_fields import SKIP, TO_TRUNK, sip_fallback
from ringflow.scripts.egress import Egress, EgressLeg, egress_data, read_egress
from ringflow.scripts.remarks import console_remarks, failed_remark, refused_remark
from ringflow.scripts.returned import wrong_result
from ringflow.scripts.routing import refusal_in
from ringflow.scripts.run import FailureKind, ScriptFailed
from ringflow.scripts.script import Place

if TYPE_CHECKING:
    from ringflow.calls.event_stream import CallEvents
    from ringflow.calls.world import CallWorld

log = structlog.get_logger("ringflow.calls")


@dataclass(frozen=True, slots=True)
class TrunkRefusal:
    """The leg ends as if the trunk had answered so."""

    sip: int
    reason: str


class TrunkScripts:
    """Runs the scripts of trunks for one call."""

    def __init__(self, world: CallWorld, call_events: CallEvents) -> None:
        self._world = world
        self._events = call_events

    async def run(self, name: str, leg: EgressLeg, can_dial: Callable[[str], bool]) -> Egress | TrunkRefusal:
        """Run the script of a leg's trunk. What fails ends as the trunk says."""
        try:
            return await self._run(name, leg, can_dial)
        except ScriptFailed as error:
            self._note(console_remarks(name, error.log))
            if error.thrown is not None and (refusal := refusal_in(error.thrown)) is not None:
                self._note([refused_remark(error)])
                return TrunkRefusal(*refusal)
            trunk = leg.trunk.name
            log.error("script failed", script=name, why=error.kind.value, detail=str(error), trunk=trunk)
            self._note([failed_remark(error)])
            return _fallback(leg)

    async def _run(self, name: str, leg: EgressLeg, can_dial: Callable[[str], bool]) -> Egress:
        scripts = self._world.scripts
        if scripts is None:
            raise ScriptFailed(FailureKind.UNUSABLE, "no script runs here", Place(f"{name}.js"))
        timeout_s = leg.trunk.script_timeout_s
        now_ms = round(self._world.clock.now_s() * 1000)
        script, result = await scripts.run(
            name, egress_data(leg), now_ms, None if timeout_s is None else round(timeout_s * 1000)
        )
        self._note(console_remarks(name, result.log))
        egress = read_egress(script, result, leg, self._world.country)
        if egress.number is not None and not egress.skip and not can_dial(egress.number):
            what = f"routing.dest_number: {egress.number} is no number that trunk {leg.trunk.name} can dial"
            raise wrong_result(script, what, "dest_number")
        self._note([("script", f"{name} {script.revision}: {_changes(egress, leg)}"[:300])])
        return egress

    def _note(self, remarks: Sequence[tuple[str, str]]) -> None:
        for what, detail in remarks:
            self._events.note(what, detail)


def _fallback(leg: EgressLeg) -> Egress | TrunkRefusal:
    wanted = leg.trunk.script_fallback or SKIP
    if wanted == TO_TRUNK:
        return Egress(headers=leg.headers)
    refusal = sip_fallback(wanted)
    return Egress(skip=True) if refusal is None else TrunkRefusal(*refusal)


def _changes(egress: Egress, leg: EgressLeg) -> str:
    """Return what a script changed, in words, for the call's record."""
    if egress.skip:
        return f"trunk {leg.trunk.name} is left out"
    parts = []
    if egress.number is not None:
        parts.append(f"number {egress.number}")
    if egress.cli is not None:
        parts.append(f"CLI {egress.cli or 'none'}")
    if dict(egress.headers) != dict(leg.headers):
        parts.append("headers " + (", ".join(egress.headers) or "none"))
    return "; ".join(parts) if parts else "changed nothing"
