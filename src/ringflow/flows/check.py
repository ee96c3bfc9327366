"""Static checks of all flows together; what they find is what no caller has to find."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ringflow.calls.dial_attempt import is_allowed_host
from ringflow.calls.language import variant_of
from ringflow.documents import Location
from ringflow.errors import Problem, ProblemCode
from ringflow.flows.app_languages import (
    language_problems,
    listed_languages,
    own_language,
    spoken_languages,
)
from ringflow.flows.draft import Draft
from ringflow.flows.graph import Graph, Node, entry_nodes
from ringflow.flows.load import RESERVED_IDS
from ringflow.flows.overridden import override_problems
from ringflow.flows.registry import slot_types
from ringflow.flows.request_check import request_problems
from ringflow.flows.script_exits import script_problems
from ringflow.flows.slot import APP_PREFIX, ID_PATTERN, NOT_SAID, RETURN_PREFIX, Slot
from ringflow.flows.spoken import CALL_WORDS, call_words, words_lacking
from ringflow.flows.surroundings import Prompts, PromptsSeen, Surroundings, VoicesSeen
from ringflow.flows.unset import unset_problems
from ringflow.speaking import LIBRARY_PREFIX
from ringflow.wording import did_you_mean, known_words, nearest, quoted

_WITHOUT_WAYS = frozenset({"headers", "min", "regex", "caller_id"})
"""Fields of which problems change nothing in where a slot leads."""


def check_flows(drafts: Sequence[Draft], surroundings: Surroundings) -> list[Problem]:
    """Every problem of the flows, each by itself and all together, sorted by place."""
    if surroundings.prompts is not None:
        surroundings = replace(
            surroundings,
            prompts=PromptsSeen(surroundings.prompts),
            voices=VoicesSeen(surroundings.voices),
        )
    by_app: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.app is not None:
            by_app[draft.app].append(draft)
    problems = {problem for draft in drafts for problem in draft.problems}
    problems.update(_name_clashes(by_app))
    apps = frozenset(by_app)
    for draft in drafts:
        if surroundings.prompts is not None:
            problems.update(language_problems(draft, surroundings.prompts, surroundings.language))
        problems.update(_app_problems(draft, apps, surroundings))
    after_hangup = [draft.on_hangup for draft in drafts if draft.on_hangup is not None]
    for draft in after_hangup:
        problems.update(_caller_problems(draft))
    for draft in (*drafts, *after_hangup):
        for index, slot in enumerate(draft.slots):
            if slot is not None:
                problems.update(_slot_problems(draft, index, slot, apps, surroundings))
        for index, slot in draft.remains.items():
            problems.update(_slot_problems(draft, index, slot, apps, surroundings, is_whole=False))
    if not surroundings.other_apps:
        problems.update(override_problems(drafts))
    graphed = {app: same[0] for app, same in by_app.items()}
    graphed |= {
        last.app: last for one in by_app.values() if (last := one[0].on_hangup) is not None and last.app
    }
    problems.update(_graph_problems(graphed, surroundings))
    return sorted(problems)


def _name_clashes(by_app: Mapping[str, Sequence[Draft]]) -> Iterator[Problem]:
    for app, same in by_app.items():
        for draft in same if len(same) > 1 else ():
            others = ", ".join(sorted(other.path for other in same if other is not draft))
            yield draft.document.problem(
                (*draft.location, "app"),
                f"the app `{app}` is also in {others}",
                "rename one of them",
                code=ProblemCode.APP_TAKEN,
            )


def _app_problems(draft: Draft, apps: frozenset[str], surroundings: Surroundings) -> Iterator[Problem]:
    """What is wrong with what the file says of the app as a whole, beside its slots."""
    settings = draft.settings
    if settings is None:
        return
    given = surroundings.always_set | surroundings.sometimes_set
    for name in sorted(settings.variables.keys() & given):
        what = f"`{name}` cannot be set: it is given to every call"
        yield draft.document.key_problem(
            (*draft.location, "variables", name),
            what,
            "choose another name",
            code=ProblemCode.VARIABLE_RESERVED,
        )
    if settings.on_error is not None:
        place = (*draft.location, "on_error")
        yield from _target_problems(draft, place, settings.on_error, apps, surroundings)


def _caller_problems(draft: Draft) -> Iterator[Problem]:
    """Slots of `on_hangup` that need somebody on the line, and exits that lead out of it."""
    for index in range(len(draft.slots)):
        slot = draft.usable(index)
        if slot is None:
            continue
        if slot.needs_caller:
            what = f"`{slot.slot}` needs a caller, and on_hangup runs after the caller is gone"
            can = known_words(name for name, kind in slot_types().items() if not kind.needs_caller)
            mend = f"slots that can stand here: {can}" if can else ""
            yield draft.document.problem(draft.at(index, "slot"), what, mend, code=ProblemCode.CALLER_NEEDED)
        for exit_name, target in slot.targets.items():
            if target.startswith((APP_PREFIX, RETURN_PREFIX)):
                place = draft.at(index, *slot.written_at(exit_name))
                what = f"`{target}` leads out of on_hangup, and the call is over"
                yield draft.document.problem(
                    place,
                    what,
                    "lead it to a slot of on_hangup, next or hangup",
                    code=ProblemCode.CALLER_NEEDED,
                )


def _slot_problems(
    draft: Draft,
    index: int,
    slot: Slot,
    apps: frozenset[str],
    surroundings: Surroundings,
    *,
    is_whole: bool = True,
) -> Iterator[Problem]:
    document = draft.document
    for found in slot.problems():
        # What is missing in the remains of a slot may be what is wrong in it.
        if is_whole or found.field in slot.model_fields_set - {"slot"}:
            place = (*draft.field_at(index, found.field), *found.within)
            yield document.problem(place, found.what, found.mend, code=ProblemCode.CONTRADICTION)
    yield from _exit_problems(draft, index, slot, apps, surroundings, is_whole=is_whole)
    for app in () if surroundings.other_apps else sorted(slot.named_apps() - apps):
        places = (draft.find(index, None, text) for text in (app, f"{APP_PREFIX}{app}"))
        place = next((place for place in places if place != draft.at(index)), draft.at(index))
        yield document.problem(
            place, f"there is no app {quoted(app)}", _app_mend(app, apps), code=ProblemCode.APP_UNKNOWN
        )
    if surroundings.uri_hosts is not None:
        for field, host in slot.hosts():
            if not is_allowed_host(host, surroundings.uri_hosts):
                what = f"the host {quoted(host)} may not be dialled"
                yield document.problem(
                    draft.at(index, field),
                    what,
                    "list it in config.yaml: uri_hosts",
                    code=ProblemCode.HOST_FORBIDDEN,
                )
    if surroundings.calendars is not None:
        for within, calendar, file in slot.holiday_calendars():
            what, mend = surroundings.calendars.trouble(calendar, file)
            if what:
                yield document.problem(
                    draft.at(index, *within), what, mend, code=ProblemCode.CALENDAR_UNUSABLE
                )
    if surroundings.lists is not None:
        for field, name in slot.lists():
            if name not in surroundings.lists:
                mend = did_you_mean(
                    name, surroundings.lists, f"ringflow value-list add {name} --kind numbers"
                )
                place = draft.find(index, field, name)
                yield document.problem(
                    place, f"there is no list {quoted(name)}", mend, code=ProblemCode.LIST_UNKNOWN
                )
    if surroundings.scripts is not None:
        yield from script_problems(draft, index, slot, surroundings.scripts, is_whole=is_whole)
    yield from request_problems(draft, index, slot, surroundings)
    yield from _spoken_problems(draft, index, slot, surroundings)
    if surroundings.prompts is not None:
        yield from _prompt_problems(draft, index, slot, surroundings.prompts, surroundings.language)
    given = surroundings.always_set | surroundings.sometimes_set
    for name in sorted(slot.names_set() & given):
        what = f"`{name}` cannot be set: it is given to every call"
        yield document.problem(
            draft.find(index, None, name), what, "choose another name", code=ProblemCode.VARIABLE_RESERVED
        )


def _prompt_problems(
    draft: Draft, index: int, slot: Slot, prompts: Prompts, configured: str
) -> Iterator[Problem]:
    unspoken: dict[str, dict[str, str]] = defaultdict(dict)
    own = own_language(draft, configured)
    for field, prompt in slot.prompts():
        if prompt.startswith(CALL_WORDS):
            # Those of `languages` are reported there.
            for language in () if listed_languages(draft) else spoken_languages(draft, configured):
                words = call_words([prompt], language)
                unspoken[language] |= {one: field for one in words if not prompts.exists(one)}
            continue
        if prompts.exists(prompt):
            continue
        if prompt.startswith(LIBRARY_PREFIX):
            unspoken[prompt.removeprefix(LIBRARY_PREFIX).partition("/")[0]][prompt] = field
            continue
        if prompts.exists(variant_of(prompt, own)):
            # Whoever is spoken to in a language that lacks it hears that.
            continue
        near = next(iter(prompts.suggest(prompt)), None)
        mend = f"did you mean `{near}`?" if near else f"ringflow sounds import FILE --as {prompt}"
        place = draft.find(index, field, prompt)
        yield draft.document.problem(
            place, f"there is no prompt `{prompt}`", mend, code=ProblemCode.PROMPT_UNKNOWN
        )
    for language, fields in unspoken.items():
        if not fields:
            continue
        place = draft.find(index, next(iter(fields.values())), language)
        yield draft.document.problem(
            place, *words_lacking(len(fields), language), code=ProblemCode.WORDS_LACKING
        )


def _spoken_problems(draft: Draft, index: int, slot: Slot, surroundings: Surroundings) -> Iterator[Problem]:
    said = tuple(slot.spoken())
    # All slots of the flow are asked for it, so not for a slot that says nothing.
    secrets = _secrets(draft) if said else frozenset()
    for spoken in said:
        place = draft.find(index, spoken.field, spoken.texts[0].text)
        named = {one.name.partition(".")[0] for text in spoken.texts for one in text.references}
        for name in sorted(named & secrets):
            what = f"`{name}` is secret, and would not be said: the record has what is said"
            yield draft.document.problem(
                place, what, "say something else, or set it without `secret`", code=ProblemCode.SECRET_SAID
            )
        # Where prompts are not looked for, a voice is not either.
        if spoken.voice is not None and surroundings.prompts is not None:
            language = spoken.voice.language or own_language(draft, surroundings.language)
            lacking = surroundings.voices.lacks(replace(spoken.voice, language=language))
            if lacking is not None:
                at = draft.at(index, "backend") if spoken.voice.backend is not None else place
                yield draft.document.problem(at, *lacking, code=ProblemCode.VOICE_LACKING)


def _secrets(draft: Draft) -> frozenset[str]:
    """The variables that are secret wherever a slot of the flow sets them."""
    slots = [slot for slot in draft.slots if slot is not None]
    secret = {name for slot in slots for name in slot.secrets()}
    return frozenset(secret - {name for slot in slots for name in slot.names_set() - slot.secrets()})


def _exit_problems(
    draft: Draft,
    index: int,
    slot: Slot,
    apps: frozenset[str],
    surroundings: Surroundings,
    *,
    is_whole: bool,
) -> Iterator[Problem]:
    document = draft.document
    misplaced = [name for name in slot.on if _is_misplaced(slot, name)]
    for exit_name in misplaced:
        assert slot.own_exits is not None, "only exits of a type's own have another place"
        what = f"{quoted(exit_name)} is led somewhere under `{slot.own_exits.field}`, not under `on`"
        mend = f"move it to `{slot.own_exits.field}`"
        yield document.key_problem(
            draft.at(index, "on", exit_name), what, mend, code=ProblemCode.EXIT_UNKNOWN
        )
    for exit_name, target in slot.targets.items():
        place = draft.at(index, *slot.written_at(exit_name))
        if target == NOT_SAID or (exit_name in misplaced and slot.written_at(exit_name)[0] == "on"):
            continue
        if not slot.may_end_by(exit_name):
            known = tuple(dict.fromkeys((*slot.exits, *slot.fixed_exits)))
            mend = f"{did_you_mean(exit_name, known)} exits of {slot.slot}: {', '.join(known)}".strip()
            yield document.key_problem(
                place, f"{slot.slot} has no exit {quoted(exit_name)}", mend, code=ProblemCode.EXIT_UNKNOWN
            )
        elif slot.ends_call:
            yield document.key_problem(
                place,
                f"nothing follows {slot.slot}: it ends the call",
                "remove `on`",
                code=ProblemCode.EXIT_UNKNOWN,
            )
        elif is_whole and exit_name not in slot.exits:
            # In the remains of a slot the field may be missing that names the exit.
            what = f"with these fields, {slot.slot} does not end by `{exit_name}`"
            mend = f"its exits: {', '.join(slot.exits)}" if slot.own_exits is not None else "remove it"
            yield document.key_problem(place, what, mend, code=ProblemCode.EXIT_UNKNOWN)
        yield from _target_problems(draft, place, target, apps, surroundings)


def _target_problems(
    draft: Draft, place: Location, target: str, apps: frozenset[str], surroundings: Surroundings
) -> Iterator[Problem]:
    """A target that is not there."""
    if target.startswith(APP_PREFIX):
        app = target.removeprefix(APP_PREFIX)
        if app not in apps and not surroundings.other_apps:
            yield draft.document.problem(
                place, f"there is no app `{app}`", _app_mend(app, apps), code=ProblemCode.APP_UNKNOWN
            )
    elif not _leads_somewhere(draft, target) and not _may_be_misspelt(draft, target):
        what = f"no slot here has the id `{target}`"
        yield draft.document.problem(
            place, what, _id_mend(draft, target, apps), code=ProblemCode.TARGET_UNKNOWN
        )


def _is_misplaced(slot: Slot, exit_name: str) -> bool:
    """Whether an exit in `on` is one that a field of the slot itself leads somewhere."""
    own = slot.own_exits
    return (
        own is not None
        and own.field != "on"
        and exit_name not in slot.fixed_exits
        and slot.may_end_by(exit_name)
    )


def _leads_somewhere(draft: Draft, target: str) -> bool:
    """Whether a target that is not an app is there."""
    return target in RESERVED_IDS or target.startswith(RETURN_PREFIX) or target in draft.ids


def _may_be_misspelt(draft: Draft, target: str) -> bool:
    """Whether an id that cannot be one is most likely the target's: then that is what has to be changed."""
    wrong = [one for one in draft.ids if one is not None and not re.fullmatch(ID_PATTERN, one)]
    return nearest(target, wrong) is not None


