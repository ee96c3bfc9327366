"""Rate cards over HTTP: made, filled rate by rate, assigned, asked for a price."""

from __future__ import annotations

from .conftest import Client
from .test_directory import pointers, tag_of


async def test_a_card_is_made_filled_assigned_and_asked(owner: Client) -> None:
    wrong = await owner("POST", "/rate-cards", {"name": "retail", "currency": "USD", "rounding": "sideways"})
    assert pointers(wrong) == {"/rounding"}
    assert pointers(await owner("POST", "/rate-cards", {"name": "x", "currency": "XXQ"})) == {"/currency"}
    made = await owner("POST", "/rate-cards", {"name": "retail", "currency": "USD"})
    assert (made.status, made.json["decimals"], made.json["rows"]) == (201, 4, 0)
    path = "/rate-cards/retail/rates/44"
    empty = await owner("GET", path)
    assert empty.json == {"items": [], "next": None}
    unpriced = await owner("PATCH", path, {"minimum_s": 30}, tag_of(empty))
    assert unpriced.json["code"] == "rate.needs_price"
    wrong = await owner(
        "PATCH",
        path,
        {"price": "a lot", "connection": "-1", "increment_s": 0, "destination": "x" * 101, "blocked": "no"},
        tag_of(empty),
    )
    assert pointers(wrong) == {"/blocked"}
    fields = {"price": "a lot", "connection": "-1", "increment_s": 0, "destination": "x" * 101}
    wrong = await owner("PATCH", path, fields, tag_of(empty))
    assert pointers(wrong) == {"/price", "/connection", "/increment_s", "/destination"}
    fields = {"price": "0.06", "increment_s": 6, "minimum_s": 30, "destination": "United Kingdom"}
    rate = await owner("PATCH", path, fields, tag_of(empty))
    assert (rate.status, rate.json["items"][0]["price"], rate.json["items"][0]["minimum_s"]) == (
        200,
        "0.06",
        30,
    )
    late = await owner("PATCH", path, {"price": "0.07"}, tag_of(empty))
    assert late.status == 412
    begins = {"price": "0.08", "from_at": "2099-01-01T00:00:00Z"}
    both = await owner("PATCH", path, begins, tag_of(rate))
    assert [(one["price"], one["from_at"], one["until_at"]) for one in both.json["items"]] == [
        ("0.06", None, "2099-01-01T00:00:00Z"),
        ("0.08", "2099-01-01T00:00:00Z", None),
    ]
    several = await owner("DELETE", path, headers=tag_of(both))
    assert several.json["code"] == "rate.several"
    which = {"from_at": "2099-01-01T00:00:00Z"}
    assert (await owner("DELETE", path, headers=tag_of(both), params=which)).status == 204
    await owner("PATCH", "/rate-cards/retail/rates/4470", {"blocked": True}, {"If-Match": "*"})
    listed = await owner("GET", "/rate-cards/retail/rates", params={"prefix": "+44", "blocked": "true"})
    assert [one["prefix"] for one in listed.json["items"]] == ["4470"]

    nobody = await owner("GET", "/customers/42/rate-card")
    assert (nobody.status, nobody.json["code"]) == (404, "rate_card.unassigned")
    assigned = await owner("PUT", "/customers/42/rate-card", {"rate_card": "retail"})
    assert assigned.json == {"customer": 42, "trunk": None, "rate_card": "retail"}
    await owner("PUT", "/trunks/carrier/rate-card", {"rate_card": "retail"})
    who = (await owner("GET", "/rate-cards/retail/assignments")).json["items"]
    assert [(one["customer"], one["trunk"]) for one in who] == [(42, None), (None, "carrier")]
    await owner("POST", "/movements:pay", {"kind": "pay_in", "customer": 42, "amount": "1", "reason": "x"})
    quoted = await owner("GET", "/customers/42/quote", params={"number": "+44 1910 000001"})
    assert (quoted.json["price"], quoted.json["affordable_s"]) == ("0.06", 996)
    cost = await owner("GET", "/trunks/carrier/quote?number=441910000001")
    assert (cost.json["trunk"], cost.json["price"]) == ("carrier", "0.06")
    by_card = await owner("GET", "/rate-cards/retail/quote", params={"number": "011441910000001"})
    assert (by_card.json["rate_card"], by_card.json["price"], by_card.json["number"]) == (
        "retail",
        "0.06",
        "441910000001",
    )
    answers = [
        (await owner("GET", f"/rate-cards/{card}/quote?number={number}")).json["code"]
        for card, number in (("none", "441910000001"), ("retail", "819012345678"), ("retail", "447001234567"))
    ]
    assert answers == ["rate_card.unknown", "rate.none_for_number", "rate.blocked"]
    assert (await owner("GET", "/customers/42/quote?number=me")).json["code"] == "number.malformed"
    assert (await owner("GET", "/customers/42/quote")).json["errors"][0]["pointer"] == "/number"

    seen = await owner("GET", "/rate-cards/retail")
    held = await owner("DELETE", "/rate-cards/retail", headers=tag_of(seen))
    assert (held.status, held.json["code"]) == (409, "rate_card.assigned")
    default = await owner(
        "PATCH", "/rate-cards/retail", {"default": True, "below_cost": "warn"}, tag_of(seen)
    )
    assert (default.json["default"], default.json["below_cost"]) == (True, "warn")
    assert pointers(await owner("PATCH", "/rate-cards/retail", {"default": False}, tag_of(default))) == {
        "/default"
    }
    for whose in ("/customers/42", "/trunks/carrier"):
        assert (await owner("DELETE", f"{whose}/rate-card")).status == 204
        assert (await owner("GET", f"{whose}/rate-card")).status == 404
    assert (await owner("DELETE", "/rate-cards/retail", headers=tag_of(default))).status == 204


