"""Reading flows from files, from inside other files, and from anything at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ringflow.documents import parse_document
from ringflow.errors import StartError
from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes, draft_from_value
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings

SHIPPED = Path(__file__).parents[2] / "app_flows"


def test_the_shipped_calling_card_loads_as_written() -> None:
    draft = draft_from_bytes((SHIPPED / "calling_card.yaml").read_bytes(), slot_types(), "calling_card.yaml")
    flow = draft.flow
    assert draft.problems == ()
    assert flow is not None
    assert (flow.app, flow.title) == ("calling_card", "Pinless calling card")
    assert [slot.slot for slot in flow.slots] == ["ivr", "destination", "hangup", "hangup"]
    assert flow.slots[0].fixed_exits == ("done", "no_input", "invalid", "transferred")


def test_a_broken_flow_is_none_and_every_problem() -> None:
    draft = draft_from_bytes(b"app: x\nslots:\n  - slot: audio\n  - slot: no\n", slot_types(), "x.yaml")
    assert draft.flow is None
    assert [(problem.path, problem.line) for problem in draft.problems] == [("x.yaml", 3), ("x.yaml", 4)]


INSIDE = """\
- name: one
  flow:
    slots:
      - slot: audio
        file: IVR/x
- name: two
  flow:
    - slot: audio
      fil: IVR/x
"""


def test_a_flow_inside_another_file_needs_no_app_name() -> None:
    document = parse_document(INSIDE, "s.test.yaml")
    draft = draft_from_value(document, (0, "flow"), slot_types(), "scenario")
    flow = draft.flow
    assert draft.problems == ()
    assert flow is not None
    assert (flow.app, flow.path, len(flow.slots)) == ("scenario", "s.test.yaml", 1)


def test_a_flow_inside_another_file_may_be_just_the_list_and_its_problems_stand_there() -> None:
    document = parse_document(INSIDE, "s.test.yaml")
    draft = draft_from_value(document, (1, "flow"), slot_types(), "scenario")
    assert draft.flow is None
    assert [str(problem) for problem in draft.problems] == [
        (
            "s.test.yaml:9:7: unknown key `fil` (did you mean `file`? known here: barge_in, file, id, on, "
            "order, repeat, result, slot, until)"
        ),
    ]


def test_slot_types_are_the_files_of_their_package() -> None:
    files = {path.stem for path in Path(sys.modules["ringflow.slots"].__path__[0]).glob("[!_]*.py")}
    assert set(slot_types()) == files >= {"audio", "destination", "hangup", "ivr"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "own_slots"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "own_slots"]:
        del sys.modules[name]
    slot_types.cache_clear()


SLOT = "from ringflow.flows.slot import Slot\nclass {}(Slot):\n    async def run(self, call): return 'done'\n"


def test_a_file_in_the_slots_package_is_a_type_by_being_there(package: Path) -> None:
    (package / "beep.py").write_text(SLOT.format("Beep"))
    types = slot_types("own_slots")
    assert list(types) == ["beep"]
    assert draft_from_bytes(b"app: x\nslots: [{slot: beep}]\n", types, "x.yaml").flow is not None


@pytest.mark.parametrize(
    ("text", "names"),
    [("X = 1\n", "none"), (SLOT.format("One") + SLOT.format("Two"), "One, Two")],
)
def test_a_file_without_exactly_one_slot_type_is_refused(package: Path, text: str, names: str) -> None:
    (package / "odd.py").write_text(text)
    with pytest.raises(StartError, match=rf"odd\.py must define exactly one slot type, it defines: {names}$"):
        slot_types("own_slots")


WORDS = [
    "app", "title", "slots", "slot", "id", "on", "done", "next", "hangup", "app:x", "x", "ivr", "audio",
    "destination", "external", "internal", "uri", "file", "IVR/x", "result", "min", "max", "regex", "headers",
    "${x}", "${x|1}", "${", "a b", "[0-9]+", "(", "transfer_on_failure", "no_input", "\x07", "é", "",
]  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(), inner, max_size=6)
    ),
    max_leaves=12,
)
SLOTS = st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=6).flatmap(
    lambda fields: st.sampled_from(["ivr", "audio", "destination", "hangup"]).map(
        lambda kind: {**fields, "slot": kind}
    )
)
FLOWS = st.fixed_dictionaries({"app": st.just("x"), "slots": st.lists(SLOTS | VALUES, max_size=4)})


def problems_of(text: str) -> list[str]:
    draft = draft_from_bytes(text.encode("utf-8", "replace"), slot_types(), "f.yaml")
    problems = check_flows([draft], Surroundings())
    assert (draft.flow is None) == bool(draft.problems)
    assert all(problem.path == "f.yaml" and problem.what for problem in problems)
    return [str(problem) for problem in problems]


@given(VALUES | FLOWS)
@settings(max_examples=300, deadline=None)
def test_any_value_in_a_flow_file_gives_problems_and_never_raises(value: Any) -> None:
    for problem in problems_of(yaml.safe_dump(value, allow_unicode=True)):
        assert problem.isprintable()


@given(st.text(alphabet="-[]{}:,#&*!|>'\"%@` \n\tapslotidn01$") | st.text())
@settings(max_examples=300, deadline=None)
def test_any_text_as_a_flow_file_gives_problems_and_never_raises(text: str) -> None:
    assert problems_of(text)


@given(st.binary())
def test_any_bytes_as_a_flow_file_give_problems_and_never_raise(raw: bytes) -> None:
    assert draft_from_bytes(raw, slot_types(), "f.yaml").problems