def _app_mend(app: str, apps: Iterable[str]) -> str:
    return did_you_mean(app, apps, f"apps: {known_words(apps)}")


def _id_mend(draft: Draft, target: str, apps: frozenset[str]) -> str:
    if target in apps:
        return f"for the app, write {APP_PREFIX}{target}"
    ids = [slot_id for slot_id in draft.ids if slot_id is not None]
    otherwise = f"ids here: {known_words(ids)}" if ids else "give a slot an `id:`"
    return did_you_mean(target, [*ids, *RESERVED_IDS], otherwise)


def _graph_problems(drafts: Mapping[str, Draft], surroundings: Surroundings) -> Iterator[Problem]:
    graph = Graph(drafts)
    complete = {app for app, draft in drafts.items() if draft.is_complete and _leads_as_written(draft)}
    mentioned = {
        text.removeprefix(APP_PREFIX)
        for app, draft in drafts.items()
        if app not in complete
        for text in draft.texts()
    } & set(drafts)
    within = {app: graph.reached_within(app) for app in complete}
    yield from _unreached(graph, within)
    for loop in graph.endless_loops():
        # Where something is missing a way out may be what is missing.
        if not _is_limited(drafts, loop) and all(
            app in complete and (app, index) in within[app] for app, index in loop
        ):
            yield _loop_problem(graph, loop)
    yield from _return_problems(graph)
    starts = entry_nodes(graph, surroundings.entries, mentioned)
    yield from unset_problems(graph, starts, surroundings)


