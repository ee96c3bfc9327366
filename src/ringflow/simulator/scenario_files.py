"""Scenario files: found, read, and checked with the place of every problem.

A file is a list of scenarios, or a mapping `{flow, flows, scenarios}` that brings its own flows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ringflow.calls.outcome import Outcome
from ringflow.documents import Document, Location, Value, decode_document, read_document
from ringflow.errors import DocumentError, Problem, Unknown
from ringflow.flows.check import check_flows
from ringflow.flows.draft import Draft
from ringflow.flows.flow import Flow
from ringflow.flows.folder import shown_path
from ringflow.flows.load import draft_from_value
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import RETURN_PREFIX, Slot
from ringflow.flows.surroundings import Surroundings
from ringflow.simulator.scenario import Scenario
from ringflow.simulator.scenario_fields import PATTERN_MENDS
from ringflow.validation import check_model
from ringflow.wording import did_you_mean, known_words, nearest, quoted

SUFFIX = ".test.yaml"
_FILE_KEYS = ("flow", "flows", "scenarios")
_ALONE = Surroundings(other_apps=True)
"""Flows in a scenario file are checked without the folders of flows and prompts that it is played with."""


@dataclass(frozen=True, slots=True)
class ScenarioCase:
    """A scenario with its place and the flows that its file brings. `app`: where its DID leads by default."""

    scenario: Scenario
    path: Path
    line: int
    app: str
    flows: Mapping[str, Flow] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How it is named in lists."""
        return f"{self.path}::{self.scenario.name}"


def find_scenario_files(paths: Iterable[Path]) -> list[Path]:
    """Files as named, and every `*.test.yaml` under folders. Raises `Refused` for a path that is not."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.rglob(f"*{SUFFIX}"))
        elif path.is_file():
            found.append(path)
        else:
            raise Unknown(
                "file.missing",
                f"{path} is not there; name a scenario file or a folder with *{SUFFIX} files",
                path=str(path),
            )
    return list(dict.fromkeys(found))


def read_scenarios(path: Path, types: Mapping[str, type[Slot]] | None = None) -> list[ScenarioCase]:
    """Every scenario of a file. Raises `DocumentError` with every problem.

    Without `types`, the file's flows have the slot types of `ringflow.slots`.
    """
    document = read_document(path)
    reader = _Reader(document, path, slot_types() if types is None else types)
    cases = reader.read()
    if reader.problems or document.problems:
        raise DocumentError([*document.problems, *reader.problems])
    return cases


def decode_scenarios(raw: bytes, path: Path) -> list[ScenarioCase]:
    """Every scenario of a text, as if it stood in the file at `path`. Raises `DocumentError`."""
    document = decode_document(raw, str(path))
    reader = _Reader(document, path, slot_types())
    cases = reader.read()
    if reader.problems or document.problems:
        raise DocumentError([*document.problems, *reader.problems])
    return cases


def read_scenario_files(paths: Iterable[Path]) -> tuple[list[ScenarioCase], list[Problem]]:
    """The scenarios of files, and what is wrong with those files that cannot be used."""
    cases: list[ScenarioCase] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            cases += read_scenarios(Path(shown_path(path)))
        except DocumentError as error:
            problems += error.problems
    return cases, problems


def app_of(path: Path) -> str:
    """The app that a file is about: `calling_card` for `calling_card.test.yaml`."""
    return path.name.removesuffix(SUFFIX).removesuffix(".yaml").removesuffix(".yml")


def _outcomes(types: Mapping[str, type[Slot]], drafts: Iterable[Draft]) -> frozenset[str]:
    """What calls can end as: Ringflow's own outcomes, the exits of slots, and those by which apps return."""
    fixed = {exit_name for slot_type in types.values() for exit_name in slot_type.fixed_exits}
    slots = [slot for draft in drafts for slot in draft.slots if slot is not None]
    named = {exit_name for slot in slots for exit_name in slot.exits}
    targets = {target for slot in slots for target in slot.targets.values()}
    returned = {one.removeprefix(RETURN_PREFIX) for one in targets if one.startswith(RETURN_PREFIX)}
    return frozenset({*Outcome, *fixed, *named, *returned})


def exits_to_take(cases: Iterable[ScenarioCase], slot_type: str, kind: type[Slot]) -> set[str]:
    """The exits that scenarios of a slot type must take: its fixed ones, and those that its slots name."""
    flows = [flow for case in cases for flow in case.flows.values()]
    slots = [slot for flow in flows for slot in flow.slots if slot.slot == slot_type]
    return {*kind.fixed_exits, *(exit_name for slot in slots for exit_name in slot.exits)}


def _is_self_contained(drafts: Sequence[Draft]) -> bool:
    """Whether there are flows, and they lead to no app but each other."""
    apps = {draft.app for draft in drafts}
    slots = [slot for draft in drafts for slot in draft.slots]
    return bool(drafts) and all(slot is not None and slot.apps() <= apps for slot in slots)


