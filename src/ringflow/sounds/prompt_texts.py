"""Prompts made from their texts in `prompts.yaml`, which stands beside them.

What prompts say in another language stands in that language's folder, `es/prompts.yaml`, by the same names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ringflow.documents import Document, read_document
from ringflow.errors import DocumentError, Problem, Refused
from ringflow.sounds.conversion import ImportReport
from ringflow.sounds.espeak import (
    DEFAULT_VOICE,
    DEFAULT_WORDS_PER_MINUTE,
    MAX_TEXT_LENGTH,
    MAX_WORDS_PER_MINUTE,
    MIN_WORDS_PER_MINUTE,
)
from ringflow.sounds.inspection import TEXTS_FILE
from ringflow.sounds.library import PromptLibrary, is_prompt_name
from ringflow.sounds.speech import say
from ringflow.validation import check_model


class PromptText(BaseModel):
    """One entry of `sounds/prompts.yaml`: what a prompt says, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH)]
    voice: str | None = None
    words_per_minute: Annotated[int, Field(ge=MIN_WORDS_PER_MINUTE, le=MAX_WORDS_PER_MINUTE)] = (
        DEFAULT_WORDS_PER_MINUTE
    )


def speak_texts(
    library: PromptLibrary, *, missing: bool, language: str = "", voice: str = DEFAULT_VOICE
) -> Iterator[ImportReport]:
    """Speak every text, and yield each prompt as it is made. `missing`: only those that are not there yet.

    `language`: the texts in that language's folder, where there are any, in its `voice`. Raises
    `DocumentError` for a file that cannot be used, and in the end for all texts that cannot be spoken.
    """
    path = library.folder / language / TEXTS_FILE
    if language and not path.is_file():
        return
    document = read_document(path).whole()
    problems: list[Problem] = []
    for name, entry in read_texts(document).items():
        made = f"{language}/{name}" if language else name
        if missing and library.exists(made):
            continue
        try:
            yield say(entry.text, made, library, entry.voice or voice, entry.words_per_minute)
        except Refused as error:
            problems.append(document.problem((name,), str(error)))
        except DocumentError as error:
            problems += [document.problem((name,), one.what, one.mend) for one in error.problems]
    if problems:
        raise DocumentError(problems)


def read_texts(document: Document) -> dict[str, PromptText]:
    """The texts in `prompts.yaml` by prompt name. Raises `DocumentError` with every problem in it."""
    if not isinstance(document.value, dict):
        raise DocumentError(
            [document.problem((), "is not a mapping of names to texts", "write NAME: {text: ...}")]
        )
    texts: dict[str, PromptText] = {}
    problems: list[Problem] = []
    for name, value in document.value.items():
        if not is_prompt_name(name):
            mend = "use letters, digits, `-`, `_` and `/`, such as IVR/ivr-please"
            problems.append(document.problem((f"{name}:key",), f"`{name}` is not a prompt name", mend))
        entry, found = check_model(PromptText, document, value, (name,))
        problems += found
        if entry:
            texts[name] = entry
    if problems:
        raise DocumentError(problems)
    return texts
