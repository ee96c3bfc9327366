"""What regular expressions of files ask for is said in words, for every one of them."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from ringflow import config
from ringflow.errors import DocumentError
from ringflow.flows import load
from ringflow.flows.header import FlowHeader
from ringflow.flows.registry import slot_types
from ringflow.simulator import scenario, scenario_fields
from ringflow.simulator.scenario_files import read_scenarios


def patterns(model: type[BaseModel]) -> set[str]:
    text = json.dumps(model.model_json_schema())
    return {json.loads(f'"{found}"') for found in re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', text)}


@pytest.mark.parametrize("model", [FlowHeader, *slot_types().values()], ids=lambda model: model.__name__)
def test_every_pattern_of_a_flow_has_its_words(model: type[BaseModel]) -> None:
    assert patterns(model) - set(load.PATTERN_MENDS) == set()


def test_every_pattern_of_the_configuration_and_of_scenarios_has_its_words() -> None:
    assert len(patterns(config.Config)) >= 4
    assert patterns(config.Config) - set(config.PATTERN_MENDS) == set()
    # The schema has none of a field that takes numbers for text, so the module is asked instead.
    named = {value for name, value in vars(scenario_fields).items() if name.endswith("_PATTERN")}
    assert named - set(scenario_fields.PATTERN_MENDS) == set()
    assert 'pattern=r"' not in inspect.getsource(scenario) + inspect.getsource(scenario_fields)


def test_a_short_pin_reads_how_long_a_pin_is(tmp_path: Path) -> None:
    path = tmp_path / "a.test.yaml"
    path.write_text("- {name: a, given: {cards: [{id: '100000000008', pin: '12'}]}, expect: {}}\n")
    with pytest.raises(DocumentError) as raised:
        read_scenarios(path)
    assert str(raised.value.problems[0]).endswith("`pin` cannot be `12` (a PIN has 4 to 12 digits)")