class _Reader:
    def __init__(self, document: Document, path: Path, types: Mapping[str, type[Slot]]) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._path = path
        self._types = types
        self._app = app_of(path)
        self._drafts: list[Draft] = []

    def read(self) -> list[ScenarioCase]:
        value = self._document.value
        if isinstance(value, dict):
            return self._read_mapping(value)
        return self._read_list(value, ())

    def _read_mapping(self, value: dict[str, Value]) -> list[ScenarioCase]:
        if "slots" in value:
            mend = f"its scenarios stand in {self._app}{SUFFIX}; `ringflow check` checks flows"
            self._refuse((), "this is a flow, not a file of scenarios", mend)
            return []
        unknown = [key for key in value if key not in _FILE_KEYS]
        if unknown and unknown[0] in Scenario.model_fields and "scenarios" not in value:
            mend = "write `- ` before its first line, and indent the rest"
            self.problems.append(
                self._document.key_problem((unknown[0],), "this scenario is no list entry", mend)
            )
            return []
        for key in unknown:
            mend = did_you_mean(key, _FILE_KEYS)
            mend = f"{mend} known here: {', '.join(_FILE_KEYS)}".strip()
            self.problems.append(self._document.key_problem((key,), f"unknown key {quoted(key)}", mend))
        if "flow" in value:
            self._app = self._read_flow(("flow",), self._app)
        others = value.get("flows") or {}
        if not isinstance(others, dict):
            self._refuse(("flows",), "`flows` must be a mapping", "write each flow under its app's name")
            others = {}
        for name in others:
            self._read_flow(("flows", name), name)
        self.problems += check_flows(self._drafts, _ALONE)
        if "scenarios" not in value and any(nearest(key, _FILE_KEYS) == "scenarios" for key in unknown):
            return []  # It is there, misspelt.
        if "scenarios" not in value:
            self._refuse((), "`scenarios` is missing", "add `scenarios:` with a list under it")
            return []
        return self._read_list(value["scenarios"], ("scenarios",))

    def _read_flow(self, location: Location, app: str) -> str:
        draft = draft_from_value(self._document, location, self._types, app)
        self._drafts.append(draft)
        return draft.app or app

    def _read_list(self, value: Value, location: Location) -> list[ScenarioCase]:
        if not isinstance(value, list) or not value:
            self._refuse(location, "there is no list of scenarios", "begin each with `- name: ...`")
            return []
        cases = []
        seen: dict[str, int] = {}
        for index in range(len(value)):
            case = self._read_scenario(value[index], (*location, index))
            if case is None:
                continue
            name = case.scenario.name
            if name in seen:
                mend = f"the first one stands on line {seen[name]}"
                self._refuse((*location, index, "name"), f"a second scenario is called `{name}`", mend)
            seen[name] = case.line
            cases.append(case)
        return cases

    def _read_scenario(self, value: Value, location: Location) -> ScenarioCase | None:
        scenario, problems = check_model(Scenario, self._document, value, location, PATTERN_MENDS)
        self.problems += problems
        app, drafts = self._app, self._drafts
        if isinstance(value, dict) and value.get("flow") is not None:
            own = draft_from_value(self._document, (*location, "flow"), self._types, self._app)
            app = own.app or app
            drafts = [*(draft for draft in drafts if draft.app != own.app), own]
            self.problems += check_flows(drafts, _ALONE)
        self._check_outcome((*location, "expect", "outcome"), drafts)
        calls = value.get("calls") if isinstance(value, dict) else None
        for index in range(len(calls) if isinstance(calls, list) else 0):
            self._check_outcome((*location, "calls", index, "expect", "outcome"), drafts)
        if scenario is None:
            return None
        flows = {draft.flow.app: draft.flow for draft in drafts if draft.flow is not None}
        return ScenarioCase(scenario, self._path, self._document.place(location)[0], app, flows)

    def _check_outcome(self, location: Location, drafts: Sequence[Draft]) -> None:
        outcome, known = self._document.at(location), _outcomes(self._types, drafts)
        if not isinstance(outcome, str) or outcome in known:
            return
        # A flow that is not in this file may name the exit itself; the call shows whether it does.
        if _is_self_contained(drafts) or not self._may_be_an_exit(outcome) or nearest(outcome, known):
            mend = did_you_mean(outcome, known, f"outcomes: {known_words(known)}")
            self._refuse(location, f"no call ends by {quoted(outcome)}", mend)

    def _may_be_an_exit(self, outcome: str) -> bool:
        return any(slot_type.may_end_by(outcome) for slot_type in self._types.values())

    def _refuse(self, location: Location, what: str, mend: str) -> None:
        self.problems.append(self._document.problem(location, what, mend))
