"""Languages in flows: which there are, and the prompts that a slot needs to speak one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from ringflow.speaking import languages, prompts_needed


def _spoken(code: str) -> str:
    if code not in languages():
        raise ValueError(f"numbers are not spoken in `{code}` || write one of {', '.join(languages())}")
    return code


Language = Annotated[
    str,
    AfterValidator(_spoken),
    WithJsonSchema({"type": "string", "enum": sorted(languages())}),
]


def words_of(language: str) -> Iterator[tuple[str, str]]:
    """What `Slot.prompts` yields of a slot that speaks the language named in its field `language`."""
    yield from (("language", name) for name in prompts_needed(language))
