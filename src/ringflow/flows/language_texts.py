"""Texts that a flow writes once, or in each language: `{en: "Hello", es: "Hola"}`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Discriminator, Field, Tag

from ringflow.flows.spoken import Language
from ringflow.flows.template import Template
from ringflow.speaking import languages


def _one_or_each(value: object) -> str:
    """Whether there is a text for each of several languages, or one for all."""
    return "each" if isinstance(value, dict) and value.keys() & set(languages()) else "one"


LanguageTexts: TypeAlias = Annotated[dict[Language, Template], Field(max_length=50), Tag("each")]
"""A text for each language."""

TextByLanguage: TypeAlias = Annotated[
    Annotated[Template, Tag("one")] | LanguageTexts, Discriminator(_one_or_each)
]
"""A text, or one for each language. A field that takes values too has a type of its own for the text."""

one_or_each = Discriminator(_one_or_each)


def texts_of(text: Template | dict[str, Template]) -> tuple[Template, ...]:
    """The text in each language in which it is written."""
    return tuple(text.values()) if isinstance(text, dict) else (text,)


def text_in(text: Template | dict[str, Template], language: str) -> tuple[Template, str]:
    """The text for callers of a language, and the language that it is written in: the first if not theirs."""
    if not isinstance(text, dict):
        return text, language
    written = language if language in text else next(iter(text))
    return text[written], written
