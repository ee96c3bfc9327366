"""Languages in flows: which there are, and the prompts that a slot needs to speak one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from ringflow.speaking import LIBRARY_PREFIX, Announcement, SaidAs, languages, prompts_needed
from ringflow.wording import Words


def _spoken(code: str) -> str:
    if code not in languages():
        raise ValueError(f"numbers are not spoken in `{code}` || write one of {', '.join(languages())}")
    return code


Language = Annotated[
    str,
    AfterValidator(_spoken),
    WithJsonSchema({"type": "string", "enum": sorted(languages())}),
]


CALL_WORDS = f"{LIBRARY_PREFIX}*/"
"""Begins what stands among the prompts of a slot for words of the language that the call has.

What is said follows: `SAY/*/date`.
"""


def words_of(language: str | None, *said: SaidAs | Announcement) -> Iterator[tuple[str, str]]:
    """What `Slot.prompts` yields of a slot that says this in its field `language`; None: in the call's.

    Without `said` that is all that can be said.
    """
    if language is not None:
        yield from (("language", name) for name in prompts_needed(language, *said))
    else:
        yield from (("language", f"{CALL_WORDS}{one}") for one in said or ("",))


def call_words(prompts: Iterable[str], language: str) -> frozenset[str]:
    """The prompts for which `CALL_WORDS` stands among prompts, where the call has this language."""
    said = {one.removeprefix(CALL_WORDS) for one in prompts if one.startswith(CALL_WORDS)}
    if "" in said:
        return _names_needed(language)
    return frozenset(name for one in said for name in _names_needed(language, _SAID[one]))


@cache
def _names_needed(language: str, *said: SaidAs | Announcement) -> frozenset[str]:
    """Of thousands of slots that say amounts, all need the same few prompts."""
    return frozenset(prompts_needed(language, *said))


_SAID: Mapping[str, SaidAs | Announcement] = {
    **{str(one): one for one in SaidAs},
    "balance": "balance",
    "minutes": "minutes",
    "prices": "prices",
}


def words_lacking(count: int, language: str) -> Words:
    """Return what to say of words of a language that have no prompt, and the command that makes them."""
    have = "has" if count == 1 else "have"
    what = f"{count} of the words of `{language}` {have} no prompt"
    return what, f"ringflow sounds build --speaking {language} --missing"
