"""The description of the API (OpenAPI 3.1), made of the operations' signatures and the forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from http import HTTPStatus
from types import MappingProxyType, NoneType
from typing import Any, get_args, get_origin, get_type_hints

from ringflow.forms.field import FIELDS, Kind
from ringflow.forms.job import JobForm
from ringflow.forms.reference import example_of, own_example
from ringflow.jobs.job import Job
from ringflow.rights import Access, Audience
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.conditions import IfMatch, Replaces
from ringflow.web.rest.content import Content
from ringflow.web.rest.event_feed import EVENT_STREAM, LastEventId
from ringflow.web.rest.export import EXPORTS
from ringflow.web.rest.fields import FieldsInput, shows_forms
from ringflow.web.rest.operation import Operation, Resource
from ringflow.web.rest.problem import CONTENT_TYPE
from ringflow.web.rest.refusals import phrase_of
from ringflow.web.rest.request_input import JSON_TYPE, MAX_NUMBER, Input

TEMPLATE = "#/components/schemas/{model}"
_KINDS: Mapping[Kind, Mapping[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.SECONDS: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.TIME: {"type": "string", "format": "date-time"},
    Kind.DAY: {"type": "string"},
    Kind.AMOUNT: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    Kind.DECIMAL: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    Kind.TEXTS: {"type": "array", "items": {"type": "string"}},
    Kind.NUMBERS: {"type": "array", "items": {"type": "number"}},
    Kind.ANY: {},
    Kind.MAP: {"type": "object"},
    Kind.OBJECT: {"type": "object"},
    Kind.OBJECTS: {"type": "array", "items": {"type": "object"}},
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "fields"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "docs/errors.md lists them all"},
        "fields": {"type": "object"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message", "fields"],
                "properties": {
                    "pointer": {"type": "string", "description": "a JSON pointer, or /NAME of a parameter"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "fields": {"type": "object"},
                },
            },
        },
        "problems": {"type": "array", "items": {"type": "object"}},
        "problem_count": {"type": "integer", "description": "how many there are, of which some are listed"},
    },
}


def describe(
    resources: Sequence[Resource],
    page_input: type[Input],
    version: str,
    prefix: str,
    examples: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the document. `page_input`: the parameters of every list. `examples`: bodies by operation."""
    schemas: dict[str, Any] = {"Problem": PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for resource in resources:
        for operation in resource.operations:
            item = paths.setdefault(prefix + operation.path, {})
            item[operation.method.lower()] = _operation(operation, page_input, schemas, examples)
    tags = {one.tag: one.about for one in resources}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ringflow", "version": version},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "tags": [{"name": name, "description": about} for name, about in tags.items()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An operator's token."},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-ringflow",
                    "description": "The session of an operator who has signed in; without TLS `ringflow`.",
                },
                "customer": {"type": "http", "scheme": "bearer", "description": "A customer's token."},
            },
        },
    }


def _operation(
    operation: Operation,
    page_input: type[Input],
    schemas: dict[str, Any],
    examples: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": "\n\n".join(
            part for part in (operation.description, _needs(operation.access)) if part
        ),
        **_security(operation.access),
        "parameters": [*_parameters(operation, page_input, schemas)],
        "responses": _responses(operation, schemas),
    }
    body = operation.model("body")
    if body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {JSON_TYPE: {"schema": _input_schema(body, schemas)}},
        }
        if operation.name in examples:
            described["requestBody"]["content"][JSON_TYPE]["example"] = examples[operation.name]
    elif operation.upload is not None:
        described["requestBody"] = {
            "required": True,
            "description": f"At most {operation.upload.most_bytes} bytes.",
            "content": {one: _media_schema(one) for one in operation.upload.types},
        }
    return described