def _leads_as_written(draft: Draft) -> bool:
    """Whether every slot leads where it says; if not, what cannot be reached is not certain.

    An exit or a target that does not exist, two slots of one id, or fields that contradict each other may
    stand where the way was to go.
    """
    slots = [slot for slot in draft.slots if slot is not None]
    ids = [slot_id for slot_id in draft.ids if slot_id is not None]
    return len(ids) == len(set(ids)) and not any(
        any(found.field not in _WITHOUT_WAYS for found in slot.problems())
        or any(not _is_way(draft, slot, exit_name, target) for exit_name, target in slot.targets.items())
        for slot in slots
    )


def _is_way(draft: Draft, slot: Slot, exit_name: str, target: str) -> bool:
    is_target = _leads_somewhere(draft, target) or target.startswith(APP_PREFIX)
    return is_target and (exit_name in slot.exits if slot.own_exits else slot.may_end_by(exit_name))


def _unreached(graph: Graph, within: Mapping[str, set[Node]]) -> Iterator[Problem]:
    for app, reached in within.items():
        draft = graph.drafts[app]
        for index in range(len(draft.slots)):
            if (app, index) not in reached:
                what = f"{draft.label(index)} cannot be reached"
                yield draft.document.problem(
                    draft.at(index),
                    what,
                    "lead an exit to it, or remove it",
                    code=ProblemCode.SLOT_UNREACHABLE,
                )


