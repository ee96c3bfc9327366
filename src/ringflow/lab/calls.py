"""Real calls through the lab's Asterisk: SIPp speaks SIP, sockets of ours carry sound and keys."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ringflow.errors import StartError
from ringflow.lab.asterisk import AsteriskState
from ringflow.lab.call_values import (
    CalleeRecord,
    HangUp,
    LabCaller,
    LabCallResult,
    Moment,
    TimedKeys,
    TimedSpeech,
)
from ringflow.lab.packages import PackageFolder
from ringflow.lab.ports import free_udp_port
from ringflow.lab.sip_trace import SipMessage, sip_user
from ringflow.lab.sipp import SippProcess
from ringflow.lab.sipp_scenarios import Dialogue, LabCallee, callee_scenario, caller_scenario
from ringflow.lab.sound import Sound

CALL_TIMEOUT_S = 60.0
# How long the callees' side may take to end after the caller's has.
_AFTERWARDS_S = 3.0


Callees: TypeAlias = LabCallee | Sequence[LabCallee]
Begin: TypeAlias = Callable[[], Awaitable[None]]
TimedWork: TypeAlias = tuple[int, Callable[[], Awaitable[None]]]


async def at_once() -> None:
    """Begin without waiting for anybody."""


async def place_call(
    asterisk: AsteriskState,
    packages: PackageFolder,
    caller: LabCaller,
    callees: Mapping[str, Callees] | None = None,
    timeout_s: float = CALL_TIMEOUT_S,
    begins: Begin = at_once,
    in_talk: Sequence[TimedWork] = (),
) -> LabCallResult:
    """Call through Asterisk; `callees` says who stands behind which of its trunks (`callee01`, ...).

    Several behind one trunk take an INVITE each, the next one when the one before has ended. `begins` is
    waited for when the callees are there, before the caller dials. `in_talk` is done so many milliseconds
    after the first answer of a callee.

    Calls may run at the same time when each has trunks of its own. Raises `StartError` when SIPp cannot run,
    `TimeoutError` when the call has not ended in time.
    """
    with tempfile.TemporaryDirectory(prefix="ringflow-call-") as folder:
        call = _LabCall(asterisk, packages, Path(folder))
        try:
            async with asyncio.timeout(timeout_s):
                return await call.run(caller, callees or {}, begins, in_talk)
        finally:
            await call.close()


@dataclass(frozen=True, slots=True)
class _Side:
    sipp: SippProcess
    sound: Sound


class _LabCall:
    def __init__(self, asterisk: AsteriskState, packages: PackageFolder, folder: Path) -> None:
        self.asterisk = asterisk
        self.packages = packages
        self.folder = folder
        self.sides: dict[str, _Side] = {}
        self.earlier: dict[str, list[_Side]] = {}
        """Behind each trunk, those whose turn is over."""

    async def run(
        self, caller: LabCaller, callees: Mapping[str, Callees], begins: Begin, in_talk: Sequence[TimedWork]
    ) -> LabCallResult:
        turns = {trunk: (one,) if isinstance(one, LabCallee) else one for trunk, one in callees.items()}
        for trunk, (first, *_) in turns.items():
            await self.add_callee(trunk, first)
        await begins()
        side = await self.add("caller", free_udp_port())
        scenario = caller_scenario(
            side.sipp.dialogue,
            caller.did,
            caller.cli,
            caller.display_name,
            caller.anonymous,
            caller.headers,
        )
        await side.sipp.start(scenario, self.asterisk.sip_port)
        deeds = [
            *self.deeds(caller, side, list(callees)),
            *(self.take_turns(trunk, later) for trunk, (_, *later) in turns.items() if later),
            *(self.press_in_talk(trunk, first) for trunk, (first, *_) in turns.items() if first.keys),
            *(self.work_in_talk(list(callees), *one) for one in in_talk if callees),
        ]
        helping = [asyncio.create_task(one) for one in deeds]
        try:
            if await side.sipp.ended() != 0:
                raise StartError(f"SIPp could not play the caller: {side.sipp.last_words()}")
        finally:
            for task in helping:
                task.cancel()
            done = await asyncio.gather(*helping, return_exceptions=True)
        for error in done:
            if isinstance(error, Exception):
                raise error
        await self.let_callees_end(list(callees))
        seen = {
            trunk: tuple(
                record
                for one in (*self.earlier.get(trunk, ()), self.sides[trunk])
                if (record := _callee_record(one)) is not None
            )
            for trunk in callees
        }
        return _call_result(side, {trunk: records for trunk, records in seen.items() if records})

    async def add_callee(self, trunk: str, callee: LabCallee) -> None:
        side = await self.add(trunk, self.asterisk.trunks[trunk])
        await side.sipp.start(callee_scenario(side.sipp.dialogue, callee), None)

    async def take_turns(self, trunk: str, later: Sequence[LabCallee]) -> None:
        """Have the next callee stand behind the trunk when the one before has had its call."""
        for callee in later:
            before = self.sides[trunk]
            await before.sipp.ended()
            await self.add_callee(trunk, callee)
            await _speak_when_invited(self.sides[trunk])

    async def add(self, name: str, port: int) -> _Side:
        sound = await Sound.open()
        dialogue = Dialogue(f"{name}-{secrets.token_hex(8)}", sound.port)
        # At one stroke: a call that ends while the next callee comes must not count the one before twice.
        if name in self.sides:
            self.earlier.setdefault(name, []).append(self.sides[name])
        # Its files have a name of their own: another callee may have stood there before.
        files = f"{name}-{len(self.earlier.get(name, ())) + 1}"
        self.sides[name] = _Side(SippProcess(self.packages, self.folder, files, port, dialogue), sound)
        return self.sides[name]

    def deeds(self, caller: LabCaller, side: _Side, trunks: list[str]) -> list[Coroutine[Any, Any, None]]:
        """What must happen at its time while SIPp speaks SIP."""
        doing: list[Coroutine[Any, Any, None]] = [_press_keys(side, caller.keys), _speak(side, caller.speech)]
        doing += [_speak_when_invited(self.sides[trunk]) for trunk in trunks]
        if caller.hang_up is not None:
            doing.append(self.at(caller.hang_up, side.sipp.hang_up, side, trunks))
        if caller.falls_silent is not None:
            doing.append(self.at(caller.falls_silent, side.sound.fall_silent, side, trunks))
        return doing

    async def at(self, when: HangUp, deed: Callable[[], None], side: _Side, trunks: list[str]) -> None:
        """Do it when the moment comes, if it does."""
        if when.moment is Moment.DIALLED:
            found = await side.sipp.wait_for(lambda message: message.first_line.startswith("INVITE "))
        elif when.moment is Moment.ANSWERED:
            found = await side.sipp.wait_for(_is_answer)
        elif when.moment is Moment.TALKING:
            found = await self.sides[trunks[-1]].sipp.wait_for(_is_answer)
        else:
            waiting = [asyncio.create_task(self.sides[trunk].sipp.wait_for(_is_invite)) for trunk in trunks]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                found = next((task.result() for task in waiting if task.done()), None)
            finally:
                for task in waiting:
                    task.cancel()
        if found is not None:
            await asyncio.sleep(when.after_ms / 1000)
            deed()

    async def press_in_talk(self, trunk: str, callee: LabCallee) -> None:
        """Press the keys of a callee once it has answered."""
        await _press_keys(self.sides[trunk], (TimedKeys(callee.keys_after_ms, callee.keys),))

    async def work_in_talk(
        self, trunks: list[str], after_ms: int, work: Callable[[], Awaitable[None]]
    ) -> None:
        """Do it so long after the first callee's answer, if one answers."""
        waiting = [asyncio.create_task(self.sides[trunk].sipp.wait_for(_is_answer)) for trunk in trunks]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if any(task.done() and not task.cancelled() and task.result() is not None for task in waiting):
            await asyncio.sleep(after_ms / 1000)
            await work()

    async def let_callees_end(self, trunks: list[str]) -> None:
        """A callee that got no INVITE waits for ever; one that did has its BYE or CANCEL on the way."""
        called = [self.sides[trunk].sipp for trunk in trunks if self.sides[trunk].sipp.first(_is_invite)]
        if called:
            await asyncio.wait([asyncio.create_task(sipp.ended()) for sipp in called], timeout=_AFTERWARDS_S)

    async def close(self) -> None:
        for side in (*self.sides.values(), *(one for sides in self.earlier.values() for one in sides)):
            await side.sipp.stop()
            await side.sound.close()


