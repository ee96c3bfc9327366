"""What an app lacks in the languages that it is for: prompts, and the words of numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ringflow.calls.language import has_variants, variant_of
from ringflow.errors import Problem, ProblemCode
from ringflow.flows.draft import Draft
from ringflow.flows.spoken import call_words, words_lacking
from ringflow.flows.surroundings import Prompts
from ringflow.wording import counted

MAX_NAMED = 3
"""How many prompts that are missing in one language are named."""


def listed_languages(draft: Draft) -> tuple[str, ...]:
    """The app's `languages`; none where it lists none."""
    return (draft.settings.languages or ()) if draft.settings is not None else ()


def own_language(draft: Draft, configured: str) -> str:
    """The language of the app's callers who have chosen none."""
    return (draft.settings.own_language if draft.settings is not None else None) or configured


def spoken_languages(draft: Draft, configured: str) -> tuple[str, ...]:
    """The app's own language, and those that its slots may choose."""
    chosen = {one for slot in draft.slots if slot is not None for one in slot.chosen_languages()}
    own = own_language(draft, configured)
    return (own, *sorted(chosen - {own}))


def language_problems(draft: Draft, prompts: Prompts, configured: str) -> Iterator[Problem]:
    """For each of the app's `languages`, the prompts and the words missing in it: two problems at most.

    A prompt that is in no language at all is not one of them: it is reported where it is named.
    """
    languages = listed_languages(draft)
    if not languages:
        return
    slots = [slot for index in range(len(draft.slots)) if (slot := draft.usable(index)) is not None]
    played = dict.fromkeys(name for slot in slots for _, name in slot.prompts())
    own = [name for name in played if has_variants(name)]
    for place, language in enumerate(languages):
        location = (*draft.location, "languages", place)
        lacking = [
            variant_of(name, language)
            for name in own
            if language != configured
            and not prompts.exists(variant_of(name, language))
            and (prompts.exists(name) or any(prompts.exists(variant_of(name, one)) for one in languages))
        ]
        if lacking:
            named = ", ".join(lacking[:MAX_NAMED]) + (", ..." if len(lacking) > MAX_NAMED else "")
            are = "is" if len(lacking) == 1 else "are"
            what = f"{counted(len(lacking), 'prompt')} {are} missing in `{language}`: {named}"
            mend = f"ringflow sounds import FILE --as {lacking[0]}, or take `{language}` out"
            yield draft.document.problem(location, what, mend, code=ProblemCode.PROMPT_UNKNOWN)
        unspoken = [name for name in call_words(played, language) if not prompts.exists(name)]
        if unspoken:
            yield draft.document.problem(
                location, *words_lacking(len(unspoken), language), code=ProblemCode.WORDS_LACKING
            )
