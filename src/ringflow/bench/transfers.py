"""`ringflow bench transfers`: charged calls that are transferred by REFER or Replaces, against the wire."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import quote

from ringflow.bench.charged_stage import ChargedStage, charged_stage
from ringflow.bench.crash import TOLERANCE_MS, charges_of, compare_with_wire
from ringflow.bench.replacement import Replacement
from ringflow.bench.sip_round import KEYS_AT_MS, Round
from ringflow.lab import Lab
from ringflow.lab.sip_trace import SipMessage
from ringflow.lab.sipp import Load, SippProcess
from ringflow.lab.sipp_scenarios import LabCallee, hang_up_request, transfer_request

ANSWER = 200
CALLS_PER_S = 2
POLL_S = 0.02
TALKED_BEFORE_S = 0.8
"""From the last callee's answer to the REFER."""

CALLERS_STAY_S = 2.5
"""From the REFER to the callers' own hang-up: a transfer may leave them connected to each other."""

CALLEE = LabCallee(answers_after_ms=200, hangs_up_after_ms=6000)
ROUND_LIMIT_S = 30.0
SETTLED_WITHIN_S = 20.0


class Transfer(Enum):
    """Who asks for a transfer, and how."""

    ATTENDED_BY_CALLER = "attended, by the caller"
    """A caller with two calls connects the two callees."""
    ATTENDED_BY_CALLEE = "attended, by the callee"
    """A callee with two calls connects the two callers."""
    CONSULTED_BY_CALLEE = "attended, by the callee after a call of its own"
    """A callee connects its caller with the callee of a call that it made itself."""
    BLIND_BY_CALLER = "blind, by the caller"
    """A caller sends the callee to a DID."""
    BLIND_BY_CALLEE = "blind, by the callee"
    """A callee sends the caller to a DID."""
    REPLACED_CALLER = "an INVITE with Replaces, in the caller's place"
    """Somebody takes the caller's place in the talk, which no setting of Asterisk forbids."""

    @property
    def calls(self) -> int:
        """How many calls it takes."""
        alone = (Transfer.BLIND_BY_CALLER, Transfer.BLIND_BY_CALLEE, Transfer.REPLACED_CALLER)
        return 1 if self in alone else 2

    @property
    def by_caller(self) -> bool:
        """Whether the REFER comes from the side that called the DID."""
        return self in (Transfer.ATTENDED_BY_CALLER, Transfer.BLIND_BY_CALLER)


class Server(Enum):
    """What becomes of Ringflow before the REFER."""

    ALIVE = "alive"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class TransferRound:
    """What came of one transfer. `answer`: the SIP code of Asterisk's reply to the request, 0 without one.

    `worst_ms`: the largest difference between a billed talk and the wire. `over_ms`: from the request to the
    last BYE at a callee. `wrong` says in words what is not as it must be.
    """

    answer: int
    worst_ms: float
    over_ms: float
    wrong: tuple[str, ...]


async def measure_transfers(
    project: Path,
    lab_folder: Path,
    release: str | None,
    repetitions: int,
    *,
    allowed: bool,
    kinds: Iterable[Transfer] = Transfer,
) -> dict[Transfer, list[TransferRound]]:
    """So many transfers of each kind. Raises `StartError`.

    `allowed`: `allow_transfer` is as PJSIP has it by default, not as it is shipped.
    """
    with tempfile.TemporaryDirectory(prefix="ringflow-transfers-") as name:
        options = {"allow_transfer": "yes"} if allowed else {}
        lab = Lab(lab_folder, release, Path(name) / "asterisk", options)
        async with charged_stage(Path(name), project, lab) as stage:
            await stage.server.start()
            return {kind: [await transfer_round(stage, kind) for _ in range(repetitions)] for kind in kinds}


async def transfer_round(
    stage: ChargedStage,
    kind: Transfer,
    server: Server = Server.ALIVE,
    tolerance_ms: int = TOLERANCE_MS,
) -> TransferRound:
    """Make the calls, transfer, wait until nothing is left over, and compare with the wire.

    A server that is killed is started again afterwards; one that is not running is none of ours.
    """
    known = len(stage.server.logged)
    earlier = await charges_of(stage)
    with tempfile.TemporaryDirectory(prefix="ringflow-transfer-") as folder:
        round_ = _Transferred(stage, Path(folder), kind, server)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_LIMIT_S):
                    await round_.run_with_transfer()
        finally:
            await round_.close()
    if server is Server.KILLED:
        await stage.server.kill()
        await stage.server.start()
    wrong = await _left_over(stage)
    wrong += [str(finding) for finding in await stage.findings()]
    calls = round_.all_calls(kind.calls)
    wrong += [f"{call.number}: {failure}" for call in calls if (failure := call.failure)]
    charges = {leg: micros for leg, micros in (await charges_of(stage)).items() if leg not in earlier}
    worst_ms, not_so = compare_with_wire(calls, charges, stage.server.logged[known:], tolerance_ms)
    ends = [call.callee_ended_at for call in calls if call.callee_ended_at is not None]
    over_ms = (max(ends) - round_.asked_at) * 1000 if ends else 0.0
    return TransferRound(round_.answer, worst_ms, over_ms, tuple(wrong + not_so))


