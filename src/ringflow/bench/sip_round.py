"""One round of real calls: a SIPp that calls, a SIPp that answers, and what the wire says of each call."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ringflow.bench.seed_call import CLI
from ringflow.bench.voices import Voice, Voices
from ringflow.errors import StartError
from ringflow.lab.packages import PackageFolder
from ringflow.lab.ports import free_udp_port
from ringflow.lab.sip_trace import SipMessage, sip_user
from ringflow.lab.sipp import Load, SippProcess
from ringflow.lab.sipp_scenarios import Dialogue, LabCallee, callee_scenario, caller_scenario

TALK_MS = 1000
KEYS_AT_MS = 1000
"""From the answer to the first key: in the middle of the prompt, which it stops."""

QUICK_CALLEE = LabCallee(answers_after_ms=0, hangs_up_after_ms=TALK_MS)

CALL_LIMIT_S = 30.0
"""How long after the last call has begun a round may last."""

# Twelve digits, as the shipped flow wants them; each call of a process dials another number.
_numbers = itertools.count(441_200_000_000)


@dataclass(frozen=True, slots=True)
class Way:
    """Where a round calls: the DID, Asterisk's SIP port, and the port its callee is expected on."""

    did: str
    sip_port: int
    callee_port: int


@dataclass(slots=True)
class CallTimes:
    """One call in epoch seconds off the wire; None for what was not seen.

    `status` is of the final reply to the caller's INVITE, 0 without one.
    """

    number: str
    began_at: float
    status: int = 0
    last_key_at: float | None = None
    invited_at: float | None = None
    talked: bool = False
    ended_at: float | None = None
    answered_at: float | None = None
    callee_ended_at: float | None = None

    @property
    def failure(self) -> str | None:
        """What is missing to a complete call."""
        if self.status != 200:
            return f"the caller got {self.status or 'no reply'}"
        if self.last_key_at is None:
            return "it ended before all keys were pressed"
        if self.invited_at is None:
            return "no INVITE reached the callee"
        if not self.talked:
            return "the callee was not connected"
        return None if self.ended_at is not None else "it did not end"

    @property
    def refused(self) -> bool:
        """Whether Ringflow refused it for the load."""
        return self.status == 503

    @property
    def talked_ms(self) -> float:
        """From the callee's answer to the BYE there, whoever sent it; 0 without an answer."""
        if self.answered_at is None or self.callee_ended_at is None:
            return 0.0
        return (self.callee_ended_at - self.answered_at) * 1000

    @property
    def key_to_invite_ms(self) -> float:
        """From the end of the last key leaving the caller to the INVITE at the callee."""
        assert self.last_key_at is not None
        assert self.invited_at is not None
        return (self.invited_at - self.last_key_at) * 1000

    @property
    def call_ms(self) -> float:
        """From the caller's INVITE to its BYE."""
        assert self.ended_at is not None
        return (self.ended_at - self.began_at) * 1000


async def run_round(
    packages: PackageFolder,
    way: Way,
    calls: int,
    calls_per_s: int,
    callee: LabCallee = QUICK_CALLEE,
    keys_at_ms: int = KEYS_AT_MS,
) -> list[CallTimes]:
    """Make the calls and give each one's times. Raises `StartError` when SIPp cannot run."""
    with tempfile.TemporaryDirectory(prefix="ringflow-bench-") as folder:
        one_round = Round(packages, Path(folder), way, Load(calls, calls_per_s), callee, keys_at_ms)
        try:
            async with asyncio.timeout(calls / calls_per_s + CALL_LIMIT_S):
                await one_round.run()
        except TimeoutError:
            pass  # The calls that have not ended say so themselves.
        finally:
            await one_round.close()
        return one_round.all_calls(calls)


