"""Slot `language`: chooses the language in which the caller is spoken to from now on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from ringflow.calls.digits import FIRST_DIGIT_TIMEOUT_S, INTER_DIGIT_TIMEOUT_S
from ringflow.calls.key_options import KeyOptions
from ringflow.calls.language import OFFERS
from ringflow.config import Country
from ringflow.flows.exit_rules import VARIABLE_TEXT, Condition, absent, both, either, given, matching
from ringflow.flows.key_options import MAX_OPTIONS, OptionKeys
from ringflow.flows.slot import DONE, AnyPrompt, FieldProblem, SinglePrompt, Slot, SlotGroup
from ringflow.flows.spoken import Language
from ringflow.flows.template import Template
from ringflow.numbers import country_of
from ringflow.plain_text import plain
from ringflow.speaking import language_of_country, languages, say_digits
from ringflow.wording import known_words, quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_ATTEMPTS = 20
UNKNOWN = "unknown"

Source: TypeAlias = Literal["customer", "country", "keys"]
Timeout: TypeAlias = Annotated[float, Field(gt=0, le=300)]

_ASKS = both(
    absent("to"),
    either(
        matching("by", either({"const": "keys"}, {"type": "array", "contains": {"const": "keys"}})),
        both(absent("by"), given("options")),
    ),
)
"""Whether the caller is asked."""


class ChooseLanguage(Slot):
    """Chooses the language in which the caller is spoken to from now on."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLERS
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, "no_input", "invalid", UNKNOWN)
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        "no_input": _ASKS,
        "invalid": _ASKS,
        UNKNOWN: either(matching("to", VARIABLE_TEXT), both({"not": given("to")}, {"not": _ASKS})),
    }

    by: Annotated[tuple[Source, ...], Field(min_length=1)] | None = None
    """Where the language comes from, the first that gives one. `customer`: the one that is kept of the
    customer who pays; `country`: that of the caller's number; `keys`: the caller is asked. `[keys]` where
    there are `options` and nothing else is said."""
    options: Annotated[dict[OptionKeys, Language], Field(max_length=MAX_OPTIONS)] = Field(
        default_factory=dict
    )
    """The language of each key, or sequence of keys: `{1: en, 2: es}`."""
    file: AnyPrompt | Annotated[tuple[AnyPrompt, ...], Field(min_length=1, max_length=20)] | None = None
    """The prompt that names the choices, or several, played in order. Without one each language is offered in
    itself: the prompt `LANGUAGE/es` and the digits of its key."""
    to: Template | None = None
    """The code of the language, in place of `by` and `options`: such as `es`, or `${language}`."""
    countries: Annotated[dict[Country, Language], Field(max_length=300)] = Field(default_factory=dict)
    """For `country`: languages of countries that are not to have the usual one: `{CH: fr}`."""
    remember: bool = False
    """Whether a language that was keyed, or that `to` names, is kept for the customer's next call."""
    no_input_file: SinglePrompt | None = None
    """Played when nothing was keyed."""
    invalid_file: SinglePrompt | None = None
    """Played after a wrong key."""
    attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 3
    """How often the caller is asked in all."""
    first_digit_timeout: Timeout = float(FIRST_DIGIT_TIMEOUT_S)
    """Seconds to wait for a key after the prompts have ended."""
    inter_digit_timeout: Timeout = float(INTER_DIGIT_TIMEOUT_S)
    """Seconds to wait for another key, where what was keyed may be the beginning of another choice."""
    barge_in: bool = True
    """Whether a key during the prompts stops them and counts."""

    @property
    def sources(self) -> Sequence[Source]:
        """`by`, or what stands for it."""
        return self.by or (("keys",) if self.options else ())

    def problems(self) -> Iterator[FieldProblem]:
        """Nothing that a language could come from, or more than can be meant."""
        if self.to is not None:
            yield from self._wrong_to(self.to)
        elif not self.sources:
            mend = "add `options: {1: en, 2: es}`, `by: [customer]`, `by: [country]` or `to: es`"
            yield FieldProblem("slot", "nothing says which language", mend)
        if self.by is None:
            return
        twice = next((index for index, one in enumerate(self.by) if one in self.by[:index]), None)
        if twice is not None:
            yield FieldProblem("by", f"{quoted(self.by[twice])} is listed twice", "list it once", (twice,))
        if "keys" in self.by and not self.options:
            mend = "add `options: {1: en, 2: es}`"
            yield FieldProblem("by", "no key stands for a language", mend, (self.by.index("keys"),))
        if "keys" not in self.by and self.options:
            what = "nobody is asked: `keys` is not in `by`"
            yield FieldProblem("options", what, "add it there, or remove `options`")
        if "country" not in self.by and self.countries:
            what = "no country is looked at: `country` is not in `by`"
            yield FieldProblem("countries", what, "add it there, or remove `countries`")

    def _wrong_to(self, to: Template) -> Iterator[FieldProblem]:
        both = [name for name in ("by", "options", "countries") if getattr(self, name)]
        if both:
            what = f"`to` says which language, and `{both[0]}` too"
            yield FieldProblem(both[0], what, "give one of them")
        if to.is_literal and to.text not in languages():
            mend = f"write one of {known_words(languages())}"
            yield FieldProblem("to", f"{quoted(to.text)} is not a language spoken here", mend)

    @property
    def exits(self) -> tuple[str, ...]:
        """`no_input` and `invalid` where the caller is asked; `unknown` where nothing may give a language."""
        if self.to is not None:
            return (DONE,) if self.to.is_literal else (DONE, UNKNOWN)
        return self.fixed_exits[:3] if "keys" in self.sources else (DONE, UNKNOWN)

    def chosen_languages(self) -> frozenset[str]:
        """Those of the options, of countries, and of `to`."""
        given = {self.to.text} if self.to is not None and self.to.is_literal else set()
        return frozenset({*self.options.values(), *self.countries.values(), *given})

    def prompts(self) -> Iterator[tuple[str, str]]:
        """Those of the fields, and the offers."""
        yield from super().prompts()
        if self.file is None:
            for offer in self._offers():
                yield "options", offer

    async def run(self, call: Call) -> str:
        """Try what may give a language, one after the other."""
        if self.to is not None:
            return await self._take_given(call, self.to)
        ended = UNKNOWN
        for source in self.sources:
            if source == "keys":
                keyed = await self._ask(call)
                if keyed in self.options:
                    await self._take(call, self.options[keyed], "keys")
                    return DONE
                ended = keyed
                continue
            found = self._of_customer(call) if source == "customer" else self._of_country(call)
            if found is not None and self._is_offered(call, found, source):
                await self._take(call, found, source)
                return DONE
        return ended

    async def _take_given(self, call: Call, to: Template) -> str:
        code = to.render(call.variables.visible).strip()
        if code not in languages():
            call.note("unknown_language", plain(to.render(call.variables.shown).strip()))
            return UNKNOWN
        await self._take(call, code, "")
        return DONE

    async def _take(self, call: Call, code: str, source: Source | Literal[""]) -> None:
        call.set_language(code, source)
        if self.remember and source in ("keys", ""):
            await call.account.remember_language(code)

    @staticmethod
    def _of_customer(call: Call) -> str | None:
        return call.account.customer.language if call.account.customer is not None else None

    def _of_country(self, call: Call) -> str | None:
        country = country_of(call.account.cli) if call.account.cli is not None else None
        if country is None:
            return None
        return self.countries.get(country) or language_of_country(country)

    def _is_offered(self, call: Call, code: str, source: Source) -> bool:
        """Whether the slot or its app is for a language; if neither says so, whether its words are there."""
        own = {*self.options.values(), *self.countries.values()} or set(call.spoken.offered)
        if not (code in own if own else call.spoken.has_words(code)):
            call.note("language_not_offered", f"{code} ({source})")
            return False
        return True

    async def _ask(self, call: Call) -> str:
        """The keys of one of the options; `no_input` or `invalid`."""
        for attempt in range(1, self.attempts + 1):
            collected = await call.media.collect(
                *self._asking(),
                max_digits=0,
                first_digit_timeout_s=self.first_digit_timeout,
                inter_digit_timeout_s=self.inter_digit_timeout,
                barge_in=self.barge_in,
                fixed_length=True,
                options=KeyOptions(frozenset(self.options), ""),
            )
            if collected.digits in self.options:
                return collected.digits
            failure = "no_input" if collected.nothing else "invalid"
            call.note(failure, f"attempt {attempt} of {self.attempts}")
            said = self.no_input_file if collected.nothing else self.invalid_file
            if said is not None:
                await call.media.play(said)
        return failure

    def _asking(self) -> Sequence[AnyPrompt]:
        if self.file is None:
            return tuple(self._offers())
        return self.file if isinstance(self.file, tuple) else (self.file,)

    def _offers(self) -> Iterator[str]:
        """Each language in itself, with its key."""
        for keys, code in self.options.items():
            yield f"{OFFERS}/{code}"
            yield from say_digits(keys, code)
