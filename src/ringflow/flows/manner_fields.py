"""How a value is said: the fields that words in place of a prompt and the slot `say` have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator

from ringflow.calls.json_value import JsonValue
from ringflow.calls.prompt import Circumstances, Unsayable, value_prompts
from ringflow.calls.variables import Variables
from ringflow.config import check_zone_name
from ringflow.flows.spoken import Language
from ringflow.flows.template import Template, TextError
from ringflow.money import CURRENCY_DIGITS
from ringflow.speaking import Clock, Gender, Manner, SaidAs, languages
from ringflow.wording import nearest, quoted


def _currency(template: Template) -> Template:
    if template.is_literal and template.text not in CURRENCY_DIGITS:
        near = nearest(template.text, CURRENCY_DIGITS) if len(template.text) > 1 else None
        mend = f"did you mean `{near}`?" if near else "write its code, such as USD"
        raise ValueError(f"{quoted(template.text)} is no currency || {mend}")
    return template


def _timezone(template: Template) -> Template:
    if template.is_literal:
        check_zone_name(template.text)
    return template


def _number_as_text(value: object) -> object:
    return repr(value) if isinstance(value, float) else value


ValueText = Annotated[Template, BeforeValidator(_number_as_text)]
"""A value to be said: text with `${...}`, or a number."""


class MannerFields(BaseModel):
    """How a value is said. `currency` and `timezone` may be variables."""

    language: Language | None = None
    """The language in which it is said; without one that of the call."""
    currency: Annotated[Template, AfterValidator(_currency)] | None = None
    """With `as: money`: the currency, such as USD, or `${customer.currency}`."""
    gender: Literal["masculine", "feminine", "neuter"] | None = None
    """With `as: number` and `as: ordinal`: that of the noun before which it stands."""
    clock: Literal[12, 24] | None = None
    """With `as: time`: a clock of 12 or 24 hours; without it the one that is usual in the language."""
    weekday: bool = False
    """With `as: date`: whether the day of the week is said too."""
    year: bool = True
    """With `as: date`: whether the year is said too."""
    timezone: Annotated[Template, AfterValidator(_timezone)] | None = None
    """With `as: date` and `as: time`: where it is told, such as Europe/London; else at the operator's."""

    def manner_problems(self, said_as: SaidAs) -> Iterator[tuple[str, str, str]]:
        """The field, what is wrong with it and what to do, for what does not go with `as`."""
        for field, goes_with in _GOES_WITH.items():
            given = getattr(self, field) != type(self).model_fields[field].default
            if given and said_as not in goes_with:
                kinds = " or ".join(f"`as: {one}`" for one in goes_with)
                yield field, f"`{field}` means nothing with `as: {said_as}`", f"it goes with {kinds}"
        if said_as is SaidAs.MONEY and self.currency is None:
            yield "as", "an amount needs its currency", "write `currency: USD`, or `${customer.currency}`"

    def manner(self, said_as: SaidAs, variables: Variables, circumstances: Circumstances) -> Manner:
        """The manner in which a call says it. Raises `Unsayable` for an unknown time zone, `TextError`."""
        visible = variables.visible
        zone = circumstances.zone
        if self.timezone is not None:
            name = self.timezone.render(visible)
            try:
                zone = ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise Unsayable(f"`timezone`: {quoted(name)} is not a time zone") from None
        return Manner(
            said_as,
            self.language or variables.language,
            currency=self.currency.render(visible) if self.currency is not None else None,
            gender=Gender(self.gender) if self.gender else None,
            clock=Clock(self.clock) if self.clock else None,
            weekday=self.weekday,
            year=self.year,
            zone=zone,
            country=circumstances.country,
            now_s=circumstances.now_s,
        )

    def literal_problem(self, text: str, said_as: SaidAs) -> tuple[str, str] | None:
        """What is wrong with a value that is the same in every call, and what to do; None: nothing."""
        currency = self.currency.text if self.currency is not None and self.currency.is_literal else "USD"
        problem = None
        # What one language has no letters for, another may have: the call's language is not known here.
        for language in (self.language,) if self.language else languages():
            manner = Manner(said_as, language, currency=currency)
            try:
                value_prompts(text, manner)
            except Unsayable as error:
                problem = problem or _told(text, said_as, str(error))
            else:
                return None
        return problem


def refuse_secrets(templates: Iterable[Template], variables: Variables) -> None:
    """Raise `Unsayable` if one of the texts has a variable that is secret: the record has what is said."""
    for template in templates:
        for reference in template.references:
            if variables.is_secret(reference.name):
                raise Unsayable(f"`{reference.name}` is secret, and the record has what is said")


def filled_value(template: Template, variables: Variables) -> JsonValue:
    """The value that a text becomes in a call. Raises `Unsayable` where a variable in it is not set."""
    try:
        return template.value(variables.visible)
    except TextError as error:
        raise Unsayable(str(error)) from error


_GOES_WITH = {
    "currency": (SaidAs.MONEY,),
    "gender": (SaidAs.NUMBER, SaidAs.ORDINAL),
    "clock": (SaidAs.TIME,),
    "weekday": (SaidAs.DATE,),
    "year": (SaidAs.DATE,),
    "timezone": (SaidAs.DATE, SaidAs.TIME),
}
"""For what each field is."""


def _told(text: str, said_as: SaidAs, complaint: str) -> tuple[str, str]:
    what, _, mend = complaint.rpartition(": ") if ": " in complaint else (complaint, "", "")
    shown = quoted(text)
    return what if shown in what else f"{shown} cannot be said as {said_as}: {what}", mend