class Round:
    """The two SIPps of a round, and what has passed the wire so far."""

    def __init__(
        self,
        packages: PackageFolder,
        folder: Path,
        way: Way,
        load: Load,
        answering: LabCallee,
        keys_at_ms: int,
    ) -> None:
        self.way = way
        self.answering = answering
        self.keys_at_ms = keys_at_ms
        self.caller_voices, self.callee_voices = Voices(), Voices()
        self.speaking: dict[str, Voice] = {}
        self.by_call_id: dict[str, CallTimes] = {}
        self.by_number: dict[str, CallTimes] = {}
        self.at_callees: dict[str, CallTimes] = {}

        def sipp(side: str, port: int, voices: Voices) -> SippProcess:
            return SippProcess(packages, folder, side, port, Dialogue(f"{side}-%u", voices.port), load)

        self.caller = sipp("caller", free_udp_port(), self.caller_voices)
        self.callee = sipp("callee", way.callee_port, self.callee_voices)

    async def run(self) -> None:
        """Start both and follow the calls until the callers have ended. Raises `StartError`."""
        await self.callee.start(callee_scenario(self.callee.dialogue, self.answering), None)
        scenario = caller_scenario(self.caller.dialogue, self.way.did, CLI, "", anonymous=False)
        await self.caller.start(scenario, self.way.sip_port)
        listening = asyncio.create_task(self.listen_to_callees())
        try:
            async for message in self.caller.follow():
                self.at_the_caller(message)
            if await self.caller.ended() != 0:
                raise StartError(f"SIPp could not play the callers: {self.caller.last_words()}")
        finally:
            listening.cancel()
            (heard,) = await asyncio.gather(listening, return_exceptions=True)
            if isinstance(heard, Exception):
                raise heard

    async def listen_to_callees(self) -> None:
        """Take in what passes at the callee's side."""
        async for message in self.callee.follow():
            self.at_the_callee(message)

    def at_the_caller(self, message: SipMessage) -> None:
        """Take in one message at the callers' side, and press keys after an answer."""
        call_id = message.header("Call-ID")
        if message.method == "INVITE" and message.sent and call_id not in self.by_call_id:
            call = CallTimes(str(next(_numbers)), message.at)
            self.by_call_id[call_id] = self.by_number[call.number] = call
            return
        call = self.by_call_id[call_id]
        if message.method == "INVITE" and message.status >= 200 and not call.status:
            call.status = message.status
            if message.status == 200:
                self.speak_as_caller(call_id, call, message.audio_port())
        elif message.first_line.startswith("BYE ") and call.ended_at is None:
            call.ended_at = message.at
            self.fall_silent(call_id)

    def speak_as_caller(self, call_id: str, call: CallTimes, port: int) -> None:
        """Send sound, and the number as keys."""

        def last_key(at: float) -> None:
            call.last_key_at = at

        keys = f"{call.number}#"
        self.speaking[call_id] = self.caller_voices.speak_to(port, keys, self.keys_at_ms, last_key)

    def at_the_callee(self, message: SipMessage) -> None:
        """Take in one message at the callee's side."""
        call_id = message.header("Call-ID")
        if message.method == "INVITE" and not message.status:
            call = self.by_number.get(sip_user(message.uri))
            if call is not None and call.invited_at is None:
                call.invited_at = message.at
                self.at_callees[call_id] = call
                self.speaking[call_id] = self.callee_voices.speak_to(message.audio_port())
        elif message.method == "INVITE" and message.status == 200 and call_id in self.at_callees:
            call = self.at_callees[call_id]
            call.answered_at = call.answered_at or message.at
        elif message.method == "ACK" and call_id in self.at_callees:
            self.at_callees[call_id].talked = True
        elif message.first_line.startswith("BYE "):
            if call_id in self.at_callees and self.at_callees[call_id].callee_ended_at is None:
                self.at_callees[call_id].callee_ended_at = message.at
            self.fall_silent(call_id)

    def fall_silent(self, call_id: str) -> None:
        """Send no sound any more."""
        voice = self.speaking.pop(call_id, None)
        if voice is not None:
            voice.stop()

    def all_calls(self, calls: int) -> list[CallTimes]:
        """What became of each; calls that were never begun are there too."""
        begun = list(self.by_call_id.values())
        return begun + [CallTimes(str(next(_numbers)), 0.0) for _ in range(calls - len(begun))]

    async def close(self) -> None:
        """End both."""
        await self.caller.stop()
        await self.callee.stop()
        self.caller_voices.close()
        self.callee_voices.close()
