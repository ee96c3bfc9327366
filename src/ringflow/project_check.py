"""Everything that is wrong in the configuration, the flows and the scenarios, at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ringflow.accounts.declarations import check_declarations
from ringflow.accounts.value_lists import value_list
from ringflow.calendars.known_calendars import KnownCalendars, known_calendars
from ringflow.calls.language import wrong_language
from ringflow.config import DEFAULT_PATH, PATTERN_MENDS, Config, read_settings
from ringflow.documents import Document, Location
from ringflow.errors import ConfigError, DocumentError, Problem, StartError
from ringflow.flows.check import check_flows
from ringflow.flows.draft import Draft
from ringflow.flows.folder import FlowFolder, shown_path
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import Slot
from ringflow.flows.surroundings import configured_surroundings
from ringflow.scripts.known_scripts import KnownScripts
from ringflow.scripts.service import script_folder
from ringflow.simulator.scenario_files import SUFFIX, find_scenario_files, read_scenario_files
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.voices import speech_problems
from ringflow.store.address import read_address
from ringflow.store.reading_once import read_once
from ringflow.validation import check_model, wrong_locations
from ringflow.wording import did_you_mean, known_words, quoted

_SETTINGS = frozenset(Config.model_fields)
_DECLARED_FROM = frozenset({"country", "customers"})
"""Settings without which it is not known what is wrong with the declarations."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was checked, and all that is wrong with it, sorted."""

    problems: tuple[Problem, ...]
    flows: int
    slots: int
    scenarios: int


def check_project(path: Path | None = None) -> Findings:
    """Check the configuration that the environment names, and its flows and scenarios. Nothing is run.

    `path`: another folder of flows, or one file; then the configuration is not reported on, and of a file
    only what stands in it is. It blocks, so call it in a thread.
    """
    config, unusable, problems = _read_config(needed=path is None)
    if path is None and not unusable & _DECLARED_FROM:
        problems += asyncio.run(check_declarations(config))
    only = path if path is not None and not path.is_dir() else None
    folder = (path.parent if only else path) if path is not None else config.path(config.flows)
    library = PromptLibrary(config.path(config.sounds.folder))
    drafts, found = _read_flows(folder)
    surroundings = configured_surroundings(config, library)
    if "uri_hosts" in unusable:
        surroundings = replace(surroundings, uri_hosts=None)
    if "http_requests" in unusable:
        surroundings = replace(surroundings, asked_hosts=None, request_secrets=None)
    surroundings = replace(
        surroundings,
        calendars=_calendars(config, drafts, unusable),
        lists=_lists(config, drafts, unusable),
        scripts=None if "scripts" in unusable else KnownScripts(script_folder(config)),
    )
    found += check_flows(drafts, surroundings)
    cases, scenario_problems = read_scenario_files(_scenario_files(folder, only))
    found += scenario_problems
    if only is not None:
        name = shown_path(only)
        found = [problem for problem in found if problem.path == name]
        drafts = [draft for draft in drafts if draft.path == name]
        if not only.is_file():
            found.append(Problem(name, 0, 0, "is not there"))
        elif not (drafts or found or only.name.endswith(SUFFIX)):
            found.append(Problem(name, 0, 0, "is not checked", f"flows end in .yaml, scenarios in {SUFFIX}"))
    if path is None:
        problems += _references(config, drafts, library)
    slots = sum(len(draft.slots) for draft in drafts)
    return Findings(tuple(sorted({*problems, *found})), len(drafts), slots, len(cases))


def _read_config(needed: bool) -> tuple[Config, frozenset[str], list[Problem]]:
    """The configuration less the settings that cannot be used, their names, and what is wrong with it."""
    try:
        document = read_settings(None, os.environ, needed=needed)
    except ConfigError as error:
        unread = Path(os.environ.get("RINGFLOW_CONFIG") or DEFAULT_PATH)
        config = Config().read_from(Document(str(unread), None, {}))
        return config, _SETTINGS, list(error.problems)
    written = document.value if isinstance(document.value, dict) else {}
    _, problems = check_model(Config, document, written, (), PATTERN_MENDS)
    unusable = frozenset(str(step) for step, *_ in wrong_locations(Config, document, written))
    usable = {key: value for key, value in written.items() if key not in unusable}
    config = Config.model_validate(usable).read_from(document)
    return config, unusable, [*document.problems, *problems]


def _read_flows(folder: Path) -> tuple[list[Draft], list[Problem]]:
    try:
        drafts, problems = FlowFolder(folder, slot_types()).drafts()
    except DocumentError as error:
        return [], list(error.problems)
    return list(drafts.values()), problems


def _slots(drafts: Sequence[Draft]) -> Iterator[Slot]:
    """Every slot of which it is known what it would do."""
    return (slot for draft in drafts for index in range(len(draft.slots)) if (slot := draft.usable(index)))


def _lists(config: Config, drafts: Sequence[Draft], unusable: frozenset[str]) -> frozenset[str] | None:
    """The value lists that there are; None where flows name none, and where the database does not say."""
    if "database" in unusable or not any(True for slot in _slots(drafts) for _ in slot.lists()):
        return None
    return asyncio.run(read_once(config.database_url, value_list.names))


def _calendars(config: Config, drafts: Sequence[Draft], unusable: frozenset[str]) -> KnownCalendars | None:
    """What is known of the calendars that the flows name; None where they name none."""
    named = [source for slot in _slots(drafts) for source in slot.holiday_calendars()]
    if not named:
        return None
    files = {file for _, _, file in named if file is not None}
    in_database = "database" not in unusable and any(calendar is not None for _, calendar, _ in named)
    return asyncio.run(known_calendars(config, sorted(files), in_database=in_database))


def _scenario_files(folder: Path, only: Path | None) -> list[Path]:
    if only is not None:
        return [only] if only.name.endswith(SUFFIX) and only.is_file() else []
    return find_scenario_files([folder]) if folder.is_dir() else []


def _references(config: Config, drafts: Sequence[Draft], library: PromptLibrary) -> Iterator[Problem]:
    """What the configuration names and is not there: apps of DIDs, prompts, a kind of database."""
    try:
        read_address(config.database_url)
    except StartError as error:
        yield config.problem(("database", "url"), str(error))
    wrong = wrong_language(config)
    if wrong is not None:
        yield wrong
    yield from speech_problems(config)
    if not library.folder.is_dir():
        what, mend = f"`folder`: {quoted(config.sounds.folder)} is not there", "it is where the prompts are"
        yield config.problem(("sounds", "folder"), what, mend)
    apps = {draft.app for draft in drafts if draft.app is not None}
    for index, did in enumerate(config.dids):
        if did.app not in apps:
            mend = did_you_mean(did.app, apps, f"apps: {known_words(apps)}" if apps else "")
            yield config.problem(("dids", index, "app"), f"there is no app {quoted(did.app)}", mend)
    prompts: dict[Location, str] = {
        ("apology",): config.apology,
        ("charging", "warning"): config.charging.warning,
    }
    for location, prompt in prompts.items():
        if not library.exists(prompt):
            near = next(iter(library.suggest(prompt)), None)
            mend = f"did you mean `{near}`?" if near else f"ringflow sounds import FILE --as {prompt}"
            yield config.problem(location, f"`{location[-1]}`: there is no prompt {quoted(prompt)}", mend)
