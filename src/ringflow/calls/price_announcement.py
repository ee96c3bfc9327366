"""What a caller is told of a call's price: before it is dialled, and after the talk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from ringflow.calls.dial_attempt import Prospect
from ringflow.calls.prompt import Prompt, Words
from ringflow.numbers import country_of
from ringflow.speaking import (
    country_name,
    say_balance,
    say_cost,
    say_free,
    say_minutes,
    say_minutes_and_seconds,
    say_rate,
)

Before: TypeAlias = Literal["country", "rate", "minutes", "minutes_and_seconds"]
After: TypeAlias = Literal["cost", "balance"]


def before_call(prospect: Prospect, wanted: Sequence[Before], language: str) -> list[Prompt]:
    """What is said before a call, in the order of `wanted`; at the end that it is free, if it is."""
    terms = prospect.terms
    said: list[Prompt] = []
    for one in wanted:
        if one == "country":
            said += country(prospect.number, language)
        elif terms.free:
            continue
        elif one == "rate":
            said += say_rate(terms.price_micros, terms.currency, language)
        elif prospect.seconds is not None:
            say_time = say_minutes if one == "minutes" else say_minutes_and_seconds
            said += say_time(prospect.seconds, language)
    return [*said, *say_free(language)] if terms.free else said


def after_talk(
    wanted: Sequence[After], cost_micros: int | None, left_micros: int, currency: str, language: str
) -> list[Prompt]:
    """What is said after a talk. `cost_micros`: what was charged for it; None: nobody knows."""
    said: list[Prompt] = []
    for one in wanted:
        if one == "balance":
            said += say_balance(left_micros, currency, language)
        elif cost_micros is not None:
            said += say_cost(cost_micros, currency, language)
    return said


def country(number: str, language: str) -> list[Prompt]:
    """The name of the country of a number (E.164 digits), if it has one."""
    code = country_of(number)
    return [] if code is None else [Words(country_name(code, language), language)]
