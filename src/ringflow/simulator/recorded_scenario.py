"""A scenario made of a call that a person made with a telephone: what was done when, and what came of it.

Two ways of telling when are tried. The plain one tells a key by the prompt that it answers, and leaves out
how many milliseconds somebody took: that is what people read and change. The exact one has each key at its
own moment. The first one that makes the same call again is taken. What differs all the same, because the
scenario has a world of its own, is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.recorded_sound import SHOWN
from ringflow.calls.variables import ALWAYS_SET, SOMETIMES_SET
from ringflow.config import Config
from ringflow.errors import DocumentError
from ringflow.flows.flow import Flow
from ringflow.ledger.terms import Terms
from ringflow.moments import iso_utc
from ringflow.money import format_amount
from ringflow.simulator.callee import Behaviour, DialledLeg
from ringflow.simulator.durations import show_duration
from ringflow.simulator.judgement import Judgement, play
from ringflow.simulator.keypad import KeyPress
from ringflow.simulator.run import dialled_legs
from ringflow.simulator.scenario_files import SUFFIX, decode_scenarios
from ringflow.simulator.stage import Stage
from ringflow.simulator.telephone import Telephone
from ringflow.simulator.virtual_call import Arrival, CarriedCall

SOON_MS = 1500
"""Who keys so soon after a prompt has waited for nothing."""
PAUSE_MS = 2000
"""Keys that are further apart stand in a step of their own."""
TYPED_MS = 400
"""Keys that follow each other so soon are typed in one go, whatever begins to be heard meanwhile."""
ROUND_MS = 100
SHORTEST_TONE_MS = 20
MOST_PROMPTS = 12
"""A call that plays more of them says numbers, and what it says is not what it is about."""
GIVEN_CREDIT = "100.00"

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
Plan = dict[str, object]


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call that is over. `rates`: what its legs cost, where credit was held for them."""

    arrival: Arrival
    telephone: Telephone
    carried: CarriedCall
    rates: tuple[Terms, ...] = ()

    @property
    def record(self) -> CallRecord:
        """What Ringflow knows of it."""
        return self.carried.record


@dataclass(frozen=True, slots=True)
class RecordedScenario:
    """The text of a scenario of an app, as an entry of its file. `differs`: in what it is another call."""

    app: str
    text: str
    differs: tuple[str, ...]


async def record_scenario(
    config: Config, call: RecordedCall, name: str, flows: Sequence[Flow] = ()
) -> RecordedScenario:
    """Make a scenario that passes. `flows` are those that the call had instead of the published ones."""
    app = call.record.app or "call"
    async with Stage.open(config, flows) as stage:
        found: tuple[Plan, Judgement] | None = None
        differs: tuple[str, ...] = ()
        for exact, now in ((False, False), (True, False), (False, True), (True, True)):
            plan = _plan(config, call, name, app, exact=exact, now=now)
            judgement = await _played(plan, app, stage)
            if not judgement.calls:
                continue
            found = plan, judgement
            differs = tuple(_differences(call.record, judgement.calls[0].record))
            if not differs:
                break
        if found is None:
            return RecordedScenario(app, written(plan), (judgement.failure or "it cannot be played",))
        plan, judgement = found
        plan = {**plan, "expect": expected(judgement.calls[0].record)}
        last = await _played(plan, app, stage)
        return RecordedScenario(app, written(plan), differs + ((last.failure,) if last.failure else ()))


async def _played(plan: Plan, app: str, stage: Stage) -> Judgement:
    path = stage.config.path(stage.config.flows) / f"{app}{SUFFIX}"
    (case,) = decode_scenarios(written(plan).encode(), path)
    try:
        return await play(case, stage)
    except DocumentError as error:
        return Judgement(case, (), str(error))


