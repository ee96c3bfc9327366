"""The JSON Schema of flow files, made from the slot classes: for editors, and programs that write flows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias

from ringflow.flows.field_docs import DocumentedSchema
from ringflow.flows.header import AppSettings, FlowHeader, SlotDefaults
from ringflow.flows.slot import TARGET_PATTERN, Slot, prompt_fields

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class FieldGroup(StrEnum):
    """What the fields of a slot belong to, for a form."""

    MAIN = "main"
    """What it cannot do without."""
    PROMPTS = "prompts"
    KEYS = "keys"
    """How keys are taken, and how often is asked; an app's `defaults` has these too."""
    MORE = "more"
    WAYS = "ways"
    """Its type and name, and where its exits lead."""


LAST_FIELDS = ("id", "on")
"""Fields that every slot has come after those that make it what it is."""

ABBREVIATIONS = {"id": "ID", "pin": "PIN", "ssml": "SSML", "uri": "URI"}
"""Words of field names that a title writes in capitals."""


def flow_schema(types: Mapping[str, type[Slot]]) -> Schema:
    """The schema (draft 2020-12) of a flow file; a slot's fields follow from its `slot:`."""
    header = FlowHeader.model_json_schema(schema_generator=DocumentedSchema)
    ordered = ("app", "title", *AppSettings.model_fields, "on_hangup", "slots")
    properties = {name: _tidy(header["properties"][name]) for name in ordered}
    properties["slots"] |= {"items": _one_of(sorted(types))}
    alone = sorted(name for name, kind in types.items() if not kind.needs_caller)
    properties["on_hangup"] |= {"items": _one_of(alone) if alone else False}
    definitions: Schema = {name: _tidy(value) for name, value in header.get("$defs", {}).items()}
    for name in sorted(types):
        definitions |= _definitions(name, types[name])
    return {
        "$schema": DIALECT,
        "title": "A Ringflow call flow",
        "type": "object",
        "additionalProperties": False,
        "required": header["required"],
        "properties": properties,
        "$defs": definitions,
    }


def _one_of(names: Sequence[str]) -> Schema:
    """A slot of one of these types."""
    return {
        "type": "object",
        "required": ["slot"],
        "properties": {"slot": {"enum": list(names)}},
        "discriminator": {"propertyName": "slot"},
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in names],
    }


def schema_text(types: Mapping[str, type[Slot]]) -> str:
    """`flow_schema` as the file that is shipped beside the flows."""
    return json.dumps(flow_schema(types), indent=2, ensure_ascii=False) + "\n"


def slot_schema(name: str, kind: type[Slot]) -> Schema:
    """The schema of one slot type, its own fields first; what they refer to stands in place."""
    raw = kind.model_json_schema(ref_template="{model}", schema_generator=DocumentedSchema)
    return _slot_schema(name, kind, _in_place(raw, raw.pop("$defs", {})))


def form_schema(name: str, kind: type[Slot]) -> Schema:
    """The schema of one slot type for a form: each field with a title, its group and its place."""
    schema = slot_schema(name, kind)
    prompts, own = prompt_fields(kind), kind.own_exits
    for place, (field, one) in enumerate(schema["properties"].items(), start=1):
        if field in LAST_FIELDS or field == "slot" or (own is not None and field == own.field):
            group = FieldGroup.WAYS
        elif field in prompts:
            group = FieldGroup.PROMPTS
        elif field in schema["required"]:
            group = FieldGroup.MAIN
        elif field in SlotDefaults.model_fields or field in ("repeat", "extensions"):
            group = FieldGroup.KEYS
        else:
            group = FieldGroup.MORE
        words = [ABBREVIATIONS.get(word, word) for word in field.split("_")]
        title = " ".join([words[0][0].upper() + words[0][1:], *words[1:]])
        schema["properties"][field] = {"title": title, **one, "x-group": group.value, "x-order": place}
    return {"$schema": DIALECT, "title": name, **schema}


def _in_place(schema: Any, definitions: Schema) -> Any:
    if isinstance(schema, list):
        return [_in_place(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _in_place(definitions[schema["$ref"]], definitions)
    return {key: _in_place(value, definitions) for key, value in schema.items()}


def _definitions(name: str, kind: type[Slot]) -> Schema:
    raw = kind.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}", schema_generator=DocumentedSchema)
    inner = raw.pop("$defs", {})
    found: Schema = {name: _slot_schema(name, kind, raw)}
    return found | {f"{name}.{inner_name}": _tidy(value) for inner_name, value in inner.items()}


def _slot_schema(name: str, kind: type[Slot], raw: Schema) -> Schema:
    fields = {field: _tidy(value) for field, value in raw["properties"].items()}
    fields["slot"] = {"const": name, "description": raw.get("description", "")}
    fields["on"] = _exits_schema(kind, fields["on"].get("description", ""))
    if kind.ends_call:
        del fields["on"]
    ordered = ["slot", *(field for field in fields if field in raw["required"] and field != "slot")]
    ordered += [field for field in fields if field not in (*LAST_FIELDS, *ordered)]
    ordered += [field for field in LAST_FIELDS if field in fields]
    return {
        "type": "object",
        "description": raw.get("description", ""),
        "additionalProperties": False,
        "required": raw["required"],
        "properties": {field: fields[field] for field in ordered},
    }


def _exits_schema(kind: type[Slot], description: str) -> Schema:
    target = {"type": "string", "pattern": TARGET_PATTERN}
    named = kind.own_exits
    own = {"patternProperties": {named.pattern: target}} if named is not None and named.field == "on" else {}
    return {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        "properties": dict.fromkeys(kind.fixed_exits, target),
        **own,
    }


def _tidy(schema: Schema) -> Schema:
    """Without names that pydantic makes up, and without null: a key that is written has a value."""
    found = {key: value for key, value in schema.items() if key != "title"}
    if "default" in found and found["default"] is None:
        del found["default"]
    options: list[Schema] = [option for option in found.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        del found["anyOf"]
        # What the field says of itself is nearer than what its type says.
        return options[0] | found
    if options:
        found["anyOf"] = options
    if "patternProperties" in found:
        found.setdefault("additionalProperties", False)
    if "properties" in found:
        found["properties"] = {name: _tidy(value) for name, value in found["properties"].items()}
    return found