async def _press_keys(side: _Side, keys: tuple[TimedKeys, ...]) -> None:
    answer = await side.sipp.wait_for(_is_answer)
    if answer is None:
        return
    loop = asyncio.get_running_loop()
    answered = loop.time()
    side.sound.speak_to(answer.audio_port())
    for group in keys:
        due = answered + group.at_ms / 1000
        for sign in group.digits:
            await asyncio.sleep(due - loop.time())
            await side.sound.key(sign, group.tone_ms)
            due += (group.tone_ms + group.gap_ms) / 1000


async def _speak(side: _Side, speech: tuple[TimedSpeech, ...]) -> None:
    if await side.sipp.wait_for(_is_answer) is None:
        return
    loop = asyncio.get_running_loop()
    answered = loop.time()
    for one in speech:
        await asyncio.sleep(answered + one.at_ms / 1000 - loop.time())
        side.sound.speak(one.length_ms)


async def _speak_when_invited(side: _Side) -> None:
    invite = await side.sipp.wait_for(_is_invite)
    if invite is not None and await side.sipp.wait_for(_is_heard) is not None:
        side.sound.speak_to(invite.audio_port())


def _is_invite(message: SipMessage) -> bool:
    return not message.sent and message.method == "INVITE" and not message.status


def _is_answer(message: SipMessage) -> bool:
    return message.status == 200 and message.method == "INVITE"