def _differences(made: CallRecord, played: CallRecord) -> Iterator[str]:
    def legs(record: CallRecord) -> str:
        return ", ".join(f"{leg.dialled} {leg.status}" for leg in record.legs) or "nothing"

    def exits(record: CallRecord) -> str:
        return ", ".join(f"{one.slot} {one.exit or 'none'}" for one in record.visits)

    for what, one, other in (
        ("outcome", str(made.outcome), str(played.outcome)),
        ("dialled", legs(made), legs(played)),
        ("exits", exits(made), exits(played)),
    ):
        if one != other:
            yield f"{what}: {one} in the call, {other} in the scenario"


def _plan(config: Config, call: RecordedCall, name: str, app: str, *, exact: bool, now: bool) -> Plan:
    record, arrival = call.record, call.arrival
    keys, cards = _without_secrets(call)
    plan: Plan = {"name": name}
    given: Plan = {}
    if record.customer is not None and not cards:
        customer: Plan = {"id": record.customer}
        if record.cli is not None:
            customer["clis"] = [record.cli]
        if call.rates:
            customer |= {"currency": call.rates[0].currency, "credit": GIVEN_CREDIT}
        given["customer"] = customer
    if cards:
        given["cards"] = cards
    if call.rates:
        given["rates"] = [_rate(one) for one in dict.fromkeys(call.rates)]
    declared = next((one for one in config.dids if one.number == record.did), None)
    if declared is None or declared.app != app:
        given["did"] = {"number": record.did, "app": app} | (
            {} if record.customer is not None and not cards else {"identify": "none"}
        )
    if now:
        given["now"] = iso_utc(round(record.started_at_s * 1000))
    if given:
        plan["given"] = given
    incoming: Plan = {"did": arrival.did}
    if arrival.caller is not None:
        incoming["from"] = arrival.caller
    plan["call"] = incoming
    if steps := list(_steps(call.telephone, keys, exact=exact)):
        plan["caller"] = steps
    callees = [_callee(call, index, leg, exact=exact) for index, leg in enumerate(call.carried.legs)]
    if callees:
        plan["callee"] = callees[0] if all(one == callees[0] for one in callees) else callees
    return {**plan, "expect": {}}


def _rate(terms: Terms) -> Plan:
    def amount(micros: int) -> str:
        return format_amount(micros, terms.currency)

    rate: Plan = {"prefix": terms.prefix or "1", "price": amount(terms.price_micros)}
    if terms.connection_micros:
        rate["connection"] = amount(terms.connection_micros)
    for field, value, usual in (
        ("minimum", terms.minimum_s, 1),
        ("increment", terms.increment_s, 1),
        ("grace", terms.grace_s, 0),
    ):
        if value != usual:
            rate[field] = value
    return rate


def _without_secrets(call: RecordedCall) -> tuple[list[KeyPress], list[Plan]]:
    """Return the keys, others in the place of secret ones, and the cards that these open."""
    keys, cards = list(call.telephone.keys), list[Plan]()
    record = call.record
    from_ms, shown = 0, False
    happened = record.events
    for place, event in enumerate(happened):
        if not isinstance(event, events.DigitsCollected):
            continue
        ours = [
            at
            for at, one in enumerate(keys)
            if from_ms < one.counts_at_ms <= event.at_ms and one.key.isdigit()
        ]
        shown = shown or event.digits == record.card
        if event.digits == events.MASKED:
            following = happened[place + 1 :]
            opened = next((one for one in following if not isinstance(one, events.Noted)), None)
            opens = isinstance(opened, events.CallIdentified) and opened.card_id is not None
            pin = "".join(str((n + 1) % 10) if opens else "0" for n in range(len(ours)))
            for at, key in zip(ours, pin, strict=True):
                keys[at] = KeyPress(key, keys[at].at_ms, keys[at].length_ms)
            if opens and record.card is not None and len(pin) >= 4:
                cards.append({"id": record.card, "pin": pin} | ({} if shown else {"pin_only": True}))
        from_ms = event.at_ms
    return keys, cards


