"""Whether the scripts that slots run are there, and end the slots by exits that these have."""

from __future__ import annotations

from collections.abc import Iterator

from ringflow.errors import Problem, ProblemCode
from ringflow.flows.draft import Draft
from ringflow.flows.slot import NOT_SAID, Slot
from ringflow.flows.surroundings import ScriptsKnown
from ringflow.wording import did_you_mean, quoted


def script_problems(
    draft: Draft, index: int, slot: Slot, known: ScriptsKnown, *, is_whole: bool
) -> Iterator[Problem]:
    """What is wrong between a slot and the script that it runs."""
    for field, name in slot.scripts():
        if name == NOT_SAID:
            continue
        place = draft.find(index, field, name)
        what, mend = known.trouble(name)
        if what:
            yield draft.document.problem(place, what, mend, code=ProblemCode.SCRIPT_UNUSABLE)
            continue
        exits = known.exits(name)
        if exits is None or not is_whole:
            continue
        for exit_name in sorted(exits.named.keys() - set(slot.exits)):
            what = f"script {name} ends by {quoted(exit_name)} ({exits.named[exit_name]})"
            mend = did_you_mean(exit_name, slot.exits, f"lead `{exit_name}` somewhere under `on`")
            yield draft.document.problem(
                place, f"{what}, and the slot has no such exit", mend, code=ProblemCode.SCRIPT_UNUSABLE
            )
        for exit_name in slot.on:
            if exit_name in slot.fixed_exits or exits.is_open or exit_name in exits.named:
                continue
            mend = did_you_mean(exit_name, exits.named) or "remove it, or have the script set `data.exit`"
            yield draft.document.key_problem(
                draft.at(index, "on", exit_name),
                f"script {name} never ends by {quoted(exit_name)}",
                mend,
                code=ProblemCode.SCRIPT_UNUSABLE,
            )
