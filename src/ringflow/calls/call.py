"""A call as a slot sees it: words a caller would use (`play`, `collect`, `dial`), and who pays."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from ringflow.accounts.admission import Admission
from ringflow.accounts.customers import Customer
from ringflow.accounts.lockout import Caller
from ringflow.accounts.teller import Teller
from ringflow.agi.session import AgiSession
from ringflow.calls.asterisk_identity import asterisk_of_call
from ringflow.calls.channel_limits import CustomerChannels
from ringflow.calls.collecting import (
    FIRST_DIGIT_TIMEOUT_S,
    INTER_DIGIT_TIMEOUT_S,
    KEYS_VARIABLE,
    Collected,
    Collection,
    Collector,
    Secret,
)
from ringflow.calls.dial_attempt import DialOptions
from ringflow.calls.outcome import Leg, LegStatus, Reject
from ringflow.calls.outgoing import Outgoing
from ringflow.calls.playing import play_sound
from ringflow.calls.rejecting import passed_on, reject_call
from ringflow.calls.transcript import Transcript
from ringflow.calls.variables import Variables
from ringflow.calls.world import CallWorld
from ringflow.errors import CallEnded, RingflowError, StartError

DECLINED = 603
"""What a caller gets whose flow ended the call without an answer, and without a slot that failed."""


class Call:
    """One caller on the line, from arrival to the end of the flow.

    Every verb may raise `CallEnded`: the caller is gone, and the engine alone catches it.
    """

    def __init__(
        self,
        call_id: str,
        session: AgiSession,
        admission: Admission,
        world: CallWorld,
        transcript: Transcript,
    ) -> None:
        self.id = call_id
        self.did = admission.did
        self.customer: Customer | None = admission.customer
        self.cli = admission.cli
        self.reject_sent: Reject | None = None
        self.let_go = False
        self.transcript = transcript
        self.last_key_ms: int | None = None
        self.key_to_dial_ms: list[int] = []
        self._answered_by_us = False
        self._unanswered_code = DECLINED
        self.variables = Variables(call_id, admission)
        self._session = session
        self._world = world
        self._collector = Collector(session, world.clock)
        self._outgoing = Outgoing(call_id, session, self.customer, admission, world, self.transcript)
        self.asterisk = asterisk_of_call(session.request)
        self._channels = CustomerChannels(world.charging, call_id, session.request.unique_id, self.asterisk)

    @property
    def legs(self) -> list[Leg]:
        """The outgoing attempts so far, refused ones included."""
        return self._outgoing.legs

    @property
    def leg_at_end(self) -> Leg | None:
        """The last leg, where no slot came after it."""
        at_end = self._outgoing.ended_in_visit == len(self.transcript.visits)
        return self.legs[-1] if self.legs and at_end else None

    @property
    def leg_under_way(self) -> Leg | None:
        """The attempt that Asterisk is carrying out, if there is one."""
        return self._outgoing.under_way

    @property
    def answered(self) -> bool:
        """Whether the caller's channel is answered: by us, or by Asterisk when a callee answered."""
        return self._answered_by_us or self.connected

    @property
    def connected(self) -> bool:
        """Whether the caller has talked to a callee."""
        return any(leg.status is LegStatus.ANSWERED for leg in self.legs)

    @property
    def hung_up(self) -> bool:
        """Whether the caller's channel is known to be gone."""
        return self._session.hung_up

    @property
    def caller(self) -> Caller:
        """Where the call comes from, for those who count failures."""
        return Caller(self._session.request.endpoint, self.cli)

    @property
    def teller(self) -> Teller:
        """Answers about accounts. Raises `StartError` where this server has none."""
        if self._world.teller is None:
            raise StartError("callers cannot ask about accounts here")
        return self._world.teller

    async def identify_as(self, customer: Customer, card_id: str | None = None) -> bool:
        """From now on this customer pays, whoever did before; False: it may have no further call now.

        `card_id`: the card that said so, if one did.
        """
        is_new = self.customer is None or self.customer.id != customer.id
        if is_new and not await self._channels.take(customer):
            self.note("channels_full", f"customer {customer.id}")
            return False
        self.customer = customer
        self.variables.give_customer(customer, card_id)
        self._outgoing.identify_as(customer)
        self.note("identified", f"customer {customer.id}")
        return True

    async def leave(self) -> None:
        """The call is over: it counts for nobody any more."""
        await self._channels.leave()

    def note(self, event: str, detail: str = "") -> None:
        """Add a line to the transcript."""
        self.transcript.note(event, detail)

    async def answer(self) -> None:
        """Answer, once; a slot does so only when the caller has to hear something."""
        if not self.answered:
            await self._session.answer()
            self._note_answered()

    async def play(self, *prompts: str) -> None:
        """Play prompts one after the other; keys are ignored."""
        await self.answer()
        for prompt in prompts:
            self.note("prompt", prompt)
            if not await play_sound(self._session, self._world.asterisk_prompt(prompt)):
                self.note("prompt_missing", prompt)

    async def collect(
        self,
        *prompts: str,
        max_digits: int,
        terminators: str = "#",
        first_digit_timeout_s: float = FIRST_DIGIT_TIMEOUT_S,
        inter_digit_timeout_s: float = INTER_DIGIT_TIMEOUT_S,
        barge_in: bool = True,
        fixed_length: bool = False,
        secret: Secret = False,
    ) -> Collected:
        """Play prompts and take digits until a terminator, `max_digits`, or silence.

        More than `max_digits` end as `Ending.TOO_LONG`; with `fixed_length` they belong to the next input.
        `secret` ones (PINs, codes of vouchers) stand masked in the transcript and in the call's record.
        """
        if barge_in:
            # `Read` answers by itself (app_read.c): a command less for Asterisk.
            self._note_answered()
        else:
            await self.answer()
        for prompt in prompts:
            self.note("prompt", prompt)
        collection = Collection(
            sounds=tuple(self._world.asterisk_prompt(prompt) for prompt in prompts),
            max_digits=max_digits,
            terminators=terminators,
            first_digit_timeout_s=first_digit_timeout_s,
            inter_digit_timeout_s=inter_digit_timeout_s,
            barge_in=barge_in,
            fixed_length=fixed_length,
        )
        collected = await self._collector.collect(collection)
        if collected.late_terminator:
            self.note("late_terminator", "ignored")
        if not collected.nothing:
            self.last_key_ms = self._world.clock.monotonic_ms()
        hidden = secret(collected.digits) if callable(secret) else secret
        self.transcript.keyed(collected.digits, collected.ending, hidden)
        if hidden:
            # Asterisk would show it to whoever asks for the channel's variables.
            await self._session.set_variable(KEYS_VARIABLE, "")
        return collected

    def dial_number(self, text: str, options: DialOptions) -> Coroutine[Any, Any, Leg]:
        """Put the caller through to a number as the customer; gives the last leg: `Outgoing.dial_number`."""
        self._time_to_dial()
        return self._outgoing.dial_number(text, options)

    def dial_uri(self, text: str, options: DialOptions) -> Coroutine[Any, Any, Leg]:
        """Put the caller through to a SIP URI as the customer: `Outgoing.dial_uri`."""
        self._time_to_dial()
        return self._outgoing.dial_uri(text, options)

    async def reject(self, sip: int, reason: str) -> None:
        """Refuse the call before answer with a SIP status code; after answer, hang up."""
        self.note("rejected", f"{sip} {reason}")
        if self.answered:
            self.let_go = True
            await self._session.hangup()
            raise CallEnded("hangup")
        self.reject_sent = Reject(sip, reason)
        self.reject_sent.sip = await reject_call(self._session, sip)

    def left_by_exit(self, sip: int | None) -> None:
        """A slot was left. `sip`: what an unanswered caller gets if the call ends by that exit.

        The callee's own final response goes first, where a leg ended in this slot.
        """
        if sip is not None:
            asked = (leg for leg in reversed(self.legs) if leg.status is not LegStatus.BELOW_COST)
            heard = next(asked, None) if self.leg_at_end is not None else None
            self._unanswered_code = passed_on(heard) or sip

    async def end_unanswered(self, outcome: str) -> None:
        """The flow is over: a caller that was not answered is refused with the code that fits."""
        if not (self.answered or self.hung_up) and self.reject_sent is None:
            await self.reject(self._unanswered_code, f"Ended Unanswered: {outcome}")

    async def apologise(self) -> None:
        """Say sorry if that is still possible; never raises but for cancellation."""
        try:
            if self.answered:
                await self.play(self._world.apology)
            else:
                await self.reject(503, "Service Unavailable")
        except RingflowError as error:
            self.note("no_apology", type(error).__name__)

    def _note_answered(self) -> None:
        if not self.answered:
            self._answered_by_us = True
            self.note("answered")

    def _time_to_dial(self) -> None:
        if self.last_key_ms is not None:
            self.key_to_dial_ms.append(self._world.clock.monotonic_ms() - self.last_key_ms)
            self.last_key_ms = None
