"""One call through one app: identify, admit, walk the slots, and say what became of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Protocol

import structlog

from ringflow.accounts.admission import Admission, Rejection
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.accounts.directory import Directory
from ringflow.agi.refusal import RefusedCall
from ringflow.agi.session import AgiSession
from ringflow.calls import events
from ringflow.calls.asterisk_identity import asterisk_of_call
from ringflow.calls.attestation import read_attestation
from ringflow.calls.call import Call
from ringflow.calls.call_ids import CallMark
from ringflow.calls.call_record import CallRecord
from ringflow.calls.channel_limits import counted
from ringflow.calls.event_stream import CallEvents, EventStream, Observer
from ringflow.calls.live_call import LiveCall
from ringflow.calls.originations import Origination, Originations
from ringflow.calls.outcome import Leg, LegStatus, Outcome, Reject, ReleasedBy
from ringflow.calls.rejection import reject_call
from ringflow.calls.released_by import call_cause, call_released_by
from ringflow.calls.world import CallWorld
from ringflow.engine.after_calls import AfterCalls, EndedCall
from ringflow.engine.after_hangup import AT_STOP_S, run_after_hangup
from ringflow.engine.call_log import CallLog
from ringflow.engine.dialplan import DialplanCheck
from ringflow.engine.did_script import DidScripts
from ringflow.engine.live_calls import LiveCalls
from ringflow.engine.originated_calls import OriginatedCalls, OriginatedEnd, remark_of
from ringflow.engine.refusals import RefusalBound
from ringflow.engine.walk import Ended, Walk
from ringflow.errors import ChannelGone, RingflowError
from ringflow.flows.flow import Flow
from ringflow.flows.surroundings import Prompts
from ringflow.moments import system_now_ms
from ringflow.plain_text import plain

APP_NOT_FOUND = "App Not Found: "
"""What stands before the app's name in the reason for which a call is refused."""

log = structlog.get_logger("ringflow.engine")

NO_FLOWS: Mapping[str, Flow] = MappingProxyType({})
UNREACHED = 480
"""What Asterisk is told of a call that was made and reached nobody, where the callee said nothing."""