async def _left_over(stage: ChargedStage) -> list[str]:
    """Wait until no hold and no mark is left, within reason; say which are."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + SETTLED_WITHIN_S
    while (left := await stage.left_over()) != (0, 0):
        if loop.time() > limit:
            return [f"{left[0]} holds and {left[1]} marks are left"]
        await asyncio.sleep(0.1)
    return []


class _Transferred(Round):
    """A round of one or two calls, of which the first is transferred.

    `answer`: to the REFER; `asked_at`: when that was sent, in epoch seconds.
    """

    def __init__(self, stage: ChargedStage, folder: Path, kind: Transfer, server: Server) -> None:
        load = Load(kind.calls, CALLS_PER_S)
        super().__init__(stage.lab.packages, folder, stage.way, load, CALLEE, KEYS_AT_MS)
        self.stage = stage
        self.kind = kind
        self.server = server
        self.answer = 0
        self.asked_at = 0.0

    async def run_with_transfer(self) -> None:
        """Make the calls, transfer, and stay to the end of the last callee, not only of the callers."""
        transferring = asyncio.create_task(self.transfer())
        try:
            await self.run()
            await self.callee.ended()
        finally:
            transferring.cancel()
            await asyncio.gather(transferring, return_exceptions=True)
            # What came after the callers' end; a message that is known changes nothing.
            for message in self.callee.messages:
                self.at_the_callee(message)

    async def transfer(self) -> None:
        while sum(call.talked for call in self.at_callees.values()) < self.kind.calls:  # noqa: ASYNC110 -- SIPp tells nobody
            await asyncio.sleep(POLL_S)
        await asyncio.sleep(TALKED_BEFORE_S)
        if self.server is Server.KILLED:
            await self.stage.server.kill()
        if self.kind is Transfer.REPLACED_CALLER:
            await self.replace_caller()
        else:
            await self.refer()
        await asyncio.sleep(CALLERS_STAY_S)
        for invite in _invites(self.caller):
            self.caller.order(hang_up_request(invite))

    async def replace_caller(self) -> None:
        replacement = Replacement(self.way.did, self.way.sip_port, self.replaces(self.caller, 0))
        self.asked_at = time.time()
        await replacement.send()
        try:
            self.answer = await replacement.status
            # It stays as long as the callers do, and says yes to Asterisk's BYE.
            await asyncio.sleep(CALLERS_STAY_S)
        finally:
            replacement.close()

    async def refer(self) -> None:
        asking = self.caller if self.kind.by_caller else self.callee
        asking.order(transfer_request(_invites(asking)[0], self.refer_to()))
        answer = await asking.wait_for(lambda one: one.method == "REFER" and one.status > 0)
        asked = asking.first(lambda one: one.method == "REFER" and not one.status)
        if answer is None or asked is None:
            return
        self.answer, self.asked_at = answer.status, asked.at

    def refer_to(self) -> str:
        """Where the REFER leads: a DID, or in place of one end of the second call."""
        host = f"127.0.0.1:{self.way.sip_port}"
        if self.kind.calls == 1:
            return f"<sip:{self.way.did}@{host}>"
        replaced = self.callee if self.kind is Transfer.ATTENDED_BY_CALLEE else self.caller
        return f"<sip:{self.way.did}@{host}?Replaces={quote(self.replaces(replaced, 1), safe='')}>"

    def replaces(self, replaced: SippProcess, index: int) -> str:
        """The header for the place of this side in its call of this number."""
        invite = _invites(replaced)[index]
        call_id = invite.header("Call-ID")
        answer = next(
            one
            for one in replaced.messages
            if one.status == ANSWER and one.method == "INVITE" and one.header("Call-ID") == call_id
        )
        # The tags are named as Asterisk sees them (RFC 3891, 3): its own is the `to-tag`.
        tags = (_tag(answer.header("To")), _tag(answer.header("From")))
        own, other = tags if replaced is self.caller else tags[::-1]
        return f"{call_id};to-tag={own};from-tag={other}"


def _invites(sipp: SippProcess) -> list[SipMessage]:
    """The INVITE of each of its calls, in the order of the calls."""
    found: dict[str, SipMessage] = {}
    for message in sipp.messages:
        # A re-INVITE has a tag of ours too.
        if message.method == "INVITE" and not message.status and ";tag=" not in message.header("To"):
            found.setdefault(message.header("Call-ID"), message)
    return list(found.values())


def _tag(header: str) -> str:
    return header.partition(";tag=")[2].partition(";")[0]
