"""Bulk actions over HTTP on customers, CLIs, DIDs and vouchers: all that are meant, or none."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api, Client
from .test_cards import made


async def audited(client: Client, noun: str) -> list[tuple[str, str]]:
    """What the audit log has of a noun, the oldest first."""
    entries = (await client("GET", "/audit?limit=100")).json["items"]
    return [(one["verb"], one["subject"]) for one in reversed(entries) if one["subject"].startswith(noun)]


async def status_of(client: Client, path: str, body: dict[str, Any]) -> tuple[int, str, list[str]]:
    """The status of a refusal, its code, and the places that it names."""
    came = await client("POST", path, body)
    return came.status, came.json["code"], [one["pointer"] for one in came.json.get("errors", [])]


async def test_dids_are_changed_disabled_and_deleted_together_once_their_count_is_confirmed(
    idle: Api,
) -> None:
    client = await idle.client()
    for number in ("101", "102", "103"):
        await client("POST", "/dids", {"number": number, "app": "menu"})
    await client("POST", "/dids", {"number": "104", "app": "other"})
    before = await audited(client, "DID 1")
    change = {"action": "change", "filter": {"app": "menu"}, "changes": {"channels": 2, "customer": 42}}
    looked = await client("POST", "/dids:bulk", {**change, "dry_run": True})
    counts = {"changed": 3, "deleted": 0, "passed_over": 0}
    assert looked.json == {**counts, "dry_run": True}
    assert (await client("GET", "/dids/101")).json["channels"] is None
    assert await status_of(client, "/dids:bulk", change) == (422, "bulk.count_unconfirmed", ["/expect"])
    fewer = await client("POST", "/dids:bulk", {**change, "expect": 2})
    assert (fewer.status, fewer.json["code"]) == (409, "bulk.count_differs")
    assert fewer.json["fields"] == {"found": 3, "expected": 2}
    assert (await client("GET", "/dids/101")).json["channels"] is None
    key = {"Idempotency-Key": "all of them"}
    done = await client("POST", "/dids:bulk", {**change, "expect": 3}, key)
    assert done.json == {**counts, "dry_run": False}
    assert (await client("POST", "/dids:bulk", {**change, "expect": 3}, key)).json == done.json
    for number, channels, customer in (("101", 2, 42), ("103", 2, 42), ("104", None, None)):
        shown = (await client("GET", f"/dids/{number}")).json
        assert (shown["channels"], shown["customer"]) == (channels, customer)
    assert (await audited(client, "DID 1"))[len(before) :] == [
        ("set", f"DID {number}") for number in ("101", "102", "103")
    ]
    entry = (await client("GET", "/audit?subject=DID+103")).json["items"][0]
    assert (entry["before"]["channels"], entry["after"]["channels"]) == (None, 2)

    again = await client("POST", "/dids:bulk", {**change, "expect": 3})
    assert again.json == {"changed": 0, "deleted": 0, "passed_over": 3, "dry_run": False}
    named = {"ids": ["101", "104", "101"]}
    assert (await client("POST", "/dids:bulk", {"action": "disable", **named})).json["changed"] == 2
    assert (await client("GET", "/dids/104")).json["enabled"] is False
    assert (await client("POST", "/dids:bulk", {"action": "enable", "ids": ["104"]})).json["changed"] == 1
    looked = await client("POST", "/dids:bulk", {"action": "delete", **named, "dry_run": True})
    assert looked.json == {"changed": 0, "deleted": 2, "passed_over": 0, "dry_run": True}
    assert (await client("GET", "/dids/101")).status == 200
    assert (await client("POST", "/dids:bulk", {"action": "delete", **named})).json["deleted"] == 2
    assert [(await client("GET", f"/dids/{one}")).status for one in ("101", "102", "104")] == [404, 200, 404]
    assert (await audited(client, "DID 1"))[-2:] == [("delete", "DID 101"), ("delete", "DID 104")]


async def test_a_bulk_action_that_is_wrong_in_one_place_changes_nothing(idle: Api) -> None:
    client = await idle.client()
    await client("POST", "/dids", {"number": "101", "app": "menu"})
    await client("POST", "/clis", {"customer": 42, "number": "441910000007"})
    on_dids: tuple[tuple[dict[str, Any], tuple[int, str, list[str]]], ...] = (
        ({"action": "disable"}, (422, "bulk.none_selected", [])),
        ({"action": "disable", "ids": ["101"], "filter": {}}, (422, "bulk.none_selected", [])),
        ({"action": "disable", "ids": []}, (422, "bulk.too_many_named", ["/ids"])),
        ({"action": "disable", "ids": ["1"] * 1001}, (422, "bulk.too_many_named", ["/ids"])),
        ({"action": "disable", "ids": ["101", "999"]}, (404, "did.unknown", ["/ids"])),
        ({"action": "change", "ids": ["101"]}, (422, "bulk.nothing_to_change", ["/changes"])),
        (
            {"action": "disable", "ids": ["101"], "changes": {"channels": 1}},
            (422, "bulk.changes_unwanted", ["/changes"]),
        ),
        ({"action": "burn", "ids": ["101"]}, (422, "field.malformed", ["/action"])),
        ({"action": "disable", "filter": {"colour": "red"}}, (422, "field.unknown", ["/filter/colour"])),
        (
            {"action": "change", "ids": ["101"], "changes": {"channels": -1}},
            (422, "field.out_of_range", ["/changes/channels"]),
        ),
        (
            {"action": "change", "ids": ["101"], "changes": {"customer": 999}},
            (404, "customer.unknown", ["/changes/customer"]),
        ),
        (
            {"action": "change", "filter": {}, "dry_run": True, "changes": {"app": "a b", "channels": -1}},
            (422, "several", ["/changes/app", "/changes/channels"]),
        ),
    )
    before = (await client("GET", "/dids?limit=100")).json
    for body, refusal in on_dids:
        status, code, pointers = await status_of(client, "/dids:bulk", body)
        assert (status, pointers) == (refusal[0], refusal[2]), (body, code)
        assert code == refusal[1] or refusal[1] == "several", body
    assert (await client("GET", "/dids?limit=100")).json == before

    await client("POST", "/customers", {"id": 50})
    named = {"action": "change", "ids": [50, 42], "changes": {"name": "x"}}
    assert (await status_of(client, "/customers:bulk", named))[:2] == (409, "row.declared")
    named = {"action": "delete", "ids": [42, 43, 44]}
    status, _, pointers = await status_of(client, "/customers:bulk", named)
    assert (status, pointers) == (422, ["/ids", "/ids"])
    assert (await client("GET", "/customers/50")).json["name"] == ""
    found = {"action": "change", "filter": {"q": "4419100000"}, "changes": {"notes": "x"}, "expect": 2}
    assert (await client("POST", "/clis:bulk", found)).json == {
        "changed": 1, "deleted": 0, "passed_over": 1, "dry_run": False,
    }  # fmt: skip
    assert [one["notes"] for one in (await client("GET", "/clis?q=4419100000")).json["items"]] == ["", "x"]


async def test_customers_and_clis_are_changed_and_deleted_together(idle: Api) -> None:
    client = await idle.client()
    for number in (50, 51, 52):
        await client("POST", "/customers", {"id": number, "name": f"hotel {number}"})
    ids = [
        (await client("POST", "/clis", {"customer": 50, "number": f"44191000009{one}"})).json["id"]
        for one in range(3)
    ]
    hotels = {"filter": {"q": "hotel"}, "expect": 3}
    status = {"action": "change", **hotels, "changes": {"status": "inactive", "channels": None}}
    assert (await client("POST", "/customers:bulk", status)).json["changed"] == 3
    assert (await client("GET", "/customers/52")).json["status"] == "inactive"
    moved = {"action": "change", "ids": ids[:2], "changes": {"customer": 51, "notes": "moved"}}
    assert (await client("POST", "/clis:bulk", moved)).json["changed"] == 2
    assert (await client("GET", "/clis/441910000091")).json["customer"] == 51
    gone = {"action": "delete", **hotels}
    for dry in (True, False):
        refused = await client("POST", "/customers:bulk", {**gone, "dry_run": dry})
        assert refused.status == 422, refused.text
        assert {one["code"] for one in refused.json["errors"]} == {"customer.has_numbers"}
        assert len(refused.json["errors"]) == 2
    looked = await client("POST", "/customers:bulk", {**gone, "cascade": True, "dry_run": True})
    assert looked.json == {"changed": 0, "deleted": 3, "passed_over": 0, "dry_run": True}
    assert (await client("GET", "/clis/441910000091")).status == 200
    await client("POST", "/movements:pay", {"kind": "pay_in", "customer": 52, "amount": "1", "reason": "x"})
    kept = await client("POST", "/customers:bulk", {**gone, "cascade": True})
    assert (kept.status, kept.json["code"]) == (409, "customer.has_history")
    assert (await client("GET", "/customers/50")).status == 200
    rest = {"action": "delete", "ids": [50, 51], "cascade": True}
    assert (await client("POST", "/customers:bulk", rest)).json["deleted"] == 2
    assert (await client("GET", "/clis/441910000091")).status == 404
    assert ("delete", "customer 51") in await audited(client, "customer")


async def test_vouchers_are_disabled_and_deleted_together_and_used_ones_stay(idle: Api) -> None:
    client = await idle.client()
    plan = {"currency": "USD", "value": "5.00", "count": 4, "batch": "codes"}
    rows = await made(idle, client, "/vouchers:generate", plan)
    ids = [int(one["id"]) for one in rows]
    used = await client("POST", "/vouchers:redeem", {"code": rows[0]["code"], "customer": 42})
    assert used.status == 200, used.text
    batch = {"filter": {"batch": "codes"}, "expect": 4}
    for action, changed, passed_over in (("disable", 3, 1), ("disable", 0, 4), ("enable", 3, 1)):
        body = {"action": action, **batch}
        counts = {"changed": changed, "deleted": 0, "passed_over": passed_over}
        looked = await client("POST", "/vouchers:bulk", {**body, "dry_run": True})
        assert looked.json == {**counts, "dry_run": True}
        assert (await client("POST", "/vouchers:bulk", body)).json == {**counts, "dry_run": False}
    assert await audited(client, "vouchers") == [
        *(("disable", "vouchers"), ("disable", "vouchers"), ("enable", "vouchers")),
    ]
    entry = (await client("GET", "/audit?subject=vouchers")).json["items"][0]
    assert (entry["before"], entry["after"]) == (
        {"selected": {"batch": "codes"}, "vouchers": 4}, {"vouchers": 3},
    )  # fmt: skip
    status, _, pointers = await status_of(client, "/vouchers:bulk", {"action": "disable", "ids": [*ids, 999]})
    assert (status, pointers) == (422, ["/ids", "/ids"])
    assert (await status_of(client, "/vouchers:bulk", {"action": "delete", "ids": ids}))[:2] == (
        409, "voucher.redeemed",
    )  # fmt: skip
    assert (await client("GET", f"/vouchers/{ids[1]}")).json["status"] == "available"
    assert (await client("POST", "/vouchers:bulk", {"action": "disable", "ids": ids[1:3]})).json == {
        "changed": 2, "deleted": 0, "passed_over": 0, "dry_run": False,
    }  # fmt: skip
    assert (await audited(client, f"voucher {ids[2]}")) == [("disable", f"voucher {ids[2]}")]
    done = await client("POST", "/vouchers:bulk", {"action": "delete", **batch})
    assert done.json == {"changed": 0, "deleted": 3, "passed_over": 1, "dry_run": False}
    left = (await client("GET", "/vouchers?batch=codes")).json["items"]
    assert [one["id"] for one in left] == ids[:1]


async def test_more_than_are_done_at_once_are_refused_before_anything_is_done(
    idle: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await idle.client()
    for number in ("101", "102", "103"):
        await client("POST", "/dids", {"number": number, "app": "menu"})
    for most, expected in ((2, (422, "bulk.too_many", ["/filter"])), (3, (200, None, []))):
        monkeypatch.setattr("ringflow.accounts.bulk_actions.MOST_ROWS", most)
        body = {"action": "disable", "filter": {"app": "menu"}, "expect": 3}
        came = await client("POST", "/dids:bulk", body)
        pointers = [one["pointer"] for one in came.json.get("errors", [])]
        assert (came.status, came.json.get("code"), pointers) == expected
        assert (await client("GET", "/dids/101")).json["enabled"] is (most == 2)


async def test_nobody_without_the_right_does_something_to_many(idle: Api) -> None:
    viewer = await idle.client("viewer")
    for noun in ("customers", "clis", "dids", "vouchers"):
        came = await viewer("POST", f"/{noun}:bulk", {"action": "delete", "filter": {}, "dry_run": True})
        assert (came.status, came.json["code"]) == (403, "right.missing")
