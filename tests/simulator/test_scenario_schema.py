"""The JSON Schema of scenario files: it takes every file of ours, and refuses what Ringflow refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from ringflow.documents import read_document
from ringflow.flows.registry import slot_types
from ringflow.simulator.scenario_schema import scenario_schema

ROOT = Path(__file__).parents[2]
FILES = [
    *ROOT.glob("tests/slots/*.yaml"),
    *ROOT.glob("tests/lab/*.yaml"),
    *ROOT.glob("app_flows/*.test.yaml"),
]
WRONG = [
    "[{name: a}]",
    "[{name: a, expect: {outcom: done}}]",
    "[{name: a, expect: {}, caller: [{hears: a, keys: '1'}]}]",
    "[{name: a, expect: {}, callee: {answers_after: 3}}]",
    "[{name: a, calls: []}]",
    "{flow: [{slot: audio}], scenarios: [{name: a, expect: {}}]}",
]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = scenario_schema(slot_types())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_scenario_file_of_ours_fits(validator: Draft202012Validator, path: Path) -> None:
    found = [error.message for error in validator.iter_errors(read_document(path).value)]
    assert found == []


@pytest.mark.parametrize("text", WRONG)
def test_what_ringflow_refuses_does_not_fit(validator: Draft202012Validator, text: str) -> None:
    assert not validator.is_valid(yaml.safe_load(text))