def _is_heard(message: SipMessage) -> bool:
    return message.status in (183, 200) and message.method == "INVITE"


def _ending(messages: list[SipMessage], ourselves: str) -> tuple[float | None, str]:
    bye = next((one for one in messages if one.first_line.startswith("BYE ")), None)
    if bye is None:
        return None, ""
    return bye.at, ourselves if bye.sent else "asterisk"


def _callee_record(side: _Side) -> CalleeRecord | None:
    invite = side.sipp.first(_is_invite)
    if invite is None:
        return None
    answer = side.sipp.first(_is_answer)
    ended_at, ended_by = _ending(side.sipp.messages, "callee")
    return CalleeRecord(
        dialled=sip_user(invite.uri),
        from_user=sip_user(invite.header("From")),
        headers=invite.headers,
        invited_at=invite.at,
        answered_at=answer.at if answer else None,
        ended_at=ended_at,
        ended_by=ended_by,
        cancelled=side.sipp.first(lambda message: message.first_line.startswith("CANCEL ")) is not None,
        heard=tuple(side.sound.heard),
        keys=tuple(side.sound.keys),
        voiced=tuple(side.sound.voiced),
    )


def _call_result(side: _Side, callees: dict[str, tuple[CalleeRecord, ...]]) -> LabCallResult:
    final = side.sipp.first(lambda message: message.method == "INVITE" and message.status >= 200)
    if final is None:
        raise StartError("Asterisk of the lab did not reply to the caller's INVITE")
    ended_at, ended_by = _ending(side.sipp.messages, "caller")
    return LabCallResult(
        status=final.status,
        reason=final.reason,
        answered_at=final.at if final.status == 200 else None,
        ended_at=ended_at,
        ended_by=ended_by,
        heard=tuple(side.sound.heard),
        callees={trunk: seen[0] for trunk, seen in callees.items()},
        in_turn=callees,
        messages=tuple(side.sipp.messages),
        voice=bytes(side.sound.voice),
        voiced=tuple(side.sound.voiced),
    )
