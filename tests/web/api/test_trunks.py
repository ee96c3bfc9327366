"""Trunks over HTTP: what may be a credential is shown to nobody but those who may see it, on record."""

from __future__ import annotations

from ringflow.accounts import trunks
from ringflow.accounts.trunks import Trunk
from ringflow.actor import acting, shell_operator

from .conftest import Api

KEY = "f2a9-never-shown"


async def with_trunk(api: Api) -> None:
    async with acting(api.store, shell_operator("tests"), "US") as actor:
        await trunks.add(
            actor, Trunk("northern", "PJSIP/{number}@northern", {"X-Api-Key": KEY, "X-Line": "7"})
        )


async def test_values_of_headers_are_masked_for_everyone(api: Api) -> None:
    await with_trunk(api)
    for role in ("admin", "viewer"):
        client = await api.client(role)
        for path in ("/trunks", "/trunks/northern"):
            came = await client("GET", path)
            assert came.status == 200
            assert KEY not in came.text
        assert came.json["headers"] == {"X-Api-Key": "****", "X-Line": "****"}


async def test_who_has_the_right_sees_them_and_is_on_record(api: Api) -> None:
    await with_trunk(api)
    viewer, operator = await api.client("viewer"), await api.client("operator")
    refused = await viewer("GET", "/trunks/northern/headers")
    assert (refused.status, refused.json["fields"]) == (403, {"right": "secrets.read"})
    shown = await operator("GET", "/trunks/northern/headers")
    assert shown.json == {"name": "northern", "headers": {"X-Api-Key": KEY, "X-Line": "7"}}
    log = await operator("GET", "/audit?subject=trunk northern&verb=read")
    (entry,) = log.json["items"]
    assert (entry["operator"], entry["address"], entry["before"]) == (
        "operator",
        "127.0.0.1",
        {"headers": ["X-Api-Key", "X-Line"]},
    )
    assert (await operator("GET", "/trunks/none/headers")).status == 404