def _return_problems(graph: Graph) -> Iterator[Problem]:
    """Exits in `on:` of slots that call an app which never returns by them."""
    for (app, index), called in graph.calls.items():
        draft, returns = graph.drafts[app], graph.returns(called.app)
        slot = draft.slots[index]
        if slot is None or returns is None:
            continue
        for exit_name in slot.on.keys() - returns:
            what = f"the app `{called.app}` does not return by {quoted(exit_name)}"
            mend = (
                did_you_mean(exit_name, returns)
                + f" it returns by: {', '.join(sorted(returns)) or 'nothing'}"
            )
            yield draft.document.key_problem(
                draft.at(index, "on", exit_name), what, mend.strip(), code=ProblemCode.EXIT_UNKNOWN
            )


def _is_limited(drafts: Mapping[str, Draft], loop: tuple[Node, ...]) -> bool:
    """Whether an app's limits end a loop of slots."""
    found = (drafts[app].settings for app, _ in loop)
    return any(
        settings is None or settings.limits.visits is not None or settings.limits.longest_call is not None
        for settings in found
    )


def _loop_problem(graph: Graph, loop: tuple[Node, ...]) -> Problem:
    app, index = loop[0]
    draft = graph.drafts[app]
    names = " -> ".join(graph.label(node, app) for node in (*loop, loop[0]))
    what = f"this loop can never end: {names}"
    return draft.document.problem(
        draft.at(index), what, "lead one of its exits out of it", code=ProblemCode.LOOP_ENDLESS
    )
