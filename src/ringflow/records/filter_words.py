"""What somebody writes to find calls, as records have it: numbers, and words for how calls end."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.calls.outcome import Outcome
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import DONE
from ringflow.numbers import normalise_number, number_prefix
from ringflow.records.queries import Filter, is_outcome_of_a_call
from ringflow.wording import did_you_mean, known_words


def with_numbers(wanted: Filter, country: str) -> Filter:
    """The filter with its numbers in E.164 digits: `+44...` and national forms find those too."""

    def number(text: str | None) -> str | None:
        return text if text is None else normalise_number(text, country) or text

    prefix = wanted.number
    return replace(
        wanted,
        did=number(wanted.did),
        cli=number(wanted.cli),
        search=number(wanted.search),
        number=None if prefix is None else number_prefix(prefix, country) or prefix,
    )


async def outcome_meant(connection: AsyncConnection, word: str | None) -> str | None:
    """What to write instead of a word that no call ends as; None for a word that calls do end as.

    They end as one of Ringflow's outcomes, or by a slot's exit. Flows can name exits themselves, so records
    are asked for one before a word is refused.
    """
    if word is None or word in set(Outcome):
        return None
    exits = {name for one in slot_types().values() for name in one.fixed_exits} - {DONE}
    if word in exits or await is_outcome_of_a_call(connection, word):
        return None
    known = {*map(str, Outcome), *exits}
    return did_you_mean(word, known, f"known are {known_words(known)}")