async def test_a_map_of_columns_is_kept_as_it_is_given(owner: Client) -> None:
    given = {"columns": 'prefix=Code,price="Rate USD"', "values": "increment=60/60", "dates": "dmy"}
    kept = await owner("PUT", "/rate-maps/acme", given)
    assert {name: kept.json[name] for name in given} == given
    assert (await owner("GET", "/rate-maps/acme")).json == kept.json
    assert [one["name"] for one in (await owner("GET", "/rate-maps")).json["items"]] == ["acme"]
    wrong = await owner("PUT", "/rate-maps/acme", {"columns": "prefx=Code"})
    assert wrong.json["code"] == "rate_sheet.unknown_field"
    assert wrong.json["detail"].startswith("`columns`: there is no field `prefx`")
    assert (await owner("DELETE", "/rate-maps/acme")).status == 204
    assert (await owner("DELETE", "/rate-maps/acme")).json["code"] == "rate_map.unknown"


async def test_limits_statement_and_reports_are_read_and_set(owner: Client) -> None:
    seen = await owner("GET", "/accounts/42/limits")
    assert seen.json == {"customer": 42, "currency": "USD", "debit_limit": "0.00", "daily_limit": None}
    wrong = await owner("PATCH", "/accounts/42/limits", {"debit_limit": "much"}, tag_of(seen))
    assert pointers(wrong) == {"/debit_limit"}
    wrong = await owner(
        "PATCH", "/accounts/42/limits", {"debit_limit": "1", "daily_limit": "-1"}, tag_of(seen)
    )
    assert (wrong.status, pointers(wrong)) == (422, {"/daily_limit"})
    both = await owner(
        "PATCH", "/accounts/42/limits", {"debit_limit": "-1", "daily_limit": "9"}, tag_of(seen)
    )
    assert (both.json["debit_limit"], both.json["daily_limit"]) == ("-1.00", "9.00")
    assert (await owner("PATCH", "/accounts/42/limits", {}, tag_of(seen))).status == 412
    free = await owner("PATCH", "/accounts/42/limits", {"daily_limit": None}, tag_of(both))
    assert (free.json["debit_limit"], free.json["daily_limit"]) == ("-1.00", None)
    assert (await owner("GET", "/accounts/7/limits")).status == 404
    payment = {"kind": "pay_in", "customer": 42, "amount": "5.00", "reason": "cash"}
    await owner("POST", "/movements:pay", payment)
    await owner("POST", "/movements:pay", {**payment, "kind": "pay_out", "amount": "1.50"})
    (account,) = (await owner("GET", "/accounts?currency=USD")).json["items"]
    assert account == (await owner("GET", "/accounts/42")).json
    assert (account["balance"], account["available"], account["debit_limit"]) == ("3.50", "2.50", "-1.00")
    assert (await owner("GET", "/accounts?currency=EUR")).json["items"] == []
    statement = (await owner("GET", "/accounts/42/statement")).json
    assert [one["balance"] for one in statement["movements"]] == ["5.00", "3.50"]
    assert (statement["opening"], statement["closing"]) == ("0.00", "3.50")
    later = await owner("GET", "/accounts/42/statement", params={"since": "2099-01-01T00:00:00Z"})
    assert (later.json["opening"], later.json["movements"]) == ("3.50", [])
    for by in ("customer", "trunk", "day", "destination"):
        came = await owner("GET", f"/reports/calls/by-{by}")
        assert (came.status, came.json) == (200, {"items": [], "next": None})
