"""Trunks over HTTP, from making to deleting, their order, and who sees what may be credentials."""

from __future__ import annotations

import pytest

from ringflow.accounts import trunks
from ringflow.accounts.trunks import Trunk, positions_of
from ringflow.actor import acting, shell_operator
from ringflow.errors import Conflict

from .conftest import Api, Client

CARRIER = {"name": "acme", "dial": "PJSIP/{number}@acme"}


async def test_a_trunk_is_made_changed_and_deleted(owner: Client) -> None:
    made = await owner(
        "POST", "/trunks", {**CARRIER, "headers": {"X-B": "1", "X-A": "2"}, "failover": ["5xx"]}
    )
    assert (made.status, list(made.json["headers"]), made.json["failover"]) == (201, ["X-B", "X-A"], ["5xx"])
    read = await owner("GET", "/trunks/acme")
    assert read.json == made.json
    again = await owner("POST", "/trunks", CARRIER)
    assert (again.status, again.json["code"]) == (409, "trunk.taken")
    tag = {"If-Match": read.headers["ETag"]}
    changed = await owner("PATCH", "/trunks/acme", {"caller_id_form": "national", "silent_s": 3}, tag)
    assert (changed.json["caller_id_form"], changed.json["silent_s"]) == ("national", 3)
    assert changed.json["headers"] == made.json["headers"]
    late = await owner("DELETE", "/trunks/acme", headers=tag)
    assert (late.status, late.json["code"]) == (412, "request.outdated")
    gone = await owner("DELETE", "/trunks/acme", headers={"If-Match": changed.headers["ETag"]})
    assert gone.status == 204
    assert (await owner("GET", "/trunks/acme")).json["code"] == "trunk.unknown"


async def test_every_wrong_field_of_a_trunk_is_named(owner: Client) -> None:
    wrong = await owner(
        "POST",
        "/trunks",
        {
            **CARRIER,
            "dial": "nowhere",
            "headers": {"X Y": "1", "X-Long": "x" * 5000},
            "silent_s": 99,
            "failover": ["2xx"],
            "caller_id": "me",
        },
    )
    assert wrong.status == 422
    assert {one["pointer"] for one in wrong.json["errors"]} == {
        "/dial",
        "/headers/X Y",
        "/headers/X-Long",
        "/silent_s",
        "/failover",
        "/caller_id",
    }
    kinds = await owner("POST", "/trunks", {**CARRIER, "headers": {"X-A": 1}, "rated": "maybe"})
    assert {one["pointer"] for one in kinds.json["errors"]} == {"/headers/X-A", "/rated"}
    assert (await owner("GET", "/trunks/acme")).status == 404
    await owner("POST", "/trunks", CARRIER)
    nothing = await owner("PATCH", "/trunks/acme", {"dial": None, "enabled": None}, {"If-Match": "*"})
    assert {one["pointer"] for one in nothing.json["errors"]} == {"/dial", "/enabled"}
    free = await owner("PATCH", "/trunks/acme", {"caller_id": None}, {"If-Match": "*"})
    assert free.status == 200


async def test_scripts_of_trunks_and_dids_are_set_and_changed_over_http(owner: Client) -> None:
    fields = {"script": "leg", "script_timeout_s": 0.5, "script_fallback": "skip", "script_vars": "{}"}
    made = await owner("POST", "/trunks", {**CARRIER, **fields})
    assert {name: made.json[name] for name in fields} == fields
    wrong = {"script": "no way", "script_timeout_s": 60, "script_fallback": "app", "script_vars": "[]"}
    refused = await owner("PATCH", "/trunks/acme", wrong, {"If-Match": "*"})
    assert {one["pointer"] for one in refused.json["errors"]} == {f"/{name}" for name in wrong}
    changed = await owner("PATCH", "/trunks/acme", {"script": None}, {"If-Match": "*"})
    assert (changed.json["script"], changed.json["script_vars"]) == (None, "{}")
    did = {"number": "18005550177", "app": "main", "script": "one", "hangup_script": "after"}
    await owner("POST", "/dids", did)
    fields = {"script_fallback": "app", "hangup_script_timeout_s": 1, "hangup_script_vars": '{"a": 1}'}
    read = await owner("PATCH", "/dids/18005550177", fields, {"If-Match": "*"})
    assert {name: read.json[name] for name in fields} == fields
    wrong = {"script": "", "hangup_script": "no way", "hangup_script_timeout_s": 0, "hangup_script_vars": "x"}
    refused = await owner("PATCH", "/dids/18005550177", wrong, {"If-Match": "*"})
    assert {one["pointer"] for one in refused.json["errors"]} == {f"/{name}" for name in wrong}


async def test_trunks_are_put_in_order_all_at_once(owner: Client) -> None:
    declared = [one["name"] for one in (await owner("GET", "/trunks")).json["items"]]
    for name in ("a", "b", "c"):
        await owner("POST", "/trunks", {**CARRIER, "name": name})
    unknown = await owner("POST", "/trunks:reorder", {"trunks": ["c", "x", "a", "b"]})
    assert (unknown.status, unknown.json["errors"][0]["pointer"]) == (404, "/trunks/1")
    twice = await owner("POST", "/trunks:reorder", {"trunks": ["c", "c"]})
    assert (twice.status, twice.json["code"]) == (422, "trunk.order_repeats")
    short = await owner("POST", "/trunks:reorder", {"trunks": ["c", "a"]})
    assert (short.status, set(short.json["fields"]["trunks"])) == (409, {*declared, "b"})
    for order in (["c", "carrier", "a", "b"], ["carrier", "b", "a", "c"], ["a", "b", "c", "carrier"]):
        came = await owner("POST", "/trunks:reorder", {"trunks": order})
        assert (came.status, [one["name"] for one in came.json["items"]]) == (200, order)
        listed = (await owner("GET", "/trunks")).json["items"]
        assert [one["name"] for one in listed] == order
        assert next(one["position"] for one in listed if one["name"] == "carrier") == 100


def test_positions_are_found_around_those_that_are_fixed() -> None:
    assert positions_of(["a", "b"], {}) == {"a": 10, "b": 20}
    assert positions_of(["a", "x", "b", "c", "y"], {"x": 100, "y": 103}) == {
        **{"a": 90, "x": 100, "b": 101, "c": 102, "y": 103}
    }
    for names, fixed in ((["x", "b", "c", "y"], {"x": 1, "y": 3}), (["x", "y"], {"x": 2, "y": 1})):
        with pytest.raises(Conflict, match="trunk y has position"):
            positions_of(names, fixed)


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
