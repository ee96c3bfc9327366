"""One call of a telephone on the page, in a thread with an event loop of its own: no real call waits for it.

What it tells goes to the connection's event loop, and what the person does comes from there: the two loops
hand each other small values and share nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from ringflow.calls import events
from ringflow.calls.event_json import event_json
from ringflow.calls.event_stream import EVERY_EVENT
from ringflow.calls.history import CallHistory
from ringflow.calls.recorded_sound import SHOWN
from ringflow.calls.transcript import transcript_of
from ringflow.config import Config
from ringflow.core import Core
from ringflow.engine.engine import Engine
from ringflow.errors import RingflowError
from ringflow.flows.flow import Flow
from ringflow.forms.simulation import call_without_values
from ringflow.ledger.hold import find_hold
from ringflow.ledger.terms import Terms
from ringflow.money import format_amount
from ringflow.simulated_call import TelephoneCall, call_by_telephone
from ringflow.simulator.callee import Callee
from ringflow.simulator.incoming_call import PromptDuration
from ringflow.simulator.line import Sound
from ringflow.simulator.paced_clock import PacedClock
from ringflow.simulator.recorded_scenario import RecordedCall
from ringflow.simulator.stage import durations_of
from ringflow.simulator.telephone import Telephone
from ringflow.simulator.virtual_call import Arrival, CarriedCall
from ringflow.web import telephone_messages as messages
from ringflow.web.rest.problem import problem
from ringflow.web.rest.refusals import our_failure

log = structlog.get_logger("ringflow.telephone")

Tell = Callable[[messages.Sent], None]


class CallInThread:
    """A call. `tell` is called in its own thread with all that happens; `run` is that thread's work.

    `tell` is not told of its end, which `run` returns: then the next call can begin. `recorded` is what a
    scenario is made of, once it is over, and `flows` are those that it had besides the published ones.
    """

    def __init__(self, config: Config, asked: messages.Call, flows: Sequence[Flow], tell: Tell) -> None:
        """Raise `Refused` for numbers that no network presents."""
        self._arrival = Arrival(asked.did, asked.cli)
        self._config = config
        self._asked = asked
        self._tell = tell
        self._loop = asyncio.new_event_loop()
        self._clock = PacedClock(time.time(), asked.pace)
        self._monitor = _Monitor(self._clock, tell)
        self._telephone = Telephone(self._clock, self._monitor)
        self.flows = flows
        self.recorded: RecordedCall | None = None
        self._task: asyncio.Task[object] | None = None

    def run(self) -> messages.Ended | messages.Trouble | None:
        """Carry the call to its end; None: it was cancelled."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, suppress(asyncio.CancelledError):
            return runner.run(self._carry())
        return None

    def act(self, message: messages.Received) -> None:
        """Have the person do something. Without a call any more, nothing happens."""
        # The loop is closed where the call has just ended.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._do, message)

    def cancel(self) -> None:
        """End it, wherever it is."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _do(self, message: messages.Received) -> None:
        match message:
            case messages.Key():
                self._telephone.press(message.key, round(message.held_s * 1000))
            case messages.HangUp():
                self._telephone.hang_up()
            case messages.Callee():
                self._telephone.callee_acts(message.behaviour)
            case messages.Speak():
                self._telephone.speak(message.speaks)
            case messages.Pace():
                self._clock.set_pace(message.pace)
            case messages.Skip():
                self._clock.skip(None if message.until_s is None else round(message.until_s * 1000))

    async def _carry(self) -> messages.Ended | messages.Trouble:
        self._task = asyncio.current_task()
        self._tell(messages.Calling(self._asked.did, self._asked.cli, self._asked.app))
        call = TelephoneCall(
            self._arrival,
            self._telephone,
            self._clock,
            self._monitor.dialled,
            flows=self.flows,
            app=self._asked.app,
            observers=[self._monitor],
            begins=self._monitor.begins,
        )
        try:
            carried = await call_by_telephone(self._config, call)
            self.recorded = RecordedCall(self._arrival, self._telephone, carried, tuple(self._monitor.rates))
            return self._monitor.ended(carried)
        except RingflowError as error:
            return messages.Trouble(problem(error), self._asked.type)
        except Exception:
            # Boundary: our own bug ends this call, and the connection goes on.
            log.exception("telephone failed")
            return messages.Trouble(problem(our_failure()), self._asked.type)


class _Monitor:
    """Tells of a call: what the caller hears, what happens, what the variables hold, what is dialled."""

    observed = EVERY_EVENT

    def __init__(self, clock: PacedClock, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._core: Core | None = None
        self._engine: Engine | None = None
        self._duration_of: PromptDuration = lambda name: None
        self._variables: Mapping[str, object] = {}
        self._currencies: dict[int, str] = {}
        self.rates: list[Terms] = []
        self._look_ups: set[asyncio.Task[None]] = set()

    def begins(self, core: Core, engine: Engine) -> None:
        """Hear what carries the call."""
        self._core, self._engine = core, engine
        self._duration_of = durations_of(core.library)

    def dialled(self, index: int, target: str) -> Callee:
        """Tell what is dialled; it rings until the person says what the callee does."""
        self._tell(messages.Dialled(index + 1, target, self._now_s))
        return Callee(after_ms=None, talk_ms=None)

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        """Part of `Observer`."""
        lines = tuple(
            messages.TranscriptLineForm(one.at_ms / 1000, one.slot, one.event, one.detail)
            for one in transcript_of([event])
        )
        self._tell(messages.Happened(event_json(event), lines))
        if isinstance(event, events.CreditHeld):
            self._currencies[event.leg] = event.currency
            task = asyncio.ensure_future(self._tell_price(event.leg, event.leg_id))
            self._look_ups.add(task)
            task.add_done_callback(self._look_ups.discard)
        self._tell_variables(event)

    def ended(self, carried: CarriedCall) -> messages.Ended:
        """Return what there is to say at the end."""
        record = carried.record
        legs = []
        for position, leg in enumerate(record.legs, start=1):
            currency = self._currencies.get(position)
            charged = None
            if leg.charged_micros is not None and currency is not None:
                charged = format_amount(leg.charged_micros, currency)
            legs.append(messages.ChargedLeg(position, charged, currency))
        return messages.Ended(call_without_values(record), tuple(legs), carried.missing_prompts)

    def pressed(self, key: str) -> None:
        """Part of `Earpiece`: who pressed it knows."""

    def answered(self) -> None:
        """Part of `Earpiece`: an event tells of it."""

    def heard(self, sound: str, takes_keys: bool) -> None:
        """Part of `Earpiece`."""
        kind, prompt = _named(sound)
        length_s = self._duration_of(prompt) if prompt is not None else None
        self._tell(messages.SoundBegan(kind, prompt, length_s, takes_keys, self._now_s))

    def over(self, sound: str) -> None:
        """Part of `Earpiece`."""
        kind, prompt = _named(sound)
        self._tell(messages.SoundEnded(kind, prompt, self._now_s))

    def waits(self, until_ms: int | None) -> None:
        """Part of `Earpiece`."""
        until_s = None if until_ms is None else until_ms / 1000
        self._tell(messages.ClockSet(self._now_s, until_s, self._clock.pace))

    @property
    def _now_s(self) -> float:
        return self._clock.monotonic_ms() / 1000

    async def _tell_price(self, leg: int, leg_id: str) -> None:
        assert self._core is not None, "the call has begun"
        with suppress(RingflowError):
            async with self._core.store.reading() as connection:
                hold = await find_hold(connection, leg_id)
            if hold is not None and (terms := hold.terms) is not None:
                self.rates.append(terms)
                price = format_amount(terms.price_micros, terms.currency)
                connection_price = format_amount(terms.connection_micros, terms.currency)
                self._tell(
                    messages.Priced(
                        leg,
                        price,
                        connection_price,
                        terms.currency,
                        terms.prefix,
                        terms.destination,
                        terms.minimum_s,
                        terms.increment_s,
                    )
                )

    def _tell_variables(self, event: events.CallEvent) -> None:
        if isinstance(event, events.CallEnded):
            now: Mapping[str, object] = dict(event.variables)
        elif self._engine is not None and event.call_id in self._engine.live:
            now = self._engine.live.variables(event.call_id)
        else:
            return
        before, self._variables = self._variables, now
        changed = {name: value for name, value in now.items() if name not in before or before[name] != value}
        gone = tuple(name for name in before if name not in now)
        if changed or gone:
            self._tell(messages.VariablesChanged(changed, gone))


def _named(sound: str) -> tuple[str, str | None]:
    """Return the kind of a sound, and the name of a prompt."""
    if sound == SHOWN:
        return "recording", None
    return (sound, None) if sound in (*Sound,) else ("prompt", sound)
