"""A DID's script: runs before the call comes to its app, and says who calls, who pays and where to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import structlog
from pydantic import JsonValue

from ringflow.accounts.admission import Admission, Rejection, refusal_of
from ringflow.accounts.directory import Directory
from ringflow.accounts.headers import CUSTOMER_HEADER
from ringflow.accounts.script_fields import FAILED, TO_APP, sip_fallback
from ringflow.calls.json_value import UnusableValue
from ringflow.calls.variables import Variables, can_be_set
from ringflow.calls.world import CallWorld
from ringflow.flows.flow import Flow
from ringflow.scripts.remarks import console_remarks, failed_remark, refused_remark
from ringflow.scripts.returned import wrong_result
from ringflow.scripts.routing import Routed, read_routing, refusal_in, routing_data
from ringflow.scripts.run import ScriptFailed, one_line
from ringflow.scripts.script import Script
from ringflow.scripts.service import Scripts

log = structlog.get_logger("ringflow.engine")


ATTESTATION = "attestation"
"""The word that a script has in it which wants to know: for others Asterisk is not asked."""


async def _no_attestation() -> JsonValue:
    return None


@dataclass(slots=True)
class Scripted:
    """What became of a call by its script: an admission or a rejection, and what there is to remark."""

    answer: Admission | Rejection
    remarks: list[tuple[str, str]] = field(default_factory=list)


class DidScripts:
    """Runs the scripts of DIDs."""

    def __init__(
        self, directory: Directory, world: CallWorld, flows: Callable[[], Mapping[str, Flow]]
    ) -> None:
        self._directory = directory
        self._world = world
        self._flows = flows

    async def run(
        self,
        call_id: str,
        channel: str,
        endpoint: str,
        admission: Admission,
        attestation: Callable[[], Awaitable[JsonValue]] = _no_attestation,
    ) -> Scripted:
        """Run the script of the DID that was dialled. `endpoint`: where the call came from.

        `attestation` asks Asterisk what the network says of the calling number, where the script wants to
        know.
        """
        name, scripts = admission.did.script, self._world.scripts
        if name is None or scripts is None:
            return Scripted(refusal_of(admission) or admission)
        remarks: list[tuple[str, str]] = []
        try:
            return Scripted(
                await self._decide(
                    scripts, name, call_id, channel, endpoint, admission, attestation, remarks
                ),
                remarks,
            )
        except ScriptFailed as error:
            remarks += console_remarks(name, error.log)
            if error.thrown is not None and (refusal := refusal_in(error.thrown)) is not None:
                remarks.append(refused_remark(error))
                return Scripted(Rejection(*refusal), remarks)
            log.error(
                "script failed",
                script=name,
                why=error.kind.value,
                detail=str(error),
                did=admission.did.number,
            )
            remarks.append(failed_remark(error))
            return Scripted(_fallback(admission), remarks)

    async def _decide(
        self,
        scripts: Scripts,
        name: str,
        call_id: str,
        channel: str,
        endpoint: str,
        admission: Admission,
        attestation: Callable[[], Awaitable[JsonValue]],
        remarks: list[tuple[str, str]],
    ) -> Admission | Rejection:
        attested = await attestation() if await scripts.mentions(name, ATTESTATION) else None
        data = routing_data(admission, call_id, channel, endpoint, scripts.server, attested)
        now_ms = round(self._world.clock.now_s() * 1000)
        timeout_s = admission.did.script_timeout_s
        timeout_ms = None if timeout_s is None else round(timeout_s * 1000)
        script, result = await scripts.run(name, data, now_ms, timeout_ms)
        remarks += console_remarks(name, result.log)
        routed = read_routing(script, result, admission, scripts.server, self._world.country)
        answer = await self._routed(routed, admission, script)
        remarks.append(("script", f"{name} {script.revision}{_changes(routed)}"))
        return answer

    async def _routed(self, routed: Routed, admission: Admission, script: Script) -> Admission | Rejection:
        """The call as the script wants it. Raises `ScriptFailed` for what is not there."""
        if routed.dest_number is not None:
            admission = await self._other_did(routed.dest_number, admission, script)
        if routed.app is not None:
            if routed.app not in self._flows():
                raise wrong_result(script, f"did.app: there is no app {routed.app}", "app")
            admission = replace(admission, did=replace(admission.did, app=routed.app))
        if routed.cli is not None:
            admission = replace(admission, cli=routed.cli or None, presented_cli=routed.cli)
        if routed.customer_id is not None:
            customer = await self._directory.customer(routed.customer_id)
            if customer is None:
                what = f"X-Customer-ID: customer {routed.customer_id} does not exist"
                raise wrong_result(script, what, CUSTOMER_HEADER)
            admission = replace(admission, customer=customer)
        admission = replace(admission, headers=routed.headers, variables=routed.variables)
        for variable in routed.variables:
            if not can_be_set(variable):
                what = f"variables: {one_line(variable, 64)} cannot be set; use small letters, digits and _"
                raise wrong_result(script, what, variable)
        try:
            Variables("", admission)
        except UnusableValue as error:
            raise wrong_result(script, f"variables: {error}", "variables") from error
        return refusal_of(admission) or admission

    async def _other_did(self, number: str, admission: Admission, script: Script) -> Admission:
        """The DID to which the script leads the call; its own script does not run."""
        found = await self._directory.arrive(number, admission.cli, admission.withheld)
        if isinstance(found, Rejection):
            what = f"routing.dest_number: {number[:64]}: {found.reason}"
            raise wrong_result(script, what, "dest_number")
        customer = found.customer or admission.customer
        return replace(admission, did=found.did, customer=customer, brought=found.brought)


def _fallback(admission: Admission) -> Admission | Rejection:
    wanted = admission.did.script_fallback
    if wanted == TO_APP:
        return refusal_of(admission) or admission
    return Rejection(*((sip_fallback(wanted) if wanted is not None else None) or FAILED))


def _changes(routed: Routed) -> str:
    """Return what a script changed, in words, for the call's record."""
    parts = []
    if routed.customer_id is not None:
        parts.append(f"customer {routed.customer_id}")
    if routed.cli is not None:
        parts.append(f"CLI {routed.cli or 'none'}")
    if routed.dest_number is not None:
        parts.append(f"DID {routed.dest_number[:64]}")
    if routed.app is not None:
        parts.append(f"app {routed.app}")
    if routed.headers:
        parts.append("headers " + ", ".join(routed.headers))
    if routed.variables:
        parts.append("variables " + ", ".join(map(str, routed.variables)))
    return ": " + "; ".join(parts)[:250] if parts else " changed nothing"
