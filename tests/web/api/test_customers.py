"""Customers, their CLIs and DIDs over HTTP, from making to deleting."""

from __future__ import annotations

from .conftest import Api, Client

ANN = {"name": "Ann", "currency": "EUR", "channels": 2}


async def test_a_customer_is_made_read_changed_and_deleted(owner: Client) -> None:
    made = await owner("POST", "/customers", ANN)
    assert (made.status, made.json["id"], made.json["currency"]) == (201, 43, "EUR")
    read = await owner("GET", "/customers/43")
    assert (read.status, read.json) == (200, made.json)
    tag = read.headers["ETag"]
    changed = await owner("PATCH", "/customers/43", {"name": "Ann & Bob"}, {"If-Match": tag})
    assert (changed.status, changed.json["name"], changed.json["channels"]) == (200, "Ann & Bob", 2)
    assert changed.headers["ETag"] != tag
    gone = await owner("DELETE", "/customers/43", headers={"If-Match": changed.headers["ETag"]})
    assert (gone.status, gone.text) == (204, "")
    missing = await owner("GET", "/customers/43")
    assert (missing.status, missing.json["code"]) == (404, "customer.unknown")


async def test_who_has_seen_an_older_state_changes_nothing(owner: Client) -> None:
    made = await owner("POST", "/customers", ANN)
    seen = (await owner("GET", f"/customers/{made.json['id']}")).headers["ETag"]
    path = f"/customers/{made.json['id']}"
    await owner("PATCH", path, {"channels": 3}, {"If-Match": seen})
    late = await owner("PATCH", path, {"channels": 9}, {"If-Match": seen})
    assert (late.status, late.json["code"]) == (412, "request.outdated")
    unsaid = await owner("PATCH", path, {"channels": 9})
    assert (unsaid.status, unsaid.json["code"]) == (428, "request.no_condition")
    now = await owner("GET", path)
    assert now.json["channels"] == 3
    assert late.headers["ETag"] == now.headers["ETag"]
    same = await owner("GET", path, headers={"If-None-Match": now.headers["ETag"]})
    assert (same.status, same.text) == (304, "")


async def test_customers_are_listed_in_pages_that_lead_on(owner: Client) -> None:
    for number in range(5):
        await owner("POST", "/customers", {"name": f"c{number}"})
    first = await owner("GET", "/customers?limit=4&sort=-id")
    assert [one["id"] for one in first.json["items"]] == [47, 46, 45, 44]
    assert (
        first.headers["Link"] == '</api/v1/customers?limit=4&sort=-id>; rel="first", '
        f'</api/v1/customers?limit=4&sort=-id&cursor={first.json["next"]}>; rel="next"'
    )
    rest = await owner("GET", "/customers", params={"limit": 4, "sort": "-id", "cursor": first.json["next"]})
    assert ([one["id"] for one in rest.json["items"]], rest.json["next"]) == ([43, 42], None)
    found = await owner("GET", "/customers?q=C3")
    assert [one["name"] for one in found.json["items"]] == ["c3"]


async def test_every_wrong_field_is_named_and_nothing_is_made(owner: Client) -> None:
    wrong = await owner("POST", "/customers", {"nam": "x", "channels": "many", "status": "asleep"})
    assert (wrong.status, wrong.headers["Content-Type"]) == (422, "application/problem+json; charset=utf-8")
    assert {one["pointer"] for one in wrong.json["errors"]} == {"/nam", "/channels", "/status"}
    assert "did you mean `name`" in next(
        one["message"] for one in wrong.json["errors"] if one["pointer"] == "/nam"
    )
    checked = await owner("POST", "/customers", {"currency": "XXQ", "channels": -1})
    assert {one["pointer"] for one in checked.json["errors"]} == {"/currency", "/channels"}
    assert len((await owner("GET", "/customers")).json["items"]) == 1


async def test_a_cli_and_a_did_are_made_and_taken_away(owner: Client) -> None:
    cli = await owner("POST", "/clis", {"customer": 42, "number": "+44 1910 000002", "notes": "desk"})
    assert (cli.status, cli.json["number"]) == (201, "441910000002")
    again = await owner("POST", "/clis", {"customer": 42, "number": "441910000002"})
    assert (again.status, again.json["code"]) == (409, "cli.taken")
    neither = await owner("POST", "/clis", {"customer": 42})
    assert (neither.status, neither.json["code"]) == (422, "cli.number_or_pattern")
    did = await owner("POST", "/dids", {"number": "18005550177", "app": "calling_card", "customer": 42})
    assert (did.status, did.json["customer"]) == (201, 42)
    tag = (await owner("GET", "/dids/18005550177")).headers["ETag"]
    freed = await owner("PATCH", "/dids/18005550177", {"customer": None}, {"If-Match": tag})
    assert (freed.status, freed.json["customer"]) == (200, None)
    for path in ("/dids/18005550177", "/clis/441910000002"):
        tag = (await owner("GET", path)).headers["ETag"]
        assert (await owner("DELETE", path, headers={"If-Match": tag})).status == 204
        assert (await owner("GET", path)).status == 404


async def test_what_is_changed_is_in_the_audit_log_with_the_token(api: Api, owner: Client) -> None:
    await owner("POST", "/customers", ANN)
    log = await owner("GET", "/audit?subject=customer 43")
    (entry,) = log.json["items"]
    assert (entry["operator"], entry["token"], entry["verb"], entry["after"]["name"]) == (
        "admin",
        "test",
        "add",
        "Ann",
    )
    assert owner.token is not None
    assert (entry["credential"], entry["address"]) == (owner.token[: len("rf_ab12cd34")], "127.0.0.1")