def _needs(access: Access | None) -> str:
    if access is None:
        return "Anyone may call it, without a token."
    if access is Audience.OPERATOR:
        return "Every operator may call it."
    if access is Audience.SESSION:
        return "Every operator who has signed in may call it, and no token."
    if access is Audience.CUSTOMER:
        return "Every customer may call it, of whose own data it is."
    return f"Needs the right `{access.value}`."


def _security(access: Access | None) -> dict[str, Any]:
    if access is None:
        return {"security": []}
    if access is Audience.SESSION:
        return {"security": [{"session": []}], "x-audience": access.value}
    if access is Audience.CUSTOMER:
        return {"security": [{"customer": []}], "x-audience": access.value}
    return {"x-audience" if isinstance(access, Audience) else "x-right": access.value}


def _parameters(
    operation: Operation, page_input: type[Input], schemas: dict[str, Any]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0, "maximum": MAX_NUMBER}
            if kind is int
            else {"type": "string", "minLength": 1},
        }
        for name, kind in operation.in_path.items()
    ]
    query = operation.model("query")
    models: list[type[Input]] = [
        *([page_input] if operation.takes(PageRequest) else []),
        *([FieldsInput] if shows_forms(operation) else []),
        *([query] if query else []),
    ]
    for model in models:
        schema = _model_schema(model, schemas)
        needed = schema.get("required", ())
        for name, one in schema["properties"].items():
            one.pop("title", None)
            if name == "sort" and operation.listing is not None:
                one = {"type": "string", "enum": [*_sorts(operation)], "default": operation.listing.first}
            found.append({"name": name, "in": "query", "required": name in needed, "schema": one})
    if operation.takes(IfMatch):
        text = {"type": "string"}
        found.append({"name": "If-Match", "in": "header", "required": True, "schema": text})
    if operation.takes(Replaces):
        found += [
            _optional_header("If-Match"),
            {**_optional_header("If-None-Match"), "schema": {"enum": ["*"]}},
        ]
    if operation.takes(LastEventId):
        found.append(_optional_header("Last-Event-ID"))
    if Content is operation.returns and operation.method == "GET":
        found.append(_optional_header("Range"))
    if operation.is_repeatable:
        key = {"type": "string", "minLength": 1, "maxLength": 200}
        found.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": key})
    return found


def _optional_header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


def _sorts(operation: Operation) -> list[str]:
    assert operation.listing is not None
    return [sign + name for name in operation.listing.sorts for sign in ("", "-")]


