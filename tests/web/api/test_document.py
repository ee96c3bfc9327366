"""The document that describes the API says what the API does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientSession

from ringflow.rights import BUILT_IN_ROLES, Audience, Right
from ringflow.web.api.routes import PREFIX, RESOURCES
from ringflow.web.rest.operation import Operation

from .conftest import Api

OPERATIONS = {one.name: one for resource in RESOURCES for one in resource.operations}


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


async def document(http: ClientSession) -> dict[str, Any]:
    async with http.get(f"{PREFIX}/openapi.json") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


async def test_every_operation_is_described_and_every_reference_leads_somewhere(api: Api) -> None:
    found = await document(api.http)
    described = {
        (method.upper(), path): operation
        for path, item in found["paths"].items()
        for method, operation in item.items()
    }
    assert {(one.method, PREFIX + one.path) for one in OPERATIONS.values()} == described.keys()
    assert len({one["operationId"] for one in described.values()}) == len(described)
    for (_, path), operation in described.items():
        in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        assert operation["summary"].endswith(".")
    known = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert set(references(found)) <= known


async def test_a_form_is_described_as_it_comes(api: Api) -> None:
    schemas = (await document(api.http))["components"]["schemas"]
    owner = await api.client()
    (customer,) = (await owner("GET", "/customers")).json["items"]
    schema = schemas["CustomerForm"]
    assert schema["required"] == list(customer)
    assert schema["properties"]["id"]["type"] == "integer"
    assert schema["properties"]["channels"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]


async def test_every_list_is_read_by_each_of_its_sorts(api: Api) -> None:
    owner = await api.client()
    for operation in OPERATIONS.values():
        if operation.listing is None or operation.in_path:
            continue
        for sort in operation.listing.sorts:
            for sign in ("", "-"):
                came = await owner("GET", operation.path, params={"sort": sign + sort, "limit": 1})
                assert came.status == 200, (operation.name, came.text)
                assert came.json.keys() == {"items", "next"}


def path_of(operation: Operation) -> str:
    return re.sub(r"\{\w+\}", "77777", operation.path)


@pytest.mark.parametrize("role", BUILT_IN_ROLES)
async def test_a_role_reaches_what_its_rights_say_and_nothing_else(api: Api, role: str) -> None:
    client = await api.client(role)
    for operation in OPERATIONS.values():
        came = await client(operation.method, path_of(operation), {} if operation.method != "GET" else None)
        access = operation.access
        allowed = access is Audience.OPERATOR or access in BUILT_IN_ROLES[role] or access is None
        assert (came.status == 403) is not allowed, (operation.name, came.text)
        if not allowed:
            missing = "audience" if access is Audience.CUSTOMER else "right"
            assert came.json["fields"] == {missing: access.value if access else None}


async def test_a_token_with_fewer_rights_reaches_less(api: Api) -> None:
    client = await api.client(name="narrow", rights=frozenset({Right.CALLS_READ}))
    assert (await client("GET", "/calls")).status == 200
    assert (await client("GET", "/customers")).status == 403
