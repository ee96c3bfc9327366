"""`/api/v1` goes on taking what it took, and returning what it returned."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringflow.web.api.routes import api_document, released_text
from ringflow.web.rest.stability import breaking_changes, without_words

RELEASED = Path(__file__).parents[3] / "docs" / "api" / "openapi-v1.json"
UPDATE = "ringflow schema --api --out docs/api/openapi-v1.json --overwrite"


def test_nothing_breaks_programs_that_were_written_by_the_released_document() -> None:
    broken = breaking_changes(json.loads(RELEASED.read_text()), api_document())
    assert broken == [], f"where that is meant, and nobody uses it yet: {UPDATE}"


def test_the_released_document_has_nothing_that_only_people_read() -> None:
    text = released_text()
    assert json.loads(text)["components"]["schemas"]["CustomerForm"]["properties"]["name"] == {
        "type": "string"
    }
    assert len(text) < 1_000_000
    assert breaking_changes(json.loads(text), api_document()) == []


def schema(**more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": 10},
            "status": {"type": "string", "enum": ["active", "penalty"]},
            "channels": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        },
        **more,
    }


def document() -> dict[str, Any]:
    """A description of one operation that takes and returns the same."""
    media = {"application/json": {"schema": {"$ref": "#/components/schemas/Customer"}}}
    taken = {"application/json": {"schema": {"$ref": "#/components/schemas/NewCustomer"}}}
    query = {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "maximum": 100}}
    post = {
        "x-right": "customers.change",
        "parameters": [query],
        "requestBody": {"required": True, "content": taken},
        "responses": {"201": {"content": media}, "default": {}},
    }
    return {
        "paths": {"/customers": {"post": post}},
        "components": {"schemas": {"Customer": schema(), "NewCustomer": schema()}},
    }


Change = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], object]
"""Changes the operation, the schema of its body, and that of its answer."""

BREAKING: dict[str, Change] = {
    "gone": lambda operation, taken, returned: operation.update({"responses": {"204": {}}}),
    "right": lambda operation, taken, returned: operation.update({"x-right": "money.move"}),
    "parameter gone": lambda operation, taken, returned: operation["parameters"].clear(),
    "parameter must": lambda operation, taken, returned: operation["parameters"][0].update(required=True),
    "parameter closer": lambda operation, taken, returned: operation["parameters"][0]["schema"].update(
        maximum=50
    ),
    "new must": lambda operation, taken, returned: taken["required"].append("status"),
    "taken gone": lambda operation, taken, returned: taken["properties"].pop("status"),
    "taken enum": lambda operation, taken, returned: taken["properties"]["status"]["enum"].pop(),
    "taken kind": lambda operation, taken, returned: taken["properties"]["channels"]["anyOf"].pop(),
    "taken longer": lambda operation, taken, returned: taken["properties"]["name"].update(minLength=1),
    "taken pattern": lambda operation, taken, returned: taken["properties"]["name"].update(pattern="a"),
    "returned gone": lambda operation, taken, returned: returned["properties"].pop("status"),
    "returned may": lambda operation, taken, returned: returned["required"].clear(),
    "returned kind": lambda operation, taken, returned: returned["properties"].update(
        name={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
}
HARMLESS: dict[str, Change] = {
    "nothing": lambda operation, taken, returned: None,
    "a parameter more": lambda operation, taken, returned: operation["parameters"].append(
        {"name": "q", "in": "query", "required": False, "schema": {"type": "string"}}
    ),
    "a field more": lambda operation, taken, returned: taken["properties"].update(notes={"type": "string"}),
    "an answer's field more": lambda operation, taken, returned: returned["properties"].update(
        notes={"type": "string"}
    ),
    "no longer must": lambda operation, taken, returned: taken["required"].clear(),
    "longer": lambda operation, taken, returned: taken["properties"]["name"].update(maxLength=20),
    "one more word": lambda operation, taken, returned: taken["properties"]["status"]["enum"].append("new"),
    "words": lambda operation, taken, returned: operation.update(summary="Something else."),
}


def changed(change: Change) -> dict[str, Any]:
    now = copy.deepcopy(document())
    schemas = now["components"]["schemas"]
    change(now["paths"]["/customers"]["post"], schemas["NewCustomer"], schemas["Customer"])
    return now


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_what_takes_away_or_asks_for_more_is_found(change: Change) -> None:
    assert breaking_changes(without_words(document()), changed(change)) != []


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_only_adds_is_let_pass(change: Change) -> None:
    assert breaking_changes(without_words(document()), changed(change)) == []


def test_an_operation_that_is_gone_is_named() -> None:
    assert breaking_changes(document(), {**document(), "paths": {}}) == ["POST /customers: it is gone"]
