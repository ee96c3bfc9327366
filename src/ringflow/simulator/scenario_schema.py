"""The JSON Schema of scenario files, made from the models that read them: for editors and programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ringflow.flows.schema import DIALECT, Schema, flow_schema
from ringflow.flows.slot import Slot
from ringflow.simulator.scenario import STEP_MODIFIERS, Scenario

WITH_NULL = ("Expected", "LegExpected")
"""Where null says that there must be nothing; elsewhere a key that is written has a value."""


def scenario_schema(types: Mapping[str, type[Slot]]) -> Schema:
    """The schema (draft 2020-12) of a scenario file: a list of scenarios, or flows and scenarios."""
    raw = Scenario.model_json_schema(by_alias=True)
    definitions = {name: _tidy(one, with_null=name in WITH_NULL) for name, one in raw.pop("$defs").items()}
    flows = flow_schema(types)
    slots = flows["properties"]["slots"]
    # As in a flow file, or its list of slots alone; the app is named by the scenario file.
    flow = {"anyOf": [slots, {"type": "object", "properties": flows["properties"]}]}
    scenario = _tidy(raw)
    scenario["properties"]["flow"] = {"$ref": "#/$defs/flow"}
    # With several calls, each of them says what it expects.
    scenario["required"] = ["name"]
    scenario["anyOf"] = [{"required": ["expect"]}, {"required": ["calls"]}]
    # Who is called need not come to an app.
    one_of_several = definitions["ScenarioCall"]
    one_of_several["required"].remove("expect")
    one_of_several["anyOf"] = [{"required": ["expect"]}, {"required": ["called"]}]
    definitions["Step"]["oneOf"] = [{"required": [verb]} for verb in STEP_MODIFIERS]
    scenarios = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/scenario"}}
    file = {
        "type": "object",
        "additionalProperties": False,
        "required": ["scenarios"],
        "properties": {
            "flow": {"$ref": "#/$defs/flow"},
            "flows": {"type": "object", "additionalProperties": {"$ref": "#/$defs/flow"}},
            "scenarios": scenarios,
        },
    }
    return {
        "$schema": DIALECT,
        "title": "Ringflow scenarios",
        "anyOf": [scenarios, file],
        "$defs": {**flows["$defs"], **definitions, "scenario": scenario, "flow": flow},
    }


def scenario_schema_text(types: Mapping[str, type[Slot]]) -> str:
    """`scenario_schema` as a file."""
    return json.dumps(scenario_schema(types), indent=2, ensure_ascii=False) + "\n"


def _tidy(schema: Any, with_null: bool = False) -> Any:
    """Without pydantic's names, defaults in its own units and, mostly, null."""
    if isinstance(schema, list):
        return [_tidy(one, with_null) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: _tidy(one, with_null) for name, one in value.items()}
        elif key not in ("title", "default"):
            found[key] = _tidy(value, with_null)
    options = [option for option in found.get("anyOf", ()) if with_null or option != {"type": "null"}]
    if len(options) == 1:
        del found["anyOf"]
        return options[0] | found
    return found