def _steps(telephone: Telephone, keys: Sequence[KeyPress], *, exact: bool) -> Iterator[Plan]:
    sounds = telephone.sounds
    began = [one.began_ms for one in sounds[:1]]
    if telephone.answered_ms is not None:
        began.append(telephone.answered_ms)
    cursor_ms, listens_from_ms, next_sound = min(began, default=0), 0, 0
    for action in _actions(telephone, keys, exact=exact):
        at_ms = _moment(action[0], exact)
        heard = [n for n in range(next_sound, len(sounds)) if listens_from_ms <= sounds[n].began_ms <= at_ms]
        whole = False
        if heard:
            last = sounds[heard[-1]]
            earlier = [n for n in heard[:-1] if sounds[n].sound == last.sound]
            for _ in earlier:
                yield {"hears": last.sound}
            next_sound = heard[-1] + 1
            # A prompt that a key stops ends with it.
            whole = last.ended_ms is not None and last.ended_ms < at_ms + exact
            if whole:
                yield {"hears": last.sound}
                cursor_ms = max(cursor_ms, last.ended_ms or 0)
            else:
                listens_ms = _length(at_ms - last.began_ms, exact)
                yield {"hears": last.sound, "for": show_duration(listens_ms)}
                cursor_ms = max(cursor_ms, at_ms)
        gap_ms = max(0, at_ms - cursor_ms)
        if not exact and whole and gap_ms <= SOON_MS:
            gap_ms = 0
        after: Plan = {"after": show_duration(_length(gap_ms, exact))} if gap_ms else {}
        first = action[0]
        if isinstance(first, _Speech):
            if gap_ms:
                yield {"waits": show_duration(_length(gap_ms, exact))}
            yield {"speaks": show_duration(_length(first.length_ms, exact))}
            cursor_ms = at_ms + first.length_ms
        elif isinstance(first, _HangUp):
            yield {"hangs_up": True, **after}
        else:
            pressed = [one for one in action if isinstance(one, KeyPress)]
            step: Plan = {"keys": "".join(one.key for one in pressed), **after}
            if exact:
                step["tone"] = show_duration(max(SHORTEST_TONE_MS, pressed[0].length_ms))
            elif pressed[0].length_ms >= 4 * ROUND_MS:
                step["tone"] = show_duration(_length(pressed[0].length_ms, exact))
            yield step
            listens_from_ms = at_ms
            cursor_ms = pressed[-1].counts_at_ms


@dataclass(frozen=True, slots=True)
class _Speech:
    at_ms: int
    length_ms: int


@dataclass(frozen=True, slots=True)
class _HangUp:
    at_ms: int


def _moment(action: KeyPress | _Speech | _HangUp, exact: bool) -> int:
    """Return when something was done: a key counts at its end, and is pressed some time before."""
    return action.counts_at_ms if isinstance(action, KeyPress) and not exact else action.at_ms


def _actions(
    telephone: Telephone, keys: Sequence[KeyPress], *, exact: bool
) -> list[list[KeyPress | _Speech | _HangUp]]:
    """Return what the caller did, in order; keys that were keyed in one go are together."""
    single: list[KeyPress | _Speech | _HangUp] = [*keys]
    single += [_Speech(one.at_ms, one.length_ms) for one in telephone.speech if one.length_ms]
    if telephone.hung_up_ms is not None:
        single.append(_HangUp(telephone.hung_up_ms))
    grouped: list[list[KeyPress | _Speech | _HangUp]] = []
    for one in sorted(single, key=lambda one: one.at_ms):
        before = grouped[-1][-1] if grouped else None
        together = (
            not exact
            and isinstance(one, KeyPress)
            and isinstance(before, KeyPress)
            and _is_typed_on(before, one, telephone)
        )
        if together:
            grouped[-1].append(one)
        else:
            grouped.append([one])
    return grouped


