"""Slot `tts`: speaks a text by the configured voice of the language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.calls.prompt import MAX_SPOKEN_LENGTH, Circumstances, Speech, Unsayable
from ringflow.calls.variables import Variables
from ringflow.config import LANGUAGE_PATTERN, NAME_PATTERN, VOICE_PATTERN
from ringflow.flows.language_texts import TextByLanguage, text_in, texts_of
from ringflow.flows.manner_fields import refuse_secrets
from ringflow.flows.slot import FieldProblem, Slot, SlotGroup, SpokenField
from ringflow.flows.ssml import filled_ssml, ssml_problem
from ringflow.flows.template import Template, TextError
from ringflow.sounds.utterance import Utterance

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Tts(Slot):
    """Speaks a text to its end."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.SOUND
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "failed")

    text: TextByLanguage
    """What is spoken, at most 2,000 characters. Or a text for each language: `{en: Hello, es: Hola}`."""
    ssml: bool = False
    """Whether the text is SSML. What variables hold is text in it, never a tag."""
    language: Annotated[str, Field(pattern=LANGUAGE_PATTERN)] | None = None
    """The code of the language in which it is spoken, such as `it`; without one that of the call."""
    voice: Annotated[str, Field(pattern=VOICE_PATTERN)] | None = None
    """A voice of the backend; without one that which `config.yaml` has for the language."""
    backend: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    """What speaks it, by its name in `config.yaml`; without one that of the language."""

    def problems(self) -> Iterator[FieldProblem]:
        """A text that can never be spoken."""
        if isinstance(self.text, dict) and self.language is not None:
            what = "`text` is written for each language, and `language` says one"
            yield FieldProblem("language", what, "remove it")
        for text in texts_of(self.text):
            yield from self._text_problems(text)

    def _text_problems(self, template: Template) -> Iterator[FieldProblem]:
        text = template.text
        if not text.strip():
            yield FieldProblem("text", "there is nothing to speak", "write words")
        elif template.is_literal and len(text) > MAX_SPOKEN_LENGTH:
            what = f"`text` has {len(text)} characters, at most {MAX_SPOKEN_LENGTH}"
            yield FieldProblem("text", what, "make two slots of it")
        elif self.ssml:
            problem = ssml_problem(template)
            if problem is not None:
                yield FieldProblem("text", f"`text`: {problem[0]}", problem[1])
        elif text.lstrip().startswith("<speak"):
            yield FieldProblem("text", "tags would be spoken: this is SSML", "write `ssml: true`")

    def spoken(self) -> Iterator[SpokenField]:
        """The text."""
        wanted = Utterance("", self.language or "", self.ssml, self.backend, self.voice)
        yield SpokenField("text", texts_of(self.text), wanted)

    def speech(self, variables: Variables, circumstances: Circumstances) -> Speech:
        """The text with the variables of a call. Raises `Unsayable`."""
        refuse_secrets(iter(texts_of(self.text)), variables)
        template, language = text_in(self.text, self.language or variables.language)
        visible = variables.visible
        try:
            text = (
                filled_ssml(template, visible) if self.ssml else template.render(visible, MAX_SPOKEN_LENGTH)
            )
        except TextError as error:
            raise Unsayable(str(error)) from error
        if len(text) > MAX_SPOKEN_LENGTH:
            raise Unsayable(f"the text has {len(text)} characters, and {MAX_SPOKEN_LENGTH} are the most")
        if not text.strip():
            raise Unsayable("the text is empty")
        return Utterance(text, language, self.ssml, self.backend, self.voice)

    async def run(self, call: Call) -> str:
        """Speak it; `failed` where it cannot be spoken, or not in time."""
        return "done" if await call.media.say(self) else "failed"
