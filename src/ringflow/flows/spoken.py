"""Languages in flows: which there are, and the prompts that a slot needs to speak one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from ringflow.speaking import LIBRARY_PREFIX, languages, prompts_needed


def _spoken(code: str) -> str:
    if code not in languages():
        raise ValueError(f"numbers are not spoken in `{code}` || write one of {', '.join(languages())}")
    return code


Language = Annotated[
    str,
    AfterValidator(_spoken),
    WithJsonSchema({"type": "string", "enum": sorted(languages())}),
]


CALL_WORDS = LIBRARY_PREFIX
"""Stands among the prompts of a slot for the words of the language that the call has, whichever that is."""


def words_of(language: str | None) -> Iterator[tuple[str, str]]:
    """What `Slot.prompts` yields of a slot that says numbers in its field `language`; None: in the call's."""
    if language is None:
        yield "language", CALL_WORDS
        return
    yield from (("language", name) for name in prompts_needed(language))
