"""One call through one app: identify, admit, walk the slots, and say what became of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from ringflow.accounts.admission import Admission, Rejection
from ringflow.accounts.directory import Directory
from ringflow.agi.refusal import RefusedCall
from ringflow.agi.session import AgiSession
from ringflow.calls.asterisk_identity import asterisk_of_call
from ringflow.calls.call import Call
from ringflow.calls.call_ids import CallMark
from ringflow.calls.channel_limits import counted
from ringflow.calls.outcome import CallRecord, Leg, Outcome, Reject, ReleasedBy
from ringflow.calls.progress import CallInProgress
from ringflow.calls.rejecting import reject_call
from ringflow.calls.released_by import call_cause, call_released_by
from ringflow.calls.transcript import Transcript
from ringflow.calls.world import CallWorld
from ringflow.engine.dialplan import OUTDATED, DialplanCheck
from ringflow.engine.refusals import RefusalBound
from ringflow.engine.walking import Ended, walk
from ringflow.engine.watching import Watcher
from ringflow.errors import CallEnded, RingflowError
from ringflow.flows.flow import Flow
from ringflow.moments import system_now_ms
from ringflow.plain_text import plain

log = structlog.get_logger("ringflow.engine")

UNAVAILABLE = Rejection(503, "Service Unavailable")
"""What a caller gets whom a fault kept from being answered."""

SERVER_LOST = "its server was gone before the call ended"


class Flows(Protocol):
    """Where the engine finds apps."""

    def current(self) -> Mapping[str, Flow]:
        """The newest good revisions, by app. The mapping does not change: a call keeps what it began with."""


def new_call_id() -> str:
    """An ID that no other call has: 12 hexadecimal digits of time (milliseconds since 1970), 20 of chance.

    Ids that grow with time stand side by side in the database: on SQLite a call's record takes a third of the
    processor time that it takes under an id of chance alone.
    """
    return f"{system_now_ms():012x}{os.urandom(10).hex()}"


class Engine:
    """Runs calls; one `run` for each, all at the same time in one event loop."""

    def __init__(
        self,
        directory: Directory,
        flows: Flows,
        world: CallWorld,
        watchers: Sequence[Watcher] = (),
        make_call_id: Callable[[], str] = new_call_id,
    ) -> None:
        self.dialplan = DialplanCheck()
        self.refusals = RefusalBound(world.clock)
        self._directory = directory
        self._flows = flows
        self._world = world
        self._watchers = watchers
        self._make_call_id = make_call_id
        self._visits: dict[str, _Visit] = {}
        # Every call writes a line: the module's own logger would be looked up for each.
        self._log = log.bind()

    @property
    def calls_in_progress(self) -> Mapping[str, CallInProgress]:
        """The calls that run now, by their ids, the oldest first."""
        return self._visits

    async def run(self, session: AgiSession) -> CallRecord:
        """Serve one FastAGI session to its end, in a task of its own. Raises nothing but `CancelledError`."""
        call_id = self._make_call_id()
        # For all lines of the log from this task, which ends with the call.
        structlog.contextvars.bind_contextvars(call_id=call_id)
        visit = self._visits[call_id] = _Visit(call_id, session, self._world)
        try:
            await self._serve(visit)
        except CallEnded as ended:
            visit.hung_up(ended)
        except asyncio.CancelledError:
            visit.end(Outcome.DRAINED, "Ringflow is stopping")
            # An unanswered caller is refused by the dialplan, which knows how a leg ends that is under way.
            session.abandon(hang_up=visit.call is not None and visit.call.answered)
            raise
        except Exception as error:  # noqa: BLE001 -- the boundary of a call: one call's fault ends only that call
            await visit.fail(error)
        finally:
            del self._visits[call_id]
            record = visit.record()
            if visit.outdated and not self.refusals.is_recorded(OUTDATED.reason):
                self._count_refused(Reject(OUTDATED.sip, OUTDATED.reason))
            else:
                self._tell(record, visit.call.key_to_dial_ms if visit.call else [])
        return record

    def call_refused(self, refused: RefusedCall) -> None:
        """Have a call recorded that the FastAGI server refused, unless there are too many of them."""
        refusal = refused.refusal
        reject = Reject(refusal.sip, refusal.reason)
        if not self.refusals.is_recorded(reject.reason, known=refused.did is not None):
            self._count_refused(reject)
            return
        record = CallRecord(
            call_id=self._make_call_id(),
            did=plain(refused.did or ""),
            cli=plain(refused.cli) if refused.cli is not None else None,
            app=None,
            revision=None,
            customer=None,
            outcome=Outcome.REJECTED,
            reason=plain(f"{refusal.reason}: {refused.detail}" if refused.detail else refusal.reason),
            started_at_s=self._world.clock.now_s(),
            duration_ms=0,
            reject=reject,
            variables={},
            legs=(),
            transcript=(),
            released_by=ReleasedBy.RINGFLOW,
            release_cause=refusal.cause,
        )
        with structlog.contextvars.bound_contextvars(call_id=record.call_id):
            self._tell(record, [])

    def _count_refused(self, reject: Reject) -> None:
        for watcher in self._watchers:
            watcher.call_refused(reject)

    async def _serve(self, visit: _Visit) -> None:
        request = visit.session.request
        outdated = self.dialplan.refuse(request)
        if outdated is not None:
            visit.outdated = True
            await visit.refuse(outdated)
            return
        await visit.session.probe()
        answer = await self._directory.arrive(request.extension, request.caller_id, request.is_withheld)
        if isinstance(answer, Rejection):
            await visit.refuse(answer)
            return
        flows = self._flows.current()
        flow = flows.get(answer.did.app)
        if flow is None:
            log.error("app missing", app=answer.did.app, did=answer.did.number)
            await visit.refuse(Rejection(503, f"App Not Found: {answer.did.app}"))
            return
        mark = CallMark(visit.call_id, request.unique_id)
        async with counted(self._world.charging, answer, mark, asterisk_of_call(request)) as full:
            if full is not None:
                await visit.refuse(full)
            else:
                await self._walk(visit, answer, flow, flows)

    async def _walk(self, visit: _Visit, admission: Admission, flow: Flow, flows: Mapping[str, Flow]) -> None:
        call = visit.begin(admission, flow)
        for watcher in self._watchers:
            watcher.call_began(flow.app)

        def slot_left(app: str, slot_type: str, exit_name: str) -> None:
            for watcher in self._watchers:
                watcher.slot_left(app, slot_type, exit_name)

        try:
            ended = await walk(call, flow, flows, slot_left)
            visit.finish(ended)
            await call.end_unanswered(ended.outcome)
        finally:
            await call.leave()

    def _tell(self, record: CallRecord, key_to_dial_ms: list[int]) -> None:
        self._log.info(
            "call ended",
            did=record.did,
            cli=record.cli,
            app=record.app,
            customer=record.customer,
            outcome=record.outcome,
            reason=record.reason,
            sip=record.reject.sip if record.reject else None,
            duration_ms=record.duration_ms,
            legs=[_leg_text(leg) for leg in record.legs],
        )
        for watcher in self._watchers:
            watcher.call_ended(record, key_to_dial_ms)


def _leg_text(leg: Leg) -> str:
    """A leg in the log's line of its call."""
    why = f" ({leg.reason})" if leg.reason else ""
    return f"{leg.dialled} {leg.trunk} {leg.status} {leg.talked_ms}ms{why}"


