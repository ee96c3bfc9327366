"""Slot `destination`: puts the caller through, as the customer who pays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from ringflow.accounts.headers import MAX_HEADERS, wrong_headers
from ringflow.accounts.value_lists.list_name import MAX_NAME
from ringflow.accounts.value_lists.list_name import NAME_PATTERN as LIST_PATTERN
from ringflow.calls.dial_attempt import DialOptions, Prospect
from ringflow.calls.list_look_ups import ListUnavailable
from ringflow.calls.outcome import Leg, LegStatus
from ringflow.calls.price_announcement import After, Before, after_talk, before_call, country
from ringflow.config import NAME_PATTERN
from ringflow.flows.amount_text import Amount, amount_micros
from ringflow.flows.blocked import BlockedEntry, blocked_numbers
from ringflow.flows.exit_rules import AppField, Condition, absent, both, either, given
from ringflow.flows.follow_on import FollowOnField
from ringflow.flows.leg_headers import rendered_headers
from ringflow.flows.number_text import caller_id_problems, could_be_uri, number_problems, uri_problems
from ringflow.flows.ringback import MusicClass, Ringback, ringback_option, ringback_problems
from ringflow.flows.slot import AppName, FieldProblem, Jump, SinglePrompt, Slot, SlotGroup, SlotResult
from ringflow.flows.spoken import Language, words_of
from ringflow.flows.template import Template
from ringflow.speaking import say_minutes
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

EXIT_OF = {
    LegStatus.ANSWERED: "done",
    # Only where the caller ended the ringing by key: one who hangs up ends the call.
    LegStatus.CANCELLED: "done",
    LegStatus.BUSY: "busy",
    LegStatus.NO_ANSWER: "no_answer",
    LegStatus.CONGESTION: "failed",
    LegStatus.UNAVAILABLE: "failed",
    LegStatus.NO_CREDIT: "no_credit",
    LegStatus.NO_RATE: "refused",
    LegStatus.TOO_SHORT: "too_short",
    LegStatus.BLOCKED: "blocked",
    LegStatus.REFUSED: "refused",
    LegStatus.BELOW_COST: "refused",
}


TrunkName: TypeAlias = Annotated[str, Field(pattern=NAME_PATTERN)]
MAX_TRUNKS = 20


class Destination(Slot):
    """Dials a number through the trunks, another app, or a SIP URI. Give exactly one of the three."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLS
    fixed_exits: ClassVar[tuple[str, ...]] = (
        "done",
        "busy",
        "no_answer",
        "failed",
        "no_credit",
        "refused",
        "too_short",
        "blocked",
    )
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        **dict.fromkeys(fixed_exits, absent("internal")),
        "too_short": both(
            absent("internal"),
            either(given("least_talk", even_empty=True), given("max_cost", even_empty=True)),
        ),
        "blocked": both(
            absent("internal"),
            either(given("blocked", even_empty=True), given("blocked_list", even_empty=True)),
        ),
    }
    app_fields: ClassVar[tuple[AppField, ...]] = (AppField("internal", returns=False),)

    sip_codes: ClassVar[Mapping[str, int]] = {
        "busy": 486,
        "no_answer": 480,
        "failed": 503,
        "no_credit": 402,
        "refused": 403,
        "too_short": 402,
        "blocked": 403,
    }

    external: Template | None = None
    """A number, dialled through the trunks in order; the next one is tried when one is out of order."""
    as_keyed: bool = False
    """Whether `external` is dialled just as it is: an extension, a short code, an emergency number."""
    internal: AppName | None = None
    """The name of another app, where the call goes on."""
    uri: Template | None = None
    """A SIP URI such as sip:desk@pbx.example.com; its host must be listed in `uri_hosts`."""
    timeout: Annotated[int, Field(ge=1, le=600)] = 60
    """Seconds that the callee may ring."""
    caller_id: Template | None = None
    """The number shown to the callee; without one the customer's, then the trunk's, then the caller's own."""
    headers: Annotated[dict[str, Template], Field(max_length=MAX_HEADERS)] = Field(default_factory=dict)
    """SIP headers for the outgoing INVITE."""
    max_duration: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Seconds of talk after which the call is ended."""
    max_cost: Amount | None = None
    """What the call may cost the customer at most, such as "1.00": the talk then ends. If the shortest talk
    costs more, the exit is `too_short`."""
    trunks: (
        Annotated[tuple[Annotated[str, Field(pattern=NAME_PATTERN)], ...], Field(min_length=1, max_length=20)]
        | None
    ) = None
    """With `external`: only these trunks are tried, in this order."""
    trunk_order: Literal["listed", "cost"] = "listed"
    """With `external`: `cost` tries the trunk first that charges you the least for the number; `listed` keeps
    the order of `trunks`, or that of the trunks themselves."""
    ringback: Ringback = "callee"
    """What the caller hears while it rings: what the callee's side sends, ringing all the time, or music."""
    music_class: MusicClass = "default"
    """With `ringback: music`: the class of music, as `musiconhold.conf` of Asterisk names it."""
    announce: bool = False
    """Whether the caller is told, before it is dialled, for how many minutes the credit is enough: short for
    `before: [minutes]`, but of a free call nothing is said."""
    before: Annotated[tuple[Before, ...], Field(max_length=4)] = ()
    """What the caller is told before a charged call is dialled, in this order. `country`: the country's name;
    `rate`: what a minute costs; `minutes` or `minutes_and_seconds`: for how long the credit is enough. Of a
    free call it is said that it is free."""
    after: Annotated[tuple[After, ...], Field(max_length=2)] = ()
    """What the caller is told after a talk, in this order. `cost`: what the call has cost; `balance`: what is
    left."""
    least_talk: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Seconds of talk for which the credit must be enough; with less the exit is `too_short`."""
    blocked: Annotated[tuple[BlockedEntry, ...], Field(max_length=300)] | None = None
    """What is not dialled: countries by their two-letter codes, and beginnings of numbers with the country's
    code, such as `[CU, "1900"]`. The exit is `blocked`, also for what the customer's rate card blocks."""
    blocked_list: Annotated[str, Field(pattern=LIST_PATTERN, max_length=MAX_NAME)] | None = None
    """An operators' list of numbers that are not dialled either; beginnings in it are written `53*`."""
    blocked_file: SinglePrompt = "CARD/blocked"
    """Played, after the country's name, where the exit is `blocked`."""
    language: Language | None = None
    """The language in which all that is said; without one that of the call."""
    follow_on: FollowOnField = None
    """The keys that end ringing and talk when held, so that the flow goes on by `done`. `true`: `*` and
    `#`, for a second."""

    def problems(self) -> Iterator[FieldProblem]:
        """Not exactly one target, text that can never be dialled, headers that cannot be set."""
        given = [name for name in ("external", "internal", "uri") if getattr(self, name) is not None]
        if len(given) != 1:
            what = f"{' and '.join(given)} are both given" if given else "no target is given"
            yield FieldProblem(given[-1] if given else "slot", what, "give one of external, internal and uri")
        if self.external is not None:
            mend = "write it as it is dialled, or + and the country's code"
            yield from number_problems("external", self.external, mend)
        yield from self._announcement_problems(given)
        yield from self._trunk_problems()
        yield from ringback_problems(self, self.ringback)
        if self.as_keyed and self.external is None:
            yield FieldProblem("as_keyed", "there is no number to dial", "give it with `external`")
        if self.uri is not None:
            yield from uri_problems("uri", self.uri)
        if self.caller_id is not None:
            yield from caller_id_problems("caller_id", self.caller_id)
        for wrong in wrong_headers(self.headers):
            yield FieldProblem("headers", f"{quoted(wrong.name)} {wrong.why}", wrong.mend)

    def hosts(self) -> Iterator[tuple[str, str]]:
        """The host of `uri`, unless a variable is in it, or it is no URI."""
        host = self.uri.text.rpartition("@")[2] if self.uri and could_be_uri(self.uri) else ""
        if host and "$" not in host:
            yield "uri", host

    def prompts(self) -> Iterator[tuple[str, str]]:
        """Where something is said, the words of its language; `blocked_file` where it may be played."""
        played = super().prompts()
        yield from (one for one in played if one[0] != "blocked_file" or self._says_blocked)
        if self.announce or self.before or self.after:
            yield from words_of(self.language, "minutes", "prices")

    def _announcement_problems(self, given: list[str]) -> Iterator[FieldProblem]:
        """What is said of a call that has no price, twice, or not at all."""
        for name in ("before", "after", "least_talk", "max_cost", "blocked", "blocked_list"):
            if getattr(self, name) not in (None, ()) and given in (["internal"], ["uri"]):
                what = f"what is dialled by `{given[0]}` has no rate, no country and no cost"
                yield FieldProblem(name, what, "remove it, or dial a number by `external`")
        for name in ("before", "after"):
            said: tuple[str, ...] = getattr(self, name)
            twice = next((index for index, one in enumerate(said) if one in said[:index]), None)
            if twice is not None:
                yield FieldProblem(name, f"`{said[twice]}` is said twice", "keep one of them", (twice,))
        if {"minutes", "minutes_and_seconds"} <= set(self.before):
            yield FieldProblem("before", "the time is said twice, once to the second", "keep one of the two")
        if self.announce and self.before:
            yield FieldProblem("announce", "`before` says what is announced", "write `minutes` there instead")
        if (self.least_talk or 0) > (self.max_duration or self.least_talk or 0):
            what = f"no talk lasts {self.least_talk} s: max_duration is {self.max_duration:g}"
            yield FieldProblem("least_talk", what, "write fewer seconds")

    def _trunk_problems(self) -> Iterator[FieldProblem]:
        """Trunks where none is chosen, or one twice."""
        for name in ("trunks", "trunk_order"):
            if name in self.model_fields_set and self.external is None:
                what = "only a number goes through the trunks"
                yield FieldProblem(name, what, "remove it, or dial a number by `external`")
        if self.max_cost is not None and amount_micros(self.max_cost) == 0:
            yield FieldProblem("max_cost", "no call costs nothing at most", "write more than 0, or remove it")
        for index, trunk in enumerate(self.trunks or ()):
            if trunk in (self.trunks or ())[:index]:
                what = f"{quoted(trunk)} stands here twice"
                yield FieldProblem("trunks", what, "remove one of them", (index,))

    @property
    def exits(self) -> tuple[str, ...]:
        """None with `internal`: the call goes on in the other app."""
        if self.internal:
            return ()
        used = {
            "too_short": self.least_talk is not None or self.max_cost is not None,
            "blocked": self._says_blocked,
        }
        return tuple(one for one in self.fixed_exits if used.get(one, True))

    @property
    def _says_blocked(self) -> bool:
        return self.blocked is not None or self.blocked_list is not None

    def jumps(self) -> frozenset[str]:
        """The app of `internal`."""
        return frozenset({self.internal}) if self.internal else frozenset()

    async def run(self, call: Call) -> SlotResult:
        """Put the caller through."""
        if self.internal is not None:
            return Jump(self.internal)
        variables = call.variables.visible
        options = DialOptions(
            ring_s=self.timeout,
            max_duration_s=self.max_duration,
            caller_id=self.caller_id.render(variables) if self.caller_id else None,
            headers=rendered_headers(self.headers, variables),
            end_keys=self.follow_on.end_keys if self.follow_on else None,
            announce=partial(self._say_before, call) if self.announce or self.before else None,
            least_talk_s=self.least_talk or 0,
            blocked_by=partial(self._blocked_by, call) if self._says_blocked else None,
            as_keyed=self.as_keyed,
            trunks=self.trunks,
            cheapest_first=self.trunk_order == "cost",
            most_micros=amount_micros(self.max_cost) if self.max_cost is not None else None,
            ringback=await ringback_option(call, self.ringback, self.music_class),
        )
        if self.uri is not None:
            leg = await call.outgoing.dial_uri(self.uri.render(variables), options)
        else:
            assert self.external is not None
            try:
                leg = await call.outgoing.dial_number(self.external.render(variables), options)
            except ListUnavailable as error:
                call.note("list_failed", str(error))
                return "failed"
        if leg.status is LegStatus.ANSWERED and self.after:
            await self._say_after(call, leg)
        if leg.status is LegStatus.BLOCKED and self._says_blocked:
            named = country(leg.dialled, self.language or call.language)
            await call.media.play(*named, self.blocked_file)
        left = EXIT_OF[leg.status]
        return left if left in self.exits else "refused"

    async def _blocked_by(self, call: Call, number: str) -> str | None:
        """What keeps a number (E.164 digits) from being dialled. Raises `ListUnavailable`."""
        entry = blocked_numbers(self.blocked or ()).by(number)
        if entry is not None or self.blocked_list is None:
            return entry
        is_listed = await call.lists.contains(self.blocked_list, f"+{number}")
        return f"list {self.blocked_list}" if is_listed else None

    async def _say_before(self, call: Call, prospect: Prospect) -> None:
        language = self.language or call.language
        if self.before:
            await call.media.play(*before_call(prospect, self.before, language))
        elif prospect.seconds is not None:
            await call.media.play(*say_minutes(prospect.seconds, language))

    async def _say_after(self, call: Call, leg: Leg) -> None:
        customer, language = call.account.customer, self.language or call.language
        assert customer is not None, "somebody pays for a talk"
        left_micros = (
            await call.account.caller_accounts.available_micros(customer.id) if "balance" in self.after else 0
        )
        if leg.charged_micros is None and "cost" in self.after:
            # Charged upstream, or the database has not taken the charge yet.
            call.note("cost_unknown")
        said = after_talk(self.after, leg.charged_micros, left_micros, customer.currency, language)
        await call.media.play(*said)
