"""Arithmetic in a flow: `(${price} + 1.5) * 3`, read when the flow is loaded, calculated in a call.

    sum      = product, then any number of "+ product" and "- product"
    product  = factor, then any number of "* factor", "/ factor" and "% factor" (what a division leaves)
    factor   = number | ${variable} | "(" sum ")" | "-" factor | function "(" sum, sum, ... ")"
    function = min | max | abs | floor | ceil | round (of a number, and how many decimals)

There is no library under it: those for expressions calculate in binary fractions, and know more than a flow
should be able to do (attributes, powers, repetition of texts).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ringflow.calls.exact_number import EXACT, MAX_DECIMALS, NotCalculable, bounded, readable_number
from ringflow.calls.json_value import JsonValue
from ringflow.flows.template import Reference, Template, meant_reference
from ringflow.wording import did_you_mean, known_words, quoted

MAX_FORMULA_LENGTH = 500
MAX_PARENTHESES = 30

_TOKEN = re.compile(r"\s*(?:(\$\{[^{}]*\})|([0-9]+(?:\.[0-9]+)?)|([A-Za-z_][A-Za-z0-9_.]*)|(\S))", re.ASCII)
_SIGN_MENDS = {
    "x": "write * for times",
    "\N{MULTIPLICATION SIGN}": "write * for times",
    "\N{DIVISION SIGN}": "write / for divided by",
    ":": "write / for divided by",
    "^": "multiply: ${a} * ${a}",
    ",": "decimals follow a point: 1.5",
    "=": "the result goes to the variable, so write no =",
    "$": "a variable is written as ${name}",
    "{": "a variable is written as ${name}",
    "\N{MINUS SIGN}": "write -",
    "\N{EN DASH}": "write -",
    ".": "write a digit before the point: 0.5",
}  # fmt: skip

Values: TypeAlias = Mapping[str, JsonValue]
_Calculation: TypeAlias = Callable[[Values], Decimal]


def _round(number: Decimal, decimals: Decimal = Decimal(0)) -> Decimal:
    if decimals != decimals.to_integral_value() or not 0 <= decimals <= MAX_DECIMALS:
        raise NotCalculable(f"round takes 0 to {MAX_DECIMALS} decimals")
    return number.quantize(Decimal(1).scaleb(-int(decimals)), context=EXACT)


_FUNCTIONS: Mapping[str, tuple[Callable[..., Decimal], int, int]] = {
    "min": (lambda *numbers: min(numbers), 1, 20),
    "max": (lambda *numbers: max(numbers), 1, 20),
    "abs": (Decimal.copy_abs, 1, 1),
    "floor": (lambda number: number.to_integral_value(ROUND_FLOOR), 1, 1),
    "ceil": (lambda number: number.to_integral_value(ROUND_CEILING), 1, 1),
    "round": (_round, 1, 2),
}
"""Each with how many numbers it takes at least and at most."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A calculation that was read. Usable as a pydantic field type."""

    template: Template
    calculation: _Calculation

    @classmethod
    def parse(cls, text: str) -> Formula:
        """Raises ValueError for what is not a calculation, with what to write instead after ` || `."""
        if len(text) > MAX_FORMULA_LENGTH:
            raise ValueError(f"has more than {MAX_FORMULA_LENGTH} characters || calculate in several steps")
        template, calculation = Template.parse(text), _Reader(text).whole()
        if template.is_literal:
            try:
                calculation({})
            except NotCalculable as error:
                raise ValueError(
                    f"{quoted(text)} has no result: {error} || write another calculation"
                ) from None
        return cls(template, calculation)

    @property
    def constant(self) -> Decimal | None:
        """What it is where no variable is in it."""
        return self.calculate({}) if self.template.is_literal else None

    def calculate(self, variables: Values) -> Decimal:
        """The exact result. Raises `NotCalculable`, and `TextError` for a variable that is not set."""
        return self.calculation(variables)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept a number, and text with a calculation."""
        return core_schema.no_info_plain_validator_function(_validate)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """A number or text, for editors."""
        return {"type": ["string", "number"], "description": "a number, or a calculation with ${name}"}


def _validate(value: object) -> Formula:
    if isinstance(value, Formula):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = readable_number(value)
        if number is None:
            raise ValueError(f"{quoted(value)} is too large")
        return Formula.parse(format(number, "f"))
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be a number or a calculation, not {quoted(value)} || write ${{tries}} + 1")
    return Formula.parse(value)


class _Reader:
    """Reads a calculation from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(found, found.lastindex) for found in _TOKEN.finditer(text.rstrip())]
        self._at = 0
        self._depth = 0

    def whole(self) -> _Calculation:
        found = self._sum()
        if self._at < len(self._tokens):
            raise self._unexpected()
        return found

    def _sum(self) -> _Calculation:
        found = self._product()
        while (sign := self._takes("+-")) is not None:
            found = _combined(sign, found, self._product())
        return found

    def _product(self) -> _Calculation:
        found = self._factor()
        while (sign := self._takes("*/%")) is not None:
            found = _combined(sign, found, self._factor())
        return found

    def _factor(self) -> _Calculation:
        if self._takes("-") is not None:
            # Not by recursion: a row of thousands of signs would be as many calls.
            negative = True
            while self._takes("-") is not None:
                negative = not negative
            found = self._factor()
            return (lambda values: found(values).copy_negate()) if negative else found
        if self._takes("(") is not None:
            self._at -= 1
            (only, *more) = self._inside()
            if more:
                raise ValueError(
                    f"parentheses of {quoted(self._text)} hold several numbers || {_SIGN_MENDS[',']}"
                )
            return only
        if self._at == len(self._tokens):
            raise ValueError(
                f"{quoted(self._text)} ends where a number is missing || write one, or ${{name}}"
            )
        token, kind = self._tokens[self._at]
        if kind == 1:
            self._at += 1
            (reference,) = Template.parse(token[1]).references
            return lambda values: _number_of(reference, values)
        if kind == 2:
            self._at += 1
            number = Decimal(token[2])
            return lambda values: bounded(number)
        if kind == 3:
            return self._function(token[3])
        raise self._unexpected()

    def _function(self, name: str) -> _Calculation:
        is_called = self._at + 1 < len(self._tokens) and self._tokens[self._at + 1][0][0].strip() == "("
        if name not in _FUNCTIONS or not is_called:
            if not is_called and (meant := meant_reference(f"${name}")) is not None and name != "x":
                raise ValueError(
                    f"{quoted(name)} is no number{self._where()} || for the variable, write {meant}"
                )
            if not is_called:
                raise self._unexpected()
            mend = did_you_mean(name, _FUNCTIONS, f"functions: {known_words(_FUNCTIONS)}")
            raise ValueError(f"there is no function {quoted(name)}{self._where()} || {mend}")
        self._at += 1
        numbers = self._inside()
        function, least, most = _FUNCTIONS[name]
        if not least <= len(numbers) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise ValueError(f"`{name}` takes {wanted} numbers, not {len(numbers)} || write {name}(${{a}})")
        return lambda values: bounded(function(*(one(values) for one in numbers)))

    def _inside(self) -> list[_Calculation]:
        """What stands between the parentheses that begin here, with commas between."""
        self._at += 1
        self._depth += 1
        if self._depth > MAX_PARENTHESES:
            raise ValueError(f"more than {MAX_PARENTHESES} parentheses in each other || calculate in steps")
        found = [self._sum()]
        while self._takes(",") is not None:
            found.append(self._sum())
        self._close()
        self._depth -= 1
        return found

    def _close(self) -> None:
        if self._takes(")") is None:
            if self._at == len(self._tokens):
                raise ValueError(f"a `(` of {quoted(self._text)} is not closed || write ) where it ends")
            raise self._unexpected()

    def _takes(self, signs: str) -> str | None:
        if self._at < len(self._tokens):
            token, kind = self._tokens[self._at]
            if kind == 4 and token[4] in signs:
                self._at += 1
                return str(token[4])
        return None

    def _unexpected(self) -> ValueError:
        token = self._tokens[self._at][0]
        sign = token[0].strip()
        mend = _SIGN_MENDS.get(sign)
        if mend is None:
            mend = "remove it" if sign in ")}]" else "write one of + - * / % between two numbers"
        return ValueError(f"{quoted(sign)} cannot stand here{self._where()} || {mend}")

    def _where(self) -> str:
        """Where the next token stands, for people: its place in the text."""
        token, kind = self._tokens[self._at]
        return f", at character {token.start(kind or 0) + 1} of {quoted(self._text)}"


def _number_of(reference: Reference, values: Values) -> Decimal:
    number = readable_number(reference.value(values))
    if number is None:
        # Not the value itself: it may be a secret.
        raise NotCalculable(f"`${{{reference.name}}}` is not a number")
    return bounded(number)


def _combined(sign: str, first: _Calculation, second: _Calculation) -> _Calculation:
    calculate = _SIGNS[sign]
    return lambda values: bounded(calculate(first(values), second(values)))


def _divide(one: Decimal, other: Decimal) -> Decimal:
    if not other:
        raise NotCalculable("division by zero")
    return EXACT.divide(one, other)


def _remainder(one: Decimal, other: Decimal) -> Decimal:
    if not other:
        raise NotCalculable("division by zero")
    return EXACT.remainder(one, other)


_SIGNS: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": EXACT.add,
    "-": EXACT.subtract,
    "*": EXACT.multiply,
    "/": _divide,
    "%": _remainder,
}
