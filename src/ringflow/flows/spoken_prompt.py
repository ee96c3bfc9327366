"""Words in a flow's prompt field: a text, a number or an amount that is said to the caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from ringflow.calls.prompt import MAX_SAID_LENGTH, SaidAs, Speech, Unsayable, is_currency, number_prompts
from ringflow.calls.variables import Variables
from ringflow.flows.spoken import Language, words_of
from ringflow.flows.template import Template
from ringflow.wording import quoted


def _currency(code: str) -> str:
    if not is_currency(code):
        raise ValueError(f"{quoted(code)} is no currency || write its code, such as USD")
    return code


_IN_SCHEMA = WithJsonSchema({"type": "string", "enum": [one.value for one in SaidAs]})
"""The words themselves, where pydantic would refer to a definition."""


class SpokenPrompt(BaseModel):
    """Words that are said in place of a prompt of the library."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    say: Template
    """The words: text, or what is digits, a number or an amount."""
    said_as: Annotated[SaidAs, Field(alias="as"), _IN_SCHEMA] = SaidAs.TEXT
    """`text`: spoken by a voice as it stands; `digits`: one by one; `number`: a whole number; `money`: an
    amount such as 12.50."""
    language: Language | None = None
    """The language in which it is said; without one that of the call."""
    currency: Annotated[str, AfterValidator(_currency)] | None = None
    """The currency of `as: money`, such as USD."""

    @model_validator(mode="after")
    def _can_be_said(self) -> SpokenPrompt:
        if (self.said_as is SaidAs.MONEY) is not (self.currency is not None):
            raise ValueError("`as: money` and `currency` go together || write {as: money, currency: USD}")
        if self.say.is_literal:
            self._check_literal(self.say.text)
        return self

    def _check_literal(self, text: str) -> None:
        if not text.strip():
            raise ValueError("there is nothing to say || write words, or leave the field out")
        if self.said_as is SaidAs.TEXT:
            if len(text) > MAX_SAID_LENGTH:
                raise ValueError(f"`say` has {len(text)} characters, at most {MAX_SAID_LENGTH} || split it")
            return
        try:
            number_prompts(Speech(text, self.language or "en", self.said_as, self.currency))
        except Unsayable as error:
            mend = "write digits, or leave `as` out to have the text spoken"
            raise ValueError(f"{quoted(text)} cannot be said as {self.said_as}: {error} || {mend}") from None

    @property
    def needs_voice(self) -> bool:
        """Whether a voice has to speak it."""
        return self.said_as is SaidAs.TEXT

    def prompts(self) -> Iterator[str]:
        """The library's prompts that it may need: none where a voice speaks it."""
        if not self.needs_voice:
            yield from (name for _, name in words_of(self.language))

    def speech(self, variables: Variables) -> Speech:
        """The words with the variables of a call. Raises `Unsayable` for secrets, `TextError`."""
        for reference in self.say.references:
            if variables.is_secret(reference.name):
                raise Unsayable(f"`{reference.name}` is secret, and the record has what is said")
        language = self.language or variables.language
        return Speech(self.say.render(variables.visible), language, self.said_as, self.currency)
