"""Words in a flow's prompt field: a text, a number, a date or the like that is said to the caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import ConfigDict, Field, Tag, WithJsonSchema, model_validator

from ringflow.calls.prompt import MAX_SAID_LENGTH, Circumstances, SaidValue, Speech, Unsayable
from ringflow.calls.variables import Variables
from ringflow.flows.language_texts import LanguageTexts, one_or_each, text_in, texts_of
from ringflow.flows.manner_fields import MannerFields, ValueText, filled_value, refuse_secrets
from ringflow.flows.spoken import words_of
from ringflow.flows.template import Template
from ringflow.sounds.utterance import Utterance
from ringflow.speaking import SaidAs

_IN_SCHEMA = WithJsonSchema({"type": "string", "enum": [one.value for one in SaidAs]})
"""The words themselves, where pydantic would refer to a definition."""


class SpokenPrompt(MannerFields):
    """Words that are said in place of a prompt of the library."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    say: Annotated[Annotated[ValueText, Tag("one")] | LanguageTexts, one_or_each]
    """The words: text, or the value that is said as something else. Or a text for each language:
    `{en: Hello, es: Hola}`."""
    said_as: Annotated[SaidAs, Field(alias="as"), _IN_SCHEMA] = SaidAs.TEXT
    """`text`: spoken by a voice as it stands; the others as by the slot `say`."""

    @model_validator(mode="after")
    def _can_be_said(self) -> SpokenPrompt:
        for _, what, mend in self.manner_problems(self.said_as):
            raise ValueError(f"{what} || {mend}")
        if isinstance(self.say, dict) and (self.language is not None or not self.needs_voice):
            other = "language" if self.language is not None else "as"
            raise ValueError(f"`say` has a text for each language, and `{other}` too || remove `{other}`")
        for text in texts_of(self.say):
            if text.is_literal:
                self._check_literal(text.text)
        return self

    def _check_literal(self, text: str) -> None:
        if not text.strip():
            raise ValueError("there is nothing to say || write words, or leave the field out")
        if self.said_as is SaidAs.TEXT:
            if len(text) > MAX_SAID_LENGTH:
                raise ValueError(f"`say` has {len(text)} characters, at most {MAX_SAID_LENGTH} || split it")
            return
        problem = self.literal_problem(text, self.said_as)
        if problem is not None:
            what, mend = problem
            raise ValueError(f"{what} || {mend or 'leave `as` out to have the text spoken'}")

    @property
    def needs_voice(self) -> bool:
        """Whether a voice has to speak it."""
        return self.said_as is SaidAs.TEXT

    @property
    def wanted_voice(self) -> Utterance | None:
        """What is spoken, without its text; None where no voice has to."""
        return Utterance("", self.language or "") if self.needs_voice else None

    def templates(self) -> Iterator[Template]:
        """Every text with `${...}`."""
        yield from (one for one in (*texts_of(self.say), self.currency, self.timezone) if one is not None)

    def prompts(self) -> Iterator[str]:
        """The library's prompts that it may need: none where a voice speaks it."""
        if not self.needs_voice:
            yield from (name for _, name in words_of(self.language, self.said_as))

    def speech(self, variables: Variables, circumstances: Circumstances) -> Speech:
        """The words with the variables of a call. Raises `Unsayable` for secrets, `TextError`."""
        refuse_secrets(self.templates(), variables)
        template, language = text_in(self.say, self.language or variables.language)
        if not self.needs_voice:
            manner = self.manner(self.said_as, variables, circumstances)
            return SaidValue(filled_value(template, variables), manner, template.text)
        text = template.render(variables.visible)
        if len(text) > MAX_SAID_LENGTH:
            raise Unsayable(f"the text has {len(text)} characters, and {MAX_SAID_LENGTH} are the most")
        return Utterance(text, language)