UNAVAILABLE = Rejection(503, "Service Unavailable")
"""What a caller gets whom a fault kept from being answered."""


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
    """Runs calls; one `run` for each, all at the same time in one event loop.

    `events`: what happens in them; `observers` are told of it from the beginning, and the log.
    """

    def __init__(
        self,
        directory: Directory,
        flows: Flows,
        world: CallWorld,
        observers: Iterable[Observer] = (),
        make_call_id: Callable[[], str] = new_call_id,
        prompts: Prompts | None = None,
        originations: Originations | None = None,
    ) -> None:
        self.dialplan = DialplanCheck()
        self.refusals = RefusalBound(world.clock)
        self._directory = directory
        self._flows = flows
        self._world = world
        self.events = EventStream((CallLog(), *observers))
        self._make_call_id = make_call_id
        self._did_scripts = DidScripts(directory, world, flows.current)
        self._originated = OriginatedCalls(originations, directory, world) if originations else None
        self._visits: dict[str, _Visit] = {}
        self.live = LiveCalls(self._visits, world, self.events, prompts)
        self.after_calls = AfterCalls(world)

    @property
    def calls_in_progress(self) -> Mapping[str, LiveCall]:
        """The calls that run now, by their ids, the oldest first."""
        return self._visits

    async def run(self, session: AgiSession) -> CallRecord:
        """Serve one FastAGI session to its end, in a task of its own. Raises nothing but `CancelledError`."""
        call_id, end = self._make_call_id(), None
        if self._originated is not None:
            end = await self._originated.end_of(session.request.extension, call_id)
        call_id = end.call_id if end is not None else call_id
        # For all lines of the log from this task, which ends with the call.
        structlog.contextvars.bind_contextvars(call_id=call_id)
        outdated = self.dialplan.refuse(session.request)
        is_told = outdated is None or self.refusals.is_recorded(outdated.sip, outdated.reason)
        stream = self.events if is_told else None
        visit = self._visits[call_id] = _Visit(
            session, self._world, CallEvents(call_id, self._world.clock, stream), end
        )
        try:
            try:
                await (visit.refuse(outdated) if outdated is not None else self._serve(visit))
            except ChannelGone as gone:
                visit.hung_up(gone)
            except Exception as error:  # noqa: BLE001 -- the boundary of a call: one call's fault ends only that call
                await visit.fail(error)
            await visit.after_hangup()
        except asyncio.CancelledError:
            if visit.is_over:
                session.abandon(hang_up=visit.history.answered)
                raise
            visit.end(Outcome.DRAINED, "Ringflow is stopping")
            # An unanswered caller is refused by the dialplan, which knows how a leg ends that is under way.
            session.abandon(hang_up=visit.history.answered)
            await visit.after_hangup(AT_STOP_S)
            raise
        finally:
            del self._visits[call_id]
            visit.tell_end()
            if visit.did is not None:
                self.after_calls.offer(EndedCall(visit.did, visit.history.record(), visit.customer))
        return visit.history.record()

    def call_refused(self, refused: RefusedCall) -> None:
        """Tell of a call that the FastAGI server refused, unless there are too many of them."""
        refusal = refused.refusal
        if not self.refusals.is_recorded(refusal.sip, refusal.reason, known=refused.did is not None):
            return
        told = CallEvents(self._make_call_id(), self._world.clock, self.events)
        cli = plain(refused.cli) if refused.cli is not None else None
        with structlog.contextvars.bound_contextvars(call_id=told.place.call_id):
            told.emit(events.CallStarted, did=plain(refused.did or ""), cli=cli, asterisk="", channel="")
            told.emit(events.CallRejected, refusal.sip, refusal.reason)
            told.emit(
                events.CallEnded,
                outcome=Outcome.REJECTED,
                reason=plain(f"{refusal.reason}: {refused.detail}" if refused.detail else refusal.reason),
                released_by=ReleasedBy.RINGFLOW,
                release_cause=refusal.cause,
                sip=refusal.sip,
            )

    def call_not_made(self, asked: Origination, why: str) -> None:
        """Tell of a call that was asked for, and that Asterisk never began."""
        told = CallEvents(asked.call_id, self._world.clock, self.events)
        with structlog.contextvars.bound_contextvars(call_id=asked.call_id):
            told.emit(events.CallStarted, did="", cli=None, asterisk="", channel="")
            told.emit(events.CallIdentified, asked.customer_id, None)
            told.note("originated", remark_of(asked))
            told.emit(
                events.CallEnded,
                outcome=Outcome.ERROR,
                reason=f"not made: {why}",
                released_by=ReleasedBy.ASTERISK,
                release_cause=None,
                sip=None,
            )

    async def _serve(self, visit: _Visit) -> None:
        await visit.session.probe()
        if visit.originated is not None and visit.originated.dials:
            await self._originate(visit, visit.originated.asked)
            return
        answer = await self._arrival(visit)
        request = visit.session.request
        if isinstance(answer, Admission):
            visit.did, visit.payer = answer.did, answer.customer
        if isinstance(answer, Admission) and answer.did.script is not None:
            call_id = visit.history.place.call_id
            scripted = await self._did_scripts.run(
                call_id,
                request.channel,
                request.endpoint,
                answer,
                partial(read_attestation, visit.session),
            )
            visit.remarks, answer = scripted.remarks, scripted.answer
        if isinstance(answer, Rejection):
            await visit.refuse(answer)
            return
        flows = self._flows.current()
        flow = flows.get(answer.did.app)
        if flow is None:
            mend = "`ringflow check` says whether its flow file has problems"
            log.error("app missing", app=answer.did.app, did=answer.did.number, mend=mend)
            await visit.refuse(Rejection(503, f"{APP_NOT_FOUND}{answer.did.app}"))
            return
        mark = CallMark(visit.history.place.call_id, request.unique_id)
        # The end that dials is counted already for whoever pays.
        charging = self._world.charging if answer.did.number else None
        async with counted(charging, answer, mark, asterisk_of_call(request)) as full:
            if full is not None:
                await visit.refuse(full)
            else:
                await self._walk(visit, answer, flow, flows)

    async def _arrival(self, visit: _Visit) -> Admission | Rejection:
        """Who is called, who calls and who pays."""
        request = visit.session.request
        if visit.originated is not None:
            assert self._originated is not None
            visit.remarks.append(("originated", f"by call {visit.originated.asked.call_id}"))
            return await self._originated.admission(visit.originated.asked)
        return await self._directory.arrive(request.extension, request.caller_id, request.is_withheld)

    async def _originate(self, visit: _Visit, asked: Origination) -> None:
        """Dial for a call that was asked for; who answers is in a call of its own then."""
        assert self._originated is not None
        admission = await self._originated.payer(asked)
        if isinstance(admission, Rejection):
            await self._originated.end(asked, admission.reason)
            await visit.refuse(admission)
            return
        request = visit.session.request
        mark = CallMark(asked.call_id, request.unique_id)
        async with counted(self._world.charging, admission, mark, asterisk_of_call(request)) as full:
            if full is not None:
                await self._originated.end(asked, full.reason)
                await visit.refuse(full)
                return
            visit.remarks.append(("originated", remark_of(asked)))
            call = visit.begin(admission)
            try:
                leg = await self._originated.dial(call, asked)
                is_answered = leg.status is LegStatus.ANSWERED
                outcome = Outcome.COMPLETED if is_answered else leg.status.value
                visit.finish(Ended(outcome, leg.reason))
                call.left_by_exit(UNREACHED)
                await call.end_unanswered(outcome)
            finally:
                await call.account.leave()

    async def _walk(self, visit: _Visit, admission: Admission, flow: Flow, flows: Mapping[str, Flow]) -> None:
        call = visit.begin(admission, flow, flows)
        try:
            ended = await visit.walking(call, flow, flows).run()
            visit.finish(ended)
            await call.end_unanswered(ended.outcome)
        finally:
            await call.account.leave()


