"""Recording a caller: what Asterisk is told, and what came of it.

`RECORD FILE` answers -1 to a hang-up and to a file that it cannot write (handle_recordfile in res_agi.c), and
says in parentheses which of them it was. What it wrote until a hang-up is whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringflow.agi.reply import Reply
from ringflow.agi.session import COMMAND_TIMEOUT_S, AgiSession
from ringflow.calls import events
from ringflow.calls.event_stream import CallEvents
from ringflow.calls.recorded_sound import reference_to
from ringflow.errors import ChannelGone
from ringflow.recordings.folder import FORM, INCOMING, RecordingFailed
from ringflow.recordings.service import Origin, Recordings, Wanted

if TYPE_CHECKING:
    from ringflow.calls.world import CallWorld

MAX_LONGEST_S = 3600
NOT_IN_TIME_MS = 250
"""How much earlier than its longest a recording must end to have been ended by silence."""


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """How to record. Lengths are seconds; `silence_s` None: silence ends nothing. `keep_days`: see `Wanted`.

    `end_keys` end it, and are not in it.
    """

    longest_s: float
    shortest_s: float
    silence_s: int | None
    end_keys: str
    keep_days: int | None
    levelled: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording that is kept. `reference` is what a variable holds of it."""

    recording_id: str
    length_ms: int

    @property
    def reference(self) -> str:
        """What a variable holds, and a prompt field takes, to play it."""
        return reference_to(self.recording_id)


class VoiceRecorder:
    """Records the caller of one call. The call must be answered."""

    def __init__(self, session: AgiSession, world: CallWorld, call_events: CallEvents) -> None:
        self._session = session
        self._world = world
        self._events = call_events

    async def record(self, order: RecordOrder) -> Recorded | None:
        """Record; None where nothing was said, or less than the shortest.

        Raises `RecordingFailed` where there can be no recording, and `HungUpRecording` once the recording of
        a caller who hung up is kept, or thrown away for being too short.
        """
        recordings = self._world.recordings
        if recordings is None:
            raise RecordingFailed("nothing is recorded here")
        longest_ms = round(order.longest_s * 1000)
        wanted = Wanted(longest_ms, round(order.shortest_s * 1000), order.keep_days, order.levelled)
        recording_id = await recordings.begin(self._origin(), wanted)
        self._events.emit(events.RecordingStarted, recording_id)
        clock, target = self._world.clock, recordings.folder.target(recording_id)
        began_ms = clock.monotonic_ms()
        silence = (f"s={order.silence_s}",) if order.silence_s is not None else ()
        reply = await self._session.command(
            "RECORD FILE",
            target,
            FORM,
            order.end_keys,
            str(longest_ms),
            *silence,
            hangup_is_data=True,
            timeout_s=order.longest_s + COMMAND_TIMEOUT_S,
        )
        if reply.result == "-1" and reply.value not in ("hangup", "waitfor"):
            await recordings.discard(recording_id)
            raise RecordingFailed(
                f"Asterisk cannot write to {recordings.folder.asterisk_folder}/{INCOMING} ({reply.value})"
            )
        ended_by = _ended_by(reply, clock.monotonic_ms() - began_ms, longest_ms)
        if ended_by is not events.RecordingEnd.HANG_UP:
            return await self._keep(recordings, recording_id, wanted, ended_by)
        try:
            recorded = await self._keep(recordings, recording_id, wanted, ended_by)
        except RecordingFailed as error:
            # Nobody is there to whom an exit could say so.
            self._events.note("not_recorded", str(error))
            recorded = None
        raise HungUpRecording(recorded)

    async def discard(self, recorded: Recorded) -> None:
        """Throw a recording away. Where that fails it is done later, and noted."""
        recordings = self._world.recordings
        assert recordings is not None, "there is a recording"
        self._events.note("recording_discarded")
        await self._discard(recordings, recorded.recording_id)

    async def _keep(
        self, recordings: Recordings, recording_id: str, wanted: Wanted, ended_by: events.RecordingEnd
    ) -> Recorded | None:
        taken = await recordings.take_in(recording_id, wanted.longest_ms)
        self._events.emit(events.RecordingEnded, recording_id, taken.length_ms, ended_by)
        if taken.length_ms >= wanted.least_ms and taken.spoken_ms:
            return Recorded(recording_id, taken.length_ms)
        self._events.note("recording_too_short" if taken.spoken_ms else "recording_silent")
        await self._discard(recordings, recording_id)
        return None

    async def _discard(self, recordings: Recordings, recording_id: str) -> None:
        try:
            await recordings.discard(recording_id)
        except RecordingFailed as error:
            self._events.note("recording_deleted_later", str(error))

    def _origin(self) -> Origin:
        history = self._events.history
        started, place = history.started, history.place
        assert started is not None, "a call begins with its start"
        return Origin(
            call_id=place.call_id,
            did=started.did,
            cli=started.cli,
            customer_id=history.customer_id,
            app=place.app or "",
            slot=place.slot,
        )


class HungUpRecording(ChannelGone):
    """The caller hung up while recording. `recorded`: what is kept of it; None: nothing."""

    def __init__(self, recorded: Recorded | None) -> None:
        super().__init__("result")
        self.recorded = recorded


def _ended_by(reply: Reply, took_ms: int, longest_ms: int) -> events.RecordingEnd:
    if reply.value == "dtmf":
        return events.RecordingEnd.KEY
    if reply.value != "timeout":
        return events.RecordingEnd.HANG_UP
    # Its number is what was left of the time, or 0: how long it took tells more.
    in_time = took_ms < longest_ms - NOT_IN_TIME_MS
    return events.RecordingEnd.SILENCE if in_time else events.RecordingEnd.LONGEST