def _responses(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": phrase_of(operation.status)}
    if operation.media:
        good["content"] = {one: _media_schema(one) for one in operation.media}
    elif operation.returns is Job:
        good["content"] = {JSON_TYPE: {"schema": _form_schema(JobForm, schemas)}}
        where = {"schema": {"type": "string"}, "description": "where the job is"}
        good["headers"] = {"Location": where}
    elif operation.returns not in (None, NoneType):
        schema = _form_schema(operation.returns, schemas)
        good["content"] = {JSON_TYPE: {"schema": schema, "example": _form_example(operation.returns)}}
        if operation.takes(PageRequest):
            good["content"] |= {one: {"schema": {"type": "string"}} for one in EXPORTS}
            good["headers"] = {"Link": {"schema": {"type": "string"}, "description": "first and next page"}}
    if operation.tagged or operation.returns is Content:
        good["headers"] = {"ETag": {"schema": {"type": "string"}}}
    parts = {str(HTTPStatus.PARTIAL_CONTENT.value): good | {"description": "The part that `Range` asks for."}}
    return {
        str(operation.status.value): good,
        **(parts if operation.returns is Content and operation.method == "GET" else {}),
        "default": {
            "description": "What is wrong, as problem details (RFC 9457).",
            "content": {CONTENT_TYPE: {"schema": {"$ref": TEMPLATE.format(model="Problem")}}},
        },
        **{str(status.value): _refusal(status) for status in _refusals(operation)},
    }


def _refusals(operation: Operation) -> list[HTTPStatus]:
    found = [HTTPStatus.TOO_MANY_REQUESTS]
    if operation.access is not None:
        found += [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN]
    if operation.in_path:
        found.append(HTTPStatus.NOT_FOUND)
    if operation.takes(IfMatch) or operation.takes(Replaces):
        found += [HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED]
    if operation.upload is not None:
        found += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    if operation.returns is Content and operation.method == "GET":
        found.append(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    return found


def _media_schema(content_type: str) -> dict[str, Any]:
    """What stands in a body of a type: a text; or any YAML, or bytes, of which OpenAPI 3.1 says nothing."""
    return {"schema": {"type": "string"}} if content_type in ("text/plain", EVENT_STREAM) else {}


def _refusal(status: HTTPStatus) -> dict[str, Any]:
    schema = {"$ref": TEMPLATE.format(model="Problem")}
    return {"description": phrase_of(status), "content": {CONTENT_TYPE: {"schema": schema}}}


def _input_schema(model: type[Input], schemas: dict[str, Any]) -> dict[str, Any]:
    schemas[model.__name__] = _model_schema(model, schemas)
    return {"$ref": TEMPLATE.format(model=model.__name__)}


def _model_schema(model: type[Input], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an input; those that it refers to go to `schemas`."""
    schema = model.model_json_schema(ref_template=TEMPLATE)
    _bound_numbers(schema)
    schemas.update(schema.pop("$defs", {}))
    return schema


def _bound_numbers(schema: Any) -> None:
    """Say of whole numbers which ones are taken, where pydantic knows no closer bounds."""
    if isinstance(schema, dict):
        if schema.get("type") == "integer":
            if "exclusiveMinimum" not in schema:
                schema.setdefault("minimum", -MAX_NUMBER)
            if "exclusiveMaximum" not in schema:
                schema.setdefault("maximum", MAX_NUMBER)
        for one in schema.values():
            _bound_numbers(one)
    elif isinstance(schema, list):
        for one in schema:
            _bound_numbers(one)


def _form_schema(form: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if get_origin(form) is Page:
        (of,) = get_args(form)
        items = {"type": "array", "items": _form_schema(of, schemas)}
        counted = {
            "type": "integer",
            "description": "how many rows all pages have, where `count` asks for it",
        }
        following = {"type": ["string", "null"], "description": "the `cursor` of the next page; null: none"}
        return {
            "type": "object",
            "required": ["items", "next"],
            "properties": {"items": items, "next": following, "count": counted},
        }
    name = form.__name__
    if name not in schemas:
        schemas[name] = {}
        hints = get_type_hints(form)
        schemas[name] |= {
            "type": "object",
            "description": (form.__doc__ or "").partition("\n\n")[0].strip(),
            "required": [one.name for one in fields(form)],
            "properties": {
                one.name: _field_schema(one.name, hints[one.name], schemas) for one in fields(form)
            },
        }
    return {"$ref": TEMPLATE.format(model=name)}


def _form_example(form: Any) -> dict[str, Any]:
    """Return an answer as it may come: the example that docs/json.md has of the form."""
    if get_origin(form) is Page:
        (of,) = get_args(form)
        return {"items": [_form_example(of)], "next": None}
    return example_of(form, own_example(form))


def _field_schema(name: str, hint: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    field = FIELDS[name]
    parts = _parts(hint)
    below = next((one for one in parts if isinstance(one, type) and is_dataclass(one)), None)
    if below is not None:
        inner = _form_schema(below, schemas)
        schema: dict[str, Any] = inner if field.kind is Kind.OBJECT else {"type": "array", "items": inner}
    elif field.kind is Kind.KEY:
        schema = {"type": "integer"} if int in parts else {"type": "string"}
    else:
        schema = dict(_KINDS[field.kind])
    if NoneType in parts:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "description": field.meaning}


def _parts(hint: Any) -> set[Any]:
    return {hint, *(part for one in get_args(hint) for part in _parts(one))}