class _Visit:
    """One session on its way through the engine."""

    def __init__(
        self,
        session: AgiSession,
        world: CallWorld,
        call_events: CallEvents,
        end: OriginatedEnd | None = None,
    ) -> None:
        self.session = session
        self.originated = end
        self.history = call_events.history
        self.call: Call | None = None
        self.did: Did | None = None
        """The DID that was dialled, as far as the call came to one, whatever a script made of it."""
        self.payer: Customer | None = None
        """Who paid when the call arrived."""
        self.is_over = False
        self._walk: Walk | None = None
        self._leg_at_end: Leg | None = None
        self.flows: Mapping[str, Flow] = {}
        self.remarks: list[tuple[str, str]] = []
        """What a script that ran before the call was let in has to say, told after its start."""
        self._world = world
        self._events = call_events
        self._sip_sent: int | None = None
        self._connection_lost = False
        self._caller_left = False
        self._outcome: str = Outcome.ERROR
        self._reason = ""

    @property
    def customer(self) -> Customer | None:
        """Who pays, or paid at the end."""
        return self.call.account.customer if self.call is not None else self.payer

    def begin(
        self, admission: Admission, flow: Flow | None = None, flows: Mapping[str, Flow] = NO_FLOWS
    ) -> Call:
        """The call is let in, and comes to its app, if it has one."""
        if flow is not None:
            self._events.enter_app(flow.app, flow.revision)
        self._tell_start(admission.did.number, admission.cli)
        if self.originated is not None and not self.originated.dials:
            # Who answered a call that was made is on the line already.
            self._events.emit(events.CallAnswered)
        call_id = self.history.place.call_id
        self.call = Call(call_id, self.session, admission, self._world, self._events)
        self.flows = flows
        return self.call

    def walking(self, call: Call, flow: Flow, flows: Mapping[str, Flow]) -> Walk:
        """The call's way through the slots, which begins here."""
        self._walk = Walk(call, flow, flows)
        return self._walk

    async def after_hangup(self, longest_s: float | None = None) -> None:
        """Run what its apps want run after the caller is gone. Raises nothing but `CancelledError`."""
        self.is_over = True
        self._leg_at_end = self.history.leg_at_end
        if self.call is not None and self._walk is not None:
            await run_after_hangup(self.call, self.session, self._walk.flows_after_hangup(), longest_s)

    def end(self, outcome: str, reason: str) -> None:
        """This is how the call ends, unless something else comes after it."""
        self._outcome, self._reason = outcome, reason

    async def refuse(self, rejection: Rejection) -> None:
        """Refuse the call before it comes to an app."""
        self.end(Outcome.REJECTED, rejection.reason)
        self._tell_start_as_it_came()
        await self._reject_with(rejection)

    async def _reject_with(self, rejection: Rejection) -> None:
        self._events.emit(events.CallRejected, rejection.sip, rejection.reason)
        self._sip_sent = await reject_call(self.session, rejection.sip)

    def finish(self, ended: Ended) -> None:
        """The flow came to its end."""
        if self.history.reject is not None:
            self.end(Outcome.REJECTED, self.history.reject.reason)
        else:
            self.end(ended.outcome, ended.reason)

    def hung_up(self, gone: ChannelGone) -> None:
        """The one place where a hang-up is caught."""
        call = self.call
        if call is not None and self.history.reject is not None:
            self.finish(Ended(Outcome.REJECTED, ""))
            return
        self._connection_lost = gone.how == "eof" and not self.session.hung_up
        self._tell_start_as_it_came()
        self._events.emit(events.HungUp, self._connection_lost)
        ordered_by = call.orders.hung_up_by if call is not None else None
        by_us = ordered_by is not None or (call is not None and call.hung_up_by_us)
        self._caller_left = not self._connection_lost and not by_us
        if self._connection_lost:
            self.end(Outcome.ERROR, "the connection from Asterisk closed in mid-call")
        else:
            outcome = Outcome.COMPLETED if self.history.connected else Outcome.ABANDONED
            if ordered_by is not None:
                self.end(outcome, f"hung up by operator {ordered_by}")
            elif call is not None and call.hung_up_by_us:
                self.end(Outcome.COMPLETED, call.hung_up_because)
            elif outcome is Outcome.ABANDONED:
                self.end(outcome, "the caller hung up")
            else:
                self.end(outcome, "")

    async def fail(self, error: Exception) -> None:
        """Our fault, the database's or Asterisk's: log it with its place, apologise, let the call end."""
        slot, stack = self._events.place.slot, " > ".join(self._events.stack)
        if isinstance(error, RingflowError):
            log.error(
                "call failed", slot=slot, frames=stack, error=type(error).__name__, detail=str(error)[:500]
            )
        else:
            log.exception("call failed", slot=slot, frames=stack)
        self._tell_start_as_it_came()
        self._events.emit(events.CallFailed, type(error).__name__)
        where = f" (in {stack})" if len(self._events.stack) > 1 else ""
        self.end(Outcome.ERROR, f"{type(error).__name__}: {plain(str(error))}{where}")
        try:
            if self.call is not None:
                await self.call.apologise()
            else:
                await self._reject_with(UNAVAILABLE)
        except RingflowError as second:
            log.info("no apology", detail=str(second)[:200])

    @property
    def channel(self) -> str:
        """Part of `RunningCall`."""
        return self.session.request.channel

    @property
    def asterisk(self) -> str:
        """Part of `RunningCall`."""
        return asterisk_of_call(self.session.request)

    @property
    def age_ms(self) -> int:
        """Part of `LiveCall`."""
        return self._events.elapsed_ms()

    def _tell_start(self, did: str, cli: str | None) -> None:
        request = self.session.request
        self._events.emit_at(
            0,
            events.CallStarted,
            did=did,
            cli=plain(cli) if cli is not None else None,
            asterisk=asterisk_of_call(request),
            channel=plain(request.channel),
        )
        for what, detail in self.remarks:
            self._events.note(what, detail)

    def _tell_start_as_it_came(self) -> None:
        """Of a call that was not let in, unless it was told of already."""
        if self.history.started is None:
            request = self.session.request
            self._tell_start(plain(request.extension), request.caller_id)

    def tell_end(self) -> None:
        """The session is over."""
        self._tell_start_as_it_came()
        history = self.history
        call = self.call
        released_by = call_released_by(
            self._outcome,
            caller_gone=self._caller_left,
            ordered=call is not None and call.orders.hung_up_by is not None,
            connection_lost=self._connection_lost,
            last_leg=self._leg_at_end,
        )
        reject = history.reject
        if reject is not None:
            sent = self._sip_sent or (call.sip_sent if call is not None else None)
            reject = Reject(sent or reject.sip, reject.reason)
        self._events.leave_flow()
        self._events.emit(
            events.CallEnded,
            outcome=self._outcome,
            reason=self._reason,
            released_by=released_by,
            release_cause=call.cause_sent
            if call is not None and call.cause_sent is not None
            else call_cause(released_by, answered=history.answered, reject=reject),
            sip=reject.sip if reject is not None else None,
            variables=call.variables.recorded() if call is not None else {},
        )
