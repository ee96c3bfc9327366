"""The calls in progress on this server: found by their ids, steered by operators.

What an operator orders is done at once where the manager interface leads to the Asterisk of the call.
Elsewhere the call itself does it, when what Asterisk does for it now is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol

from ringflow.calls.call import Call
from ringflow.calls.event_stream import EventStream, Subscription
from ringflow.calls.history import CallHistory
from ringflow.calls.json_value import JsonValue
from ringflow.calls.orders import Redirection
from ringflow.calls.prolonged_talk import Talks
from ringflow.calls.world import CallWorld
from ringflow.errors import CommandRefused, Conflict, Refused, RingflowError, Unknown
from ringflow.flows.flow import Flow
from ringflow.flows.surroundings import Prompts
from ringflow.plain_text import plain
from ringflow.sounds.utterance import Utterance
from ringflow.wording import did_you_mean, known_words

MAX_SAID = 1000
"""How long a text may be that an operator has said in a call."""


class Done(StrEnum):
    """What came of an order."""

    NOW = "done"
    SOON = "when what the caller hears or keys now is over"
    NO_MANAGER = "when what Asterisk does for the call now is over: no manager interface leads there"


class RunningCall(Protocol):
    """One call, in the event loop that carries it. `call` and `flows` are missing until it is let in."""

    @property
    def history(self) -> CallHistory:
        """What has happened in it so far."""

    @property
    def age_ms(self) -> int:
        """How long ago it arrived."""

    @property
    def call(self) -> Call | None:
        """Its parts, once it is let in."""

    @property
    def flows(self) -> Mapping[str, Flow]:
        """The apps that it can go on in."""

    @property
    def channel(self) -> str:
        """Its name on its Asterisk."""

    @property
    def asterisk(self) -> str:
        """The identity of that Asterisk, empty where it is not known."""


class LiveCalls:
    """The registry. `operator` is the name of who orders, for the call's events. Orders raise `Refused`."""

    def __init__(
        self,
        calls: Mapping[str, RunningCall],
        world: CallWorld,
        stream: EventStream,
        prompts: Prompts | None = None,
    ) -> None:
        self._calls = calls
        self._world = world
        self._stream = stream
        self._prompts = prompts

    def __iter__(self) -> Iterator[CallHistory]:
        """The calls that were let in or are being refused, the oldest first, by what has happened in them."""
        return (one.history for one in self._calls.values() if one.history.started is not None)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._calls

    def find(self, call_id: str) -> CallHistory:
        """What has happened in a call so far."""
        return self._find(call_id).history

    def variables(self, call_id: str) -> Mapping[str, JsonValue]:
        """Return the variables of a call as records may have them; none until it is let in."""
        call = self._find(call_id).call
        return {} if call is None else call.variables.recorded()

    def subscribed(self, call_id: str | None = None) -> AbstractContextManager[Subscription]:
        """For the time of the block, the events of one call, or of all."""
        return self._stream.subscribed(call_id)

    async def hang_up(self, call_id: str, operator: str) -> Done:
        """End a call."""
        running, call = self._let_in(call_id)
        call.orders.hang_up(operator)
        if not await self._is_led_to(running):
            return Done.NO_MANAGER
        try:
            await self._manager_talks().hang_up(running.channel)
        except CommandRefused:
            # The caller was quicker.
            return Done.NOW
        except RingflowError:
            return Done.NO_MANAGER
        return Done.NOW

    async def hang_up_leg(self, call_id: str, operator: str) -> Done:
        """End the attempt or the talk that is under way; the caller stays, and the flow goes on."""
        running, call = self._let_in(call_id)
        if running.history.dialled is None:
            raise Conflict("call.no_leg", f"call {call_id} has no leg under way", call=call_id)
        if not await self._is_led_to(running):
            raise Conflict(
                "call.no_manager",
                f"call {call_id}: nobody can end its leg and leave the caller without a manager interface "
                "(`ami`) that leads to its Asterisk",
                call=call_id,
            )
        call.orders.hang_up_leg(operator)
        if not await self._end_leg(running):
            raise Conflict("call.no_leg", f"the leg of call {call_id} has just ended", call=call_id)
        return Done.NOW

    async def redirect(self, call_id: str, app: str, slot: str | None, operator: str) -> Done:
        """Have a call go on at the first slot of an app, or at the slot with this label."""
        running, call = self._let_in(call_id)
        flow = running.flows.get(app)
        if flow is None:
            known = f"there are {known_words(running.flows)}"
            near = did_you_mean(app, running.flows, known)
            raise Unknown("app.unknown", f"there is no app {plain(app)}: {near}", app=app)
        if slot is not None and flow.index_of_label(slot) is None:
            labels = ", ".join(flow.label(index) for index in range(len(flow.slots)))
            text = f"app {app} has no slot {plain(slot)}; it has {labels}"
            raise Unknown("slot.unknown", text, app=app, slot=slot)
        call.orders.redirect(Redirection(app, slot), operator)
        if running.history.dialled is None:
            return Done.SOON
        if not await self._is_led_to(running):
            return Done.NO_MANAGER
        call.orders.leg_hung_up_by = operator
        await self._end_leg(running)
        return Done.NOW

    async def play(self, call_id: str, prompt: str, operator: str) -> Done:
        """Have the caller alone hear a prompt: in a talk at once, else after what is heard or keyed now."""
        running, call = self._let_in(call_id)
        if self._prompts is not None and not self._prompts.exists(prompt):
            near = did_you_mean(prompt, self._prompts.suggest(prompt))
            text = f"there is no prompt {plain(prompt)}{f': {near}' if near else ''}"
            raise Unknown("prompt.unknown", text, prompt=prompt)
        if running.history.dialled is None:
            call.orders.play(prompt, operator)
            return Done.SOON
        if not await self._is_led_to(running):
            call.orders.play(prompt, operator)
            return Done.NO_MANAGER
        call.orders.tell_played(prompt, operator)
        await self._manager_talks().warn(running.channel, call.spoken.sound(prompt))
        return Done.NOW

    async def say(self, call_id: str, text: str, language: str | None, operator: str) -> Done:
        """Have the caller alone hear a text: in a talk at once, else after what is heard or keyed now.

        `language` None: the one that the caller is spoken to in.
        """
        running, call = self._let_in(call_id)
        if not text.strip() or len(text) > MAX_SAID:
            raise Refused(
                "call.unsayable_text", f"say something, in at most {MAX_SAID} characters", most=MAX_SAID
            )
        voice = self._world.voice
        if voice is None:
            raise Conflict("call.no_voice", "nothing speaks texts here", call=call_id)
        try:
            prompt = await voice.prompt_of(Utterance(text, language or call.spoken.code))
        except RingflowError as error:
            raise Conflict("call.not_spoken", f"the text was not spoken: {error}", call=call_id) from error
        if running.history.dialled is None:
            call.orders.say(text, prompt, operator)
            return Done.SOON
        if not await self._is_led_to(running):
            call.orders.say(text, prompt, operator)
            return Done.NO_MANAGER
        call.orders.tell_said(text, operator)
        await self._manager_talks().warn(running.channel, call.spoken.sound(prompt))
        return Done.NOW

    def _find(self, call_id: str) -> RunningCall:
        running = self._calls.get(call_id)
        if running is None:
            raise Unknown("call.not_live", f"call {plain(call_id)} is not in progress here", call=call_id)
        return running

    def _let_in(self, call_id: str) -> tuple[RunningCall, Call]:
        running = self._find(call_id)
        if running.call is None:
            raise Conflict("call.not_let_in", f"call {call_id} has not come to an app yet", call=call_id)
        return running, running.call

    async def _is_led_to(self, running: RunningCall) -> bool:
        manager = self._world.manager
        if manager is None or not manager.talks.reachable:
            return False
        return await manager.leads_to(running.asterisk)

    def _manager_talks(self) -> Talks:
        assert self._world.manager is not None
        return self._world.manager.talks

    async def _end_leg(self, running: RunningCall) -> bool:
        try:
            return await self._manager_talks().hang_up_leg(running.channel)
        except RingflowError as error:
            call_id, why = running.history.place.call_id, plain(str(error))
            raise Conflict(
                "call.leg_stays", f"the leg of call {call_id} was not hung up: {why}", call=call_id
            ) from error
