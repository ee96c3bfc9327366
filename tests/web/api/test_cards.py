"""Cards, batches and vouchers over HTTP: made, changed one by one and many at once, and given away."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from .conftest import Api, Client, finished, runner

CARDS = {"customer": 42, "credit": "5.00", "count": 4, "batch": "spring"}
CHANGE = {"action": "change", "filter": {"batch": "x"}, "changes": {"credit": None}, "dry_run": True}


async def made(api: Api, client: Client, path: str, body: dict[str, Any]) -> list[dict[str, str]]:
    """Make cards or vouchers; return their IDs with PINs or codes."""
    asked = await client("POST", path, body)
    assert asked.status == 202, asked.text
    await finished(runner(api))
    file = await client("GET", f"/jobs/{asked.json['id']}/file")
    assert file.status == 200, file.text
    return list(csv.DictReader(io.StringIO(file.text)))


async def test_a_card_is_changed_disabled_redeemed_and_archived(idle: Api) -> None:
    client = await idle.client()
    first, second, *_ = [one["id"] for one in await made(idle, client, "/cards:generate", CARDS)]
    path = f"/cards/{first}"
    shown = await client("GET", path)
    change = {"credit": "7.50", "expires": "2099-12-31"}
    assert (await client("PATCH", path, change)).status == 428
    changed = await client("PATCH", path, change, {"If-Match": shown.headers["ETag"]})
    assert (changed.status, changed.json["credit"], changed.json["expires"]) == (200, "7.50", "2099-12-31")
    assert (await client("PATCH", path, change, {"If-Match": shown.headers["ETag"]})).status == 412
    never = await client("PATCH", path, {"expires": None}, {"If-Match": "*"})
    assert never.json["expires"] is None
    for body, code in (
        ({}, "card.nothing_to_change"),
        ({"credit": None}, "field.empty"),
        ({"credit": "1.001"}, "amount.too_fine"),
        ({"customer": 77}, "customer.unknown"),
        ({"expires": "9999-12-31"}, "field.malformed"),
    ):
        wrong = await client("PATCH", path, body, {"If-Match": "*"})
        assert (wrong.status in (404, 422), wrong.json["code"]) == (True, code)

    wrong = await client("PATCH", path, {"credit": "much"}, {"If-Match": "*"})
    assert [one["pointer"] for one in wrong.json["errors"]] == ["/credit"]

    assert (await client("POST", f"{path}:disable")).json["status"] == "disabled"
    refused = await client("POST", f"{path}:redeem", {})
    assert refused.json["code"] == "card.disabled"
    assert (await client("POST", f"{path}:enable")).json["status"] == "available"
    given = await client("POST", f"{path}:redeem", {"into": 42})
    assert (given.json["status"], given.json["redeemed_by"], given.json["redeemed_as"]) == (
        "used",
        42,
        "top_up",
    )
    own = await client("POST", f"/cards/{second}:redeem", {})
    assert (own.json["redeemed_as"], own.json["redeemed_by"] != 42) == ("account", True)
    assert (await client("GET", "/accounts/42")).json["balance"] == "7.50"
    late = await client("PATCH", path, {"credit": "1.00"}, {"If-Match": "*"})
    assert (late.status, late.json["code"]) == (409, "card.redeemed")

    history = (await client("GET", f"{path}/history")).json["items"]
    assert [one["verb"] for one in history] == ["redeem", "enable", "disable", "change", "change"]
    assert (await client("DELETE", path)).status == 204
    assert (await client("GET", path)).json["archived_at"] is not None
    assert (await client("POST", f"{path}:enable")).json["code"] == "card.archived"


async def test_many_cards_are_changed_together_once_their_count_is_confirmed(idle: Api) -> None:
    client = await idle.client()
    ids = [one["id"] for one in await made(idle, client, "/cards:generate", CARDS)]
    await client("POST", f"/cards/{ids[0]}:redeem", {"into": 42})
    one = {"action": "change", "changes": {"credit": "9.00"}, "filter": {"customer": 42}}
    looked = await client("POST", "/cards:bulk", {**one, "dry_run": True})
    counts = {"changed": 3, "deleted": 0, "archived": 0, "passed_over": 1}
    assert looked.json == {**counts, "dry_run": True}
    assert (await client("GET", f"/cards/{ids[1]}")).json["credit"] == "5.00"
    assert (await client("POST", "/cards:bulk", one)).json["errors"][0]["pointer"] == "/expect"
    fewer = await client("POST", "/cards:bulk", {**one, "expect": 3})
    assert (fewer.status, fewer.json["code"]) == (409, "card.count_differs")
    assert fewer.json["fields"] == {"found": 4, "expected": 3}
    done = await client("POST", "/cards:bulk", {**one, "expect": 4})
    assert done.json == {**counts, "dry_run": False}
    assert [(await client("GET", f"/cards/{one}")).json["credit"] for one in ids] == ["5.00", *["9.00"] * 3]
    entry = (await client("GET", "/audit?subject=cards")).json["items"][0]
    assert entry["before"]["selected"] == {"customer": 42}

    for action, expected in (
        ("disable", {"changed": 4}),
        ("enable", {"changed": 4}),
        ("delete", {"deleted": 3, "archived": 1}),
    ):
        body = {"action": action, "batch": "spring"}
        nothing = {"changed": 0, "deleted": 0, "archived": 0, "passed_over": 0}
        looked = await client("POST", "/cards:bulk", {**body, "dry_run": True})
        assert looked.json == {**nothing, **expected, "dry_run": True}
        done = await client("POST", "/cards:bulk", {**body, "expect": 4})
        assert done.json == {**nothing, **expected, "dry_run": False}


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/cards:generate", {"customer": 42, "credit": "much"}, "/credit"),
        ("/cards:bulk", CHANGE, "/changes/credit"),
        ("/vouchers:generate", {"currency": "USD", "value": "much"}, "/value"),
        ("/vouchers:generate", {"currency": "USD", "addition": "much"}, "/addition"),
        ("/vouchers:generate", {"currency": "USD", "value": "1", "minimum": "much"}, "/minimum"),
    ],
)
async def test_a_wrong_amount_is_named_by_its_field(
    idle: Api, path: str, body: dict[str, Any], pointer: str
) -> None:
    wrong = await (await idle.client())("POST", path, body)
    assert wrong.status == 422, wrong.text
    assert [one["pointer"] for one in wrong.json["errors"]] == [pointer]


async def test_a_bulk_action_on_cards_that_are_not_all_fit_changes_none(idle: Api) -> None:
    client = await idle.client()
    ids = [one["id"] for one in await made(idle, client, "/cards:generate", CARDS)]
    none = {"action": "change", "filter": {"status": "used"}}
    for body, code in (
        ({"action": "disable", "ids": [ids[0], "100000000007"]}, "card.no_id"),
        ({"action": "disable"}, "card.count_unconfirmed"),
        ({"action": "disable", "dry_run": True}, "card.none_selected"),
        ({"action": "disable", "ids": ids, "batch": "spring"}, "card.none_selected"),
        ({"action": "disable", "ids": ids, "changes": {"credit": "1"}}, "card.changes_unwanted"),
        ({"action": "change", "ids": ids}, "card.nothing_to_change"),
        ({"action": "burn", "ids": ids}, "field.malformed"),
        ({"action": "disable", "filter": {"colour": "red"}, "expect": 4}, "field.unknown"),
        ({**none, "changes": {"credit": "1"}, "expect": 0}, "card.none_selected"),
    ):
        came = await client("POST", "/cards:bulk", body)
        assert came.json["code"] == code, came.text
    listed = (await client("GET", "/cards?status=available")).json["items"]
    assert len(listed) == 4


async def test_a_whole_batch_is_changed_disabled_and_deleted(idle: Api) -> None:
    client = await idle.client()
    ids = [one["id"] for one in await made(idle, client, "/cards:generate", CARDS)]
    assert (await client("POST", "/batches/spring:disable")).json["changed"] == 4
    assert (await client("POST", "/batches/spring:enable")).json["changed"] == 4
    tag = (await client("GET", "/batches/spring")).headers["ETag"]
    changed = await client("PATCH", "/batches/spring", {"credit": "2.00"}, {"If-Match": tag})
    assert changed.json["changed"] == 4
    assert (await client("GET", f"/cards/{ids[3]}")).json["credit"] == "2.00"
    ready = await client("POST", "/batches/spring:discard")
    assert (ready.status, ready.json["code"]) == (409, "card_batch.finished")
    assert (await client("DELETE", "/batches/spring")).status == 204
    assert (await client("GET", "/batches/spring")).status == 404


async def test_vouchers_are_made_disabled_redeemed_and_deleted(idle: Api) -> None:
    client = await idle.client()
    new = {"currency": "USD", "value": "5.00", "count": 3, "batch": "gifts"}
    wrong = await client("POST", "/vouchers:generate", {**new, "multiplier": "ten"})
    assert (wrong.status, wrong.json["code"]) == (422, "voucher.malformed_multiplier")
    first, second, third = await made(idle, client, "/vouchers:generate", new)
    assert len(first["code"]) == 16
    path = f"/vouchers/{first['id']}"
    assert (await client("POST", f"{path}:disable")).json["status"] == "disabled"
    redemption = {"code": first["code"], "customer": 42}
    assert (await client("POST", "/vouchers:redeem", redemption)).status in (409, 422)
    assert (await client("POST", f"{path}:enable")).json["status"] == "available"
    given = await client("POST", "/vouchers:redeem", redemption)
    assert (given.json["status"], given.json["given"]) == ("used", "5.00")
    assert (await client("GET", "/accounts/42")).json["balance"] == "5.00"
    assert (await client("DELETE", path)).json["code"] == "voucher.redeemed"
    assert (await client("DELETE", f"/vouchers/{second['id']}")).status == 204
    found = await client("GET", "/vouchers?kind=value&status=available")
    assert [str(one["id"]) for one in found.json["items"]] == [third["id"]]


@pytest.mark.parametrize("path", ["/cards:generate", "/vouchers:generate"])
async def test_nothing_is_made_without_a_pepper(
    idle: Api, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.delenv("RINGFLOW_PIN_PEPPER")
    client = await idle.client()
    body = CARDS if path.startswith("/cards") else {"currency": "USD", "value": "1"}
    came = await client("POST", path, body)
    assert (came.status, came.json["code"]) == (503, "start.impossible")
    assert (await client("GET", "/jobs")).json["items"] == []
