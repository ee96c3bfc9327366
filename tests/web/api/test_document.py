"""The document that describes the API says what the API does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from ringflow.rights import BUILT_IN_ROLES, Audience, Right
from ringflow.web.api.rights_page import rights_text
from ringflow.web.api.routes import PREFIX, RESOURCES
from ringflow.web.rest.operation import Operation

from .conftest import Api

PAGE = Path(__file__).parents[3] / "docs" / "api-rights.md"
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
        if operation.access in (Audience.CUSTOMER, Audience.SESSION):
            continue
        for sort in operation.listing.sorts:
            for sign in ("", "-"):
                came = await owner("GET", operation.path, params={"sort": sign + sort, "limit": 1})
                assert came.status == 200, (operation.name, came.text)
                assert came.json.keys() == {"items", "next"}


def path_of(operation: Operation) -> str:
    return re.sub(r"\{\w+\}", "77777", operation.path)


def test_the_page_says_which_role_may_call_which_operation() -> None:
    expected = rights_text(RESOURCES, PREFIX)
    assert PAGE.read_text("utf-8") == expected, (
        "run `ringflow schema --rights --out docs/api-rights.md --overwrite`"
    )


def allowed_by_the_page() -> dict[tuple[str, str], dict[str, bool]]:
    """What the page says: by method and path, whether each role may."""
    lines = PAGE.read_text("utf-8").partition("## Operations")[2].splitlines()
    head, _, *rows = (line for line in lines if line.startswith("|"))
    names = [cell.strip() for cell in head.split("|")[3:-1]]
    found = {}
    for row in rows:
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        method, _, path = cells[0].strip("`").partition(" ")
        found[method, path] = {name: cell == "yes" for name, cell in zip(names, cells[2:], strict=True)}
    return found


async def test_a_role_reaches_what_the_page_says_and_nothing_else(api: Api) -> None:
    page = allowed_by_the_page()
    assert len(page) == len(OPERATIONS)
    for role in BUILT_IN_ROLES:
        client = await api.client(role)
        for operation in OPERATIONS.values():
            body: object = {} if operation.method != "GET" else None
            came = await client(operation.method, path_of(operation), body, head_only=True)
            # Of those who sign in tells test_sign_in.py; this is a token.
            by_token = operation.access is not Audience.SESSION
            allowed = page[operation.method, PREFIX + operation.path][role] and by_token
            assert (came.status == 403) is not allowed, (role, operation.name, came.status)


async def test_a_token_with_fewer_rights_reaches_less(api: Api) -> None:
    client = await api.client(name="narrow", rights=frozenset({Right.CALLS_READ}))
    assert (await client("GET", "/calls")).status == 200
    assert (await client("GET", "/customers")).status == 403