class _Visit:
    """One session on its way through the engine: what is known of it so far."""

    def __init__(self, call_id: str, session: AgiSession, world: CallWorld) -> None:
        self.call_id = call_id
        self.session = session
        self.call: Call | None = None
        self.outdated = False
        """Whether it came through a dialplan that is too old."""
        self._world = world
        self._flow: Flow | None = None
        self._transcript = Transcript(world.clock)
        self._started_at_s = world.clock.now_s()
        self._reject: Reject | None = None
        self._connection_lost = False
        self._caller_left = False
        self._outcome: str = Outcome.ERROR
        self._reason = ""

    def begin(self, admission: Admission, flow: Flow) -> Call:
        self.call = Call(self.call_id, self.session, admission, self._world, self._transcript)
        self._flow = flow
        return self.call

    def end(self, outcome: str, reason: str) -> None:
        self._outcome, self._reason = outcome, reason

    async def refuse(self, rejection: Rejection) -> None:
        self._transcript.note("rejected", f"{rejection.sip} {rejection.reason}")
        self.end(Outcome.REJECTED, rejection.reason)
        await self._reject_with(rejection)

    async def _reject_with(self, rejection: Rejection) -> None:
        self._reject = Reject(rejection.sip, rejection.reason)
        self._reject.sip = await reject_call(self.session, rejection.sip)

    def finish(self, ended: Ended) -> None:
        call = self.call
        if call is not None and call.reject_sent is not None:
            self.end(Outcome.REJECTED, call.reject_sent.reason)
        else:
            self.end(ended.outcome, ended.reason)

    def hung_up(self, ended: CallEnded) -> None:
        """The one place where a hang-up is caught."""
        call = self.call
        if call is not None and call.reject_sent is not None:
            self.finish(Ended(Outcome.REJECTED, ""))
            return
        self._transcript.note("hung_up")
        self._connection_lost = ended.how == "eof" and not self.session.hung_up
        self._caller_left = not self._connection_lost and not (call is not None and call.let_go)
        if self._connection_lost:
            self.end(Outcome.ERROR, "the connection from Asterisk closed in mid-call")
        elif call is not None and call.connected:
            self.end(Outcome.COMPLETED, "")
        else:
            self.end(Outcome.ABANDONED, "the caller hung up")

    async def fail(self, error: Exception) -> None:
        """Our fault, the database's or Asterisk's: log it with its place, apologise, let the call end."""
        slot, stack = self._transcript.slot, " > ".join(self._transcript.stack)
        if isinstance(error, RingflowError):
            log.error(
                "call failed", slot=slot, frames=stack, error=type(error).__name__, detail=str(error)[:500]
            )
        else:
            log.exception("call failed", slot=slot, frames=stack)
        self._transcript.note("failed", type(error).__name__)
        where = f" (in {stack})" if len(self._transcript.stack) > 1 else ""
        self.end(Outcome.ERROR, f"{type(error).__name__}: {plain(str(error))}{where}")
        try:
            if self.call is not None:
                await self.call.apologise()
            else:
                await self._reject_with(UNAVAILABLE)
        except RingflowError as second:
            log.info("no apology", detail=str(second)[:200])

    @property
    def progress(self) -> Hashable:
        """Part of `CallInProgress`."""
        call = self.call
        if call is None:
            return None
        return len(self._transcript.visits), len(call.legs), call.leg_under_way is None, call.customer

    @property
    def age_ms(self) -> int:
        """Part of `CallInProgress`."""
        return self._transcript.elapsed_ms()

    def so_far(self) -> CallRecord:
        """Part of `CallInProgress`."""
        record = self._record()
        legs = record.legs
        if self.call is not None and (under_way := self.call.leg_under_way) is not None:
            legs = (*legs, replace(under_way, released_by=ReleasedBy.SERVER))
        return replace(
            record,
            outcome=Outcome.LOST,
            reason=SERVER_LOST,
            legs=legs,
            released_by=ReleasedBy.SERVER,
            release_cause=None,
        )

    def record(self) -> CallRecord:
        """What is known now that the session is over."""
        self._transcript.slot = ""
        self._transcript.note("ended", self._outcome)
        return self._record()

    def _record(self) -> CallRecord:
        call, flow, request = self.call, self._flow, self.session.request
        cli = call.cli if call is not None else request.caller_id
        leg = call.leg_at_end if call is not None else None
        released_by = call_released_by(
            self._outcome,
            caller_gone=self._caller_left,
            connection_lost=self._connection_lost,
            last_leg=leg,
        )
        answered = call is not None and call.answered
        reject = self._reject or (call.reject_sent if call is not None else None)
        return CallRecord(
            call_id=self.call_id,
            did=call.did.number if call is not None else plain(request.extension),
            cli=plain(cli) if cli is not None else None,
            app=flow.app if flow is not None else None,
            revision=flow.revision if flow is not None else None,
            customer=call.customer.id if call is not None and call.customer is not None else None,
            outcome=self._outcome,
            reason=self._reason,
            started_at_s=self._started_at_s,
            duration_ms=self._transcript.elapsed_ms(),
            reject=reject,
            variables=call.variables.recorded() if call is not None else {},
            legs=tuple(call.legs) if call is not None else (),
            transcript=tuple(self._transcript.events),
            visits=tuple(self._transcript.visits),
            released_by=released_by,
            asterisk=asterisk_of_call(request),
            release_cause=call_cause(released_by, answered=answered, reject=reject),
        )
