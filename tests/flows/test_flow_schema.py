"""The schema and the reference say what the slots say, and the shipped copies are fresh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from ringflow.documents import parse_document
from ringflow.errors import Refused
from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes, draft_from_value
from ringflow.flows.reference import examples, page_path, page_text, reference_text
from ringflow.flows.registry import slot_types
from ringflow.flows.schema import flow_schema, schema_text
from ringflow.flows.slot import Slot
from ringflow.flows.surroundings import Surroundings
from ringflow.sounds.library import PromptLibrary

PROJECT = Path(__file__).parents[2]
SHIPPED = [path for path in sorted((PROJECT / "app_flows").glob("*.yaml")) if ".test." not in path.name]
HEAD = "app: x\nslots:\n"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(flow_schema(slot_types()))


def read(text: str) -> Any:
    return parse_document(text, "f.yaml").value


def test_the_schema_is_one(validator: Draft202012Validator) -> None:
    Draft202012Validator.check_schema(validator.schema)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_flow_fits_the_schema_and_names_it_for_editors(
    path: Path, validator: Draft202012Validator
) -> None:
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=./flow.schema.json\n")
    validator.validate(read(text))


def test_the_shipped_schema_is_fresh() -> None:
    shipped = (PROJECT / "app_flows" / "flow.schema.json").read_text()
    assert shipped == schema_text(slot_types()), "run: ringflow schema --out app_flows/flow.schema.json"


def test_the_shipped_reference_is_fresh() -> None:
    shipped = (PROJECT / "docs" / "slots.md").read_text()
    assert shipped == reference_text(slot_types()), "run `ringflow schema`, as the page says"


REFUSED = {
    "no app": "slots:\n  - slot: hangup\n",
    "an unknown key of the flow": HEAD.replace("app: x", "app: x\ncolour: red") + "  - slot: hangup\n",
    "no slots": "app: x\nslots: []\n",
    "an unknown slot type": HEAD + "  - slot: dance\n",
    "a slot without a type": HEAD + "  - file: IVR/x\n",
    "an unknown field": HEAD + "  - {slot: hangup, cod: 480}\n",
    "a field of another slot type": HEAD + "  - {slot: audio, file: IVR/x, min: 1}\n",
    "a required field missing": HEAD + "  - slot: audio\n",
    "an exit of another slot type": HEAD + "  - {slot: audio, file: IVR/x, on: {busy: next}}\n",
    "a target that cannot be one": HEAD + "  - {slot: audio, file: IVR/x, on: {done: 'go there'}}\n",
    "something after a hang-up": HEAD + "  - {slot: hangup, on: {done: next}}\n",
    "a number out of range": HEAD + "  - {slot: hangup, code: 200}\n",
    "a prompt with an extension": HEAD + "  - {slot: audio, file: IVR/x.wav}\n",
    "a key without a value": HEAD + "  - {slot: hangup, file: }\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_schema_and_the_loader_refuse_the_same(name: str, validator: Draft202012Validator) -> None:
    assert not validator.is_valid(read(REFUSED[name]))
    draft = draft_from_bytes(REFUSED[name].encode(), slot_types(), "f.yaml")
    assert check_flows([draft], Surroundings())


TAKEN = {
    "a list of prompts": HEAD + "  - {slot: audio, file: [IVR/x, IVR/y]}\n",
    "a number where digits are meant": HEAD + "  - {slot: destination, external: 441234567890}\n",
    "every kind of target": HEAD
    + "  - {slot: destination, external: '1', on: {busy: hangup, failed: 'app:x', done: next}}\n",
}


@pytest.mark.parametrize("name", TAKEN)
def test_the_schema_takes_what_the_loader_takes(name: str, validator: Draft202012Validator) -> None:
    document = parse_document(TAKEN[name], "f.yaml")
    validator.validate(document.value)
    assert draft_from_value(document, (), slot_types(), "x").flow is not None


def test_every_field_is_explained(validator: Draft202012Validator) -> None:
    bare = [
        f"{slot}.{field}"
        for slot, schema in validator.schema["$defs"].items()
        for field, value in schema["properties"].items()
        if not value.get("description")
    ]
    assert bare == []


@pytest.mark.parametrize("name", slot_types())
def test_each_slot_type_has_a_page_whose_examples_pass_the_check(name: str) -> None:
    found = examples(page_text(slot_types()[name]))
    assert found, f"{page_path(slot_types()[name])} has no example: ```yaml ... ```"
    library = PromptLibrary(PROJECT / "sounds")
    documents = [parse_document(text, f"{name}.md, example {number}") for number, text in enumerate(found, 1)]
    drafts = [
        draft_from_value(document, (), slot_types(), f"example{number}")
        for number, document in enumerate(documents, 1)
    ]
    assert [str(problem) for problem in check_flows(drafts, Surroundings(prompts=library))] == []
    flows = [draft.flow for draft in drafts if draft.flow is not None]
    assert len(flows) == len(drafts)
    assert name in {slot.slot for flow in flows for slot in flow.slots}


def test_a_slot_type_without_a_page_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pageless_slot.py").write_text(
        "from ringflow.flows.slot import Slot\n"
        "class Odd(Slot):\n    async def run(self, call): return 'done'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import pageless_slot  # type: ignore[import-not-found]

    odd: type[Slot] = pageless_slot.Odd
    with pytest.raises(Refused, match=r"the slot type has no page: .*pageless_slot\.md: No such file"):
        reference_text({"odd": odd})