def _is_typed_on(before: KeyPress, key: KeyPress, telephone: Telephone) -> bool:
    """Return whether two keys belong to one step."""
    heard = (before.counts_at_ms <= sound.began_ms < key.counts_at_ms for sound in telephone.sounds)
    most_ms = TYPED_MS if any(heard) else PAUSE_MS
    held = max(key.length_ms, before.length_ms) >= 4 * ROUND_MS
    return not held and key.at_ms - before.counts_at_ms <= most_ms


def _callee(call: RecordedCall, index: int, leg: DialledLeg, *, exact: bool) -> Plan:
    legs = call.carried.legs
    until_ms = legs[index + 1].at_ms if index + 1 < len(legs) else None
    deeds = [
        one
        for one in call.telephone.deeds
        if leg.at_ms <= one.at_ms and (until_ms is None or one.at_ms < until_ms)
    ]
    if not deeds or deeds[0].behaviour is Behaviour.NO_ANSWER:
        return {"does": "no_answer"}
    first = deeds[0]
    after = show_duration(_length(first.at_ms - leg.at_ms, exact))
    if first.behaviour is not Behaviour.ANSWER:
        return {"does": first.behaviour.value, "after": after} | (
            {} if first.behaviour is Behaviour.UNAVAILABLE else {"rings": True}
        )
    plan: Plan = {"answers_after": after}
    if len(deeds) > 1:
        plan["hangs_up_after"] = show_duration(_length(deeds[1].at_ms - first.at_ms, exact))
    return plan


def expected(record: CallRecord) -> Plan:
    """Return what a call that was just made is to come to again."""
    plan: Plan = {"outcome": str(record.outcome)}
    if record.reject is not None:
        plan["reject"] = {"sip": record.reject.sip}
    if record.customer is not None:
        plan["customer"] = record.customer
    legs = dialled_legs(record)
    if not record.legs:
        plan["legs"] = []
    elif len(record.legs) == len(legs) == 1:
        plan["dialled"] = legs[0].dialled
        if legs[0].talked_ms:
            plan["talked"] = show_duration(legs[0].talked_ms)
    else:
        plan["legs"] = [{"dialled": one.dialled, "status": str(one.status)} for one in record.legs]
    own = {
        name: value
        for name, value in record.variables.items()
        if name not in ALWAYS_SET | SOMETIMES_SET and isinstance(value, str) and value != events.MASKED
    }
    if own:
        plan["variables"] = {name: "*" if _changes(value) else value for name, value in own.items()}
    prompts = [one.detail for one in record.transcript if one.event == "prompt"]
    if SHOWN not in prompts and len(prompts) <= MOST_PROMPTS:
        plan["prompts"] = prompts
    return plan


def _changes(value: str) -> bool:
    return value.startswith("recording:") or len(value) > 200


def _length(length_ms: int, exact: bool) -> int:
    return max(1, length_ms) if exact else max(ROUND_MS, round(length_ms / ROUND_MS) * ROUND_MS)


def written(plan: Mapping[str, object]) -> str:
    """Return a scenario as an entry of a file, with a line for each step of its caller."""
    lines = [f"- name: {_scalar(plan['name'])}"]
    for key, value in plan.items():
        if key == "name":
            continue
        if key in ("caller", "callee", "expect") and isinstance(value, list):
            lines += [f"  {key}:", *(f"    - {_inline(one)}" for one in value)]
        elif key == "expect" and isinstance(value, dict) and value:
            lines += [f"  {key}:", *(f"    {name}: {_inline(one)}" for name, one in value.items())]
        else:
            lines.append(f"  {key}: {_inline(value)}")
    return "\n".join(lines) + "\n"


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(name)}: {_inline(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    is_length = re.fullmatch(r"[0-9]+(\.[0-9]+)?(ms|s|m|h)", text) is not None
    if is_length or (_PLAIN.fullmatch(text) and text.lower() not in _WORDS):
        return text
    return json.dumps(text, ensure_ascii=False)
