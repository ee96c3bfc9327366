"""A call as a slot sees it: what the caller hears and keys, who pays, what is dialled, what is remembered."""

from __future__ import annotations

from functools import cached_property
from random import Random

from ringflow.accounts.admission import Admission
from ringflow.agi.session import AgiSession
from ringflow.calls import events
from ringflow.calls.account import CallAccount
from ringflow.calls.asterisk_identity import asterisk_of_call
from ringflow.calls.call_scripts import CallScripts
from ringflow.calls.channel_limits import CustomerChannels
from ringflow.calls.event_stream import CallEvents
from ringflow.calls.language import CallLanguage
from ringflow.calls.list_look_ups import ListLookUps
from ringflow.calls.media import Media
from ringflow.calls.number_entries import NumberEntries
from ringflow.calls.orders import CallOrders
from ringflow.calls.outcome import LegStatus
from ringflow.calls.outgoing_legs import Outgoing
from ringflow.calls.rejection import code_of_cause, hang_up_by_cause, passed_on, reject_call
from ringflow.calls.schedules import Schedules
from ringflow.calls.variables import Variables
from ringflow.calls.voice_recorder import VoiceRecorder
from ringflow.calls.world import CallWorld
from ringflow.errors import ChannelGone, RingflowError

DECLINED = 603
"""What a caller gets whose flow ended the call without an answer, and without a slot that failed."""


class Call:
    """One caller on the line, from arrival to the end of the flow, with one part for each kind of work.

    `media` plays and collects, `recorder` records, `account` knows who pays, `outgoing` dials, `variables`
    are those of the flow, `spoken` is the language in which it is spoken to, `numbers` those that the caller
    has given, `lists` those that operators keep, `scripts` run programs of theirs, `requests` ask other
    hosts, `kept_values` outlive the call, `schedules` tells days and times, `events` tells observers
    what happens, `orders` are those of operators. Every verb may raise `ChannelGone`: the caller is gone, and
    the engine alone catches it.
    """

    def __init__(
        self,
        call_id: str,
        session: AgiSession,
        admission: Admission,
        world: CallWorld,
        call_events: CallEvents,
    ) -> None:
        self.id = call_id
        self.events = call_events
        self.sip_sent: int | None = None
        self.cause_sent: int | None = None
        self.hung_up_by_us = False
        self.hung_up_because = ""
        self._session = session
        self._world = world
        self._cli = admission.cli
        self.withheld = admission.withheld
        self._unanswered_code = DECLINED
        asterisk = asterisk_of_call(session.request)
        channels = CustomerChannels(world.charging, call_id, session.request.unique_id, asterisk)
        self.variables = Variables(call_id, admission)
        self.numbers = NumberEntries(admission.brought)
        self.orders = CallOrders(session, call_events)
        self.spoken = CallLanguage(world, self.variables, call_events)
        self.lists = ListLookUps(world)
        self.requests = world.requests
        self.kept_values = world.kept_values
        self.media = Media(session, world, self.variables, call_events, self.orders, self.spoken)
        self.recorder = VoiceRecorder(session, world, call_events)
        self.schedules = Schedules(world, admission, call_events)
        self.account = CallAccount(session, admission, world, channels, self.variables, call_events)
        self.scripts = CallScripts(
            call_id, session, admission, world, self.account, self.variables, call_events
        )
        self.outgoing = Outgoing(
            call_id, session, self.account, admission, world, call_events, self.orders, self.spoken
        )

    @property
    def language(self) -> str:
        """The code of the language in which the caller is spoken to, such as `en`."""
        return self.spoken.code

    def set_language(self, code: str, how: str = "") -> None:
        """Speak this language from now on: prompts, numbers and texts. Raises `Refused`."""
        self.spoken.choose(code, how)

    @property
    def answered(self) -> bool:
        """Whether the caller's channel is answered: by us, or by Asterisk when a callee answered."""
        return self.events.history.answered

    @property
    def caller_gone(self) -> bool:
        """Whether nobody is on the line any more."""
        return self._session.hung_up

    @cached_property
    def random(self) -> Random:
        """The call's own source of chance."""
        return self._world.random_for(self._cli)

    def now_ms(self) -> int:
        """Milliseconds since 1970 by the call's clock."""
        return round(self._world.clock.now_s() * 1000)

    def note(self, what: str, detail: str = "") -> None:
        """Remark something that has no event of its own, such as a wrong entry. It must be safe to print."""
        self.events.note(what, detail)

    async def reject(self, sip: int, reason: str) -> None:
        """Refuse the call before answer with a SIP status code; after answer, hang up."""
        self.events.emit(events.CallRejected, sip, reason)
        if self.answered:
            self.hung_up_by_us = True
            self.hung_up_because = reason
            await self._session.hangup()
            raise ChannelGone("hangup")
        self.sip_sent = await reject_call(self._session, sip)

    async def hang_up(self, cause: int, reason: str) -> None:
        """End the call with a Q.850 cause; before answer, that is the SIP code which stands for it."""
        self.cause_sent = cause
        if not self.answered:
            self.sip_sent = code_of_cause(cause)
            self.events.emit(events.CallRejected, self.sip_sent, reason)
        await hang_up_by_cause(self._session, cause)

    def left_by_exit(self, sip: int | None) -> None:
        """A slot was left. `sip`: what an unanswered caller gets if the call ends by that exit.

        The callee's own final response goes first, where a leg ended in this slot.
        """
        if sip is not None:
            history = self.events.history
            asked = (leg for leg in reversed(history.legs) if leg.status is not LegStatus.BELOW_COST)
            heard = next(asked, None) if history.leg_at_end is not None else None
            self._unanswered_code = passed_on(heard) or sip

    async def end_unanswered(self, outcome: str) -> None:
        """The flow is over: a caller that was not answered is refused with the code that fits."""
        if not (self.answered or self._session.hung_up) and self.events.history.reject is None:
            await self.reject(self._unanswered_code, f"Ended Unanswered: {outcome}")

    async def apologise(self) -> None:
        """Say sorry if that is still possible; never raises but for cancellation."""
        try:
            if self.answered:
                await self.media.play(self._world.apology)
            else:
                await self.reject(503, "Service Unavailable")
        except RingflowError as error:
            self.note("no_apology", type(error).__name__)
