"""The docstrings of models' fields, as descriptions in their JSON Schema.

pydantic can read them itself (`use_attribute_docstrings`). It then parses the source of every model whenever
its module is loaded, which takes longer than the rest of the loading. Here they are read only for a schema.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class DocumentedSchema(GenerateJsonSchema):
    """Makes the JSON Schema of models, with the docstring of a field as its description."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the schema of one model."""
        found = super().model_schema(schema)
        properties: dict[str, dict[str, Any]] = found.get("properties", {})
        model = schema["cls"]
        for field, text in field_docs(model).items():
            name = model.model_fields[field].alias or field if field in model.model_fields else field
            if name in properties:
                # What the field says of itself is nearer than what its type says.
                properties[name]["description"] = text
        return found


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings of a model's fields by name, those of its base classes included."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            found |= dict(_own_field_docs(kind))
    return found


def _own_field_docs(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)
    for field, text in pairwise(definition.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(doc))):
                yield name, inspect.cleandoc(doc)
