"""Lists over HTTP: some of their fields, how many rows, and all of them as CSV and NDJSON."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import ClientPayloadError

from ringflow.accounts.customer_overview import CUSTOMERS
from ringflow.errors import Refused
from ringflow.forms.json_value import json_value
from ringflow.web.rest import export
from ringflow.web.rest.fields import select_fields

from .conftest import Api, Client

FORMULA = "=HYPERLINK(1)"


@pytest.fixture
async def listed(api: Api) -> Client:
    """Customers 50 to 59 beside that of the configuration."""
    client = await api.client()
    for number in range(50, 60):
        name = FORMULA if number == 50 else f"Ann, the {number}th"
        assert (await client("POST", "/customers", {"id": number, "name": name})).status == 201
    return client


async def test_pages_say_how_many_rows_there_are_and_where_the_first_is(listed: Client) -> None:
    page = await listed("GET", "/customers?limit=2&count=exact&q=ann")
    assert page.json["count"] == 9
    first, following = page.headers["Link"].split(", ")
    assert first == '</api/v1/customers?limit=2&count=exact&q=ann>; rel="first"'
    assert following.endswith('>; rel="next"')
    second = await listed("GET", following[1:].partition(">")[0].removeprefix("/api/v1"))
    assert [one["id"] for one in second.json["items"]] == [53, 54]
    assert second.headers["Link"].startswith(first)
    last = await listed("GET", "/customers?limit=2&q=59th")
    assert (last.json["next"], "count" in last.json) == (None, False)
    assert 'rel="next"' not in last.headers["Link"]
    estimate = await listed("GET", "/customers?count=estimate")
    assert (estimate.status, estimate.json["code"]) == (422, "list.no_estimate")
    assert estimate.json["errors"][0]["pointer"] == "/count"


async def test_a_long_page_has_every_item_once_and_what_is_asked_beside(listed: Client) -> None:
    for number in range(60, 120):
        made = await listed("POST", "/customers", {"id": number, "name": 'a "name", with ü'})
        assert made.status == 201
    page = await listed("GET", "/customers?limit=65&count=exact&fields=id,name")
    assert [one["id"] for one in page.json["items"]] == [42, *range(50, 114)]
    assert {one["name"] for one in page.json["items"][11:]} == {'a "name", with ü'}
    assert (page.json["count"], [*page.json]) == (71, ["items", "next", "count"])
    rest = await listed("GET", f"/customers?cursor={page.json['next']}")
    assert [one["id"] for one in rest.json["items"]] == [*range(114, 120)]
    assert (await listed("GET", "/customers?q=nobody")).text == '{"items":[],"next":null}'


async def test_many_who_ask_at_once_take_turns_at_few_connections_of_the_database(listed: Client) -> None:
    before, most = threading.active_count(), 0
    asked = [asyncio.create_task(listed("GET", "/customers/50")) for _ in range(40)]
    while not all(one.done() for one in asked):
        most = max(most, threading.active_count())
        await asyncio.sleep(0)
    assert [one.result().status for one in asked] == [200] * 40
    # Each connection of SQLite is a thread: four, and one or two of the loop's own.
    assert most - before <= 6


async def test_a_sort_of_nothing_is_refused(listed: Client) -> None:
    came = await listed("GET", "/customers?sort=")
    assert (came.status, came.json["errors"][0]["pointer"]) == (422, "/sort")


async def test_more_rows_than_are_counted_are_refused(
    listed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringflow.store.pages.MOST_COUNTED", 10)
    assert (await listed("GET", "/customers?count=exact&q=ann")).json["count"] == 9
    came = await listed("GET", "/customers?count=exact")
    assert (came.status, came.json["code"], came.json["fields"]) == (
        422,
        "list.too_many_to_count",
        {"most": 10},
    )
    whole = await listed("GET", "/customers?count=exact&format=csv")
    assert (whole.status, whole.json["code"]) == (422, "list.not_counted")


async def test_a_page_ends_where_many_rows_were_tried_and_the_pages_together_have_all_that_fit(
    listed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The eleven customers are tried three at a time; of each three the middle one, or none, fits."""
    monkeypatch.setattr(CUSTOMERS, "reach", 3)
    for wanted, found in (("q=5th", [[], [], [55], []]), ("q=3th&sort=-id", [[], [], [53], []])):
        pages: list[list[int]] = []
        cursor = ""
        while cursor is not None:
            page = (await listed("GET", f"/customers?{wanted}&cursor={cursor}".removesuffix("&cursor="))).json
            pages.append([one["id"] for one in page["items"]])
            cursor = page["next"]
        assert pages == found
    # What an index finds is no reason to end a page, nor are rows that fill it.
    assert len((await listed("GET", "/customers?status=active")).json["items"]) == 11
    assert [one["id"] for one in (await listed("GET", "/customers?limit=1&q=ann")).json["items"]] == [51]
    whole = await listed("GET", "/customers?q=5th&format=ndjson&fields=id")
    assert [json.loads(line) for line in whole.text.splitlines()] == [
        {"id": 55},
        {"end": {"rows": 1, "next": None}},
    ]


async def test_no_more_rows_are_read_for_a_count_than_for_some_pages(
    listed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CUSTOMERS, "reach", 3)
    assert (await listed("GET", "/customers?count=exact&q=ann")).json["count"] == 9
    monkeypatch.setattr(CUSTOMERS, "reach", 2)
    for count in ("exact", "capped"):
        came = await listed("GET", f"/customers?count={count}&q=ann&sort=-name")
        assert (came.status, came.json["code"]) == (422, "list.too_many_to_count")
        assert came.json["fields"] == {"most": 10}
        assert (await listed("GET", f"/customers?count={count}")).json["count"] == 11
        assert (await listed("GET", f"/customers?count={count}&status=active")).json["count"] == 11
    monkeypatch.setattr("ringflow.store.pages.MOST_COUNTED", 7)
    assert (await listed("GET", "/customers?count=capped&q=ann")).json["count"] == 8


async def test_some_fields_of_a_list_and_of_one_thing_are_shown(listed: Client) -> None:
    page = await listed("GET", "/customers?fields=name,id&limit=1&q=51")
    assert page.json["items"] == [{"name": "Ann, the 51th", "id": 51}]
    whole = await listed("GET", "/customers/51")
    part = await listed("GET", "/customers/51?fields=id,balance")
    assert part.json == {"id": 51, "balance": "0.00"}
    assert part.headers["ETag"] == whole.headers["ETag"]
    wrong = await listed("GET", "/customers?fields=id,nmae,clis.x")
    assert wrong.status == 422
    assert [(one["code"], one["fields"]["field"]) for one in wrong.json["errors"]] == [
        ("list.unknown_field", "nmae"),
        ("list.unknown_field", "clis.x"),
    ]
    assert "did you mean `name`" in wrong.json["errors"][0]["message"]


async def test_a_whole_list_is_sent_as_lines_of_json_with_a_last_one_that_says_that_it_is_whole(
    listed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROWS_AT_ONCE", 3)
    came = await listed("GET", "/customers", headers={"Accept": "application/x-ndjson"})
    assert came.headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert came.headers["Content-Encoding"] == "gzip"
    *lines, end = [json.loads(line) for line in came.text.splitlines()]
    assert end == {"end": {"rows": 11, "next": None}}
    assert [one["id"] for one in lines] == [42, *range(50, 60)]
    page = await listed("GET", "/customers")
    assert lines == page.json["items"]

    some = await listed("GET", "/customers?format=ndjson&limit=4&fields=id&sort=-id")
    *lines, end = [json.loads(line) for line in some.text.splitlines()]
    assert lines == [{"id": 59}, {"id": 58}, {"id": 57}, {"id": 56}]
    rest = await listed("GET", f"/customers?format=ndjson&fields=id&sort=-id&cursor={end['end']['next']}")
    assert json.loads(rest.text.splitlines()[0]) == {"id": 55}


async def test_a_whole_list_is_sent_as_csv_that_no_spreadsheet_calculates(listed: Client) -> None:
    headers = {"Accept": "text/csv;q=1, application/json;q=0.5", "Accept-Encoding": "identity"}
    came = await listed("GET", "/customers?fields=id,name", headers=headers)
    assert came.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "Content-Encoding" not in came.headers
    assert came.headers["Content-Disposition"].endswith("customers.csv")
    rows = list(csv.DictReader(io.StringIO(came.text)))
    assert len(rows) == 11
    assert [one["name"] for one in rows if one["id"] == "50"] == [f"'{FORMULA}"]
    jobs = await listed("GET", "/jobs?format=csv")
    assert jobs.text.splitlines()[0].startswith("id,kind,subject,status")


async def test_which_format_a_list_has_is_what_is_liked_best(listed: Client) -> None:
    for accept, kind in (
        ("*/*", "application/json"),
        ("application/*, text/csv;q=0.9", "application/json"),
        ("text/csv;q=0.4, application/json;q=0.3", "text/csv"),
        ("text/csv, application/x-ndjson;q=x", "text/csv"),
        ("text/*", "text/csv"),
    ):
        came = await listed("GET", "/customers", headers={"Accept": accept})
        assert came.headers["Content-Type"].partition(";")[0] == kind, accept
    wrong = await listed("GET", "/customers?format=xml")
    assert (wrong.status, wrong.json["errors"][0]["pointer"]) == (422, "/format")
    sort = await listed("GET", "/customers?format=csv&sort=colour")
    assert (sort.status, sort.json["code"]) == (422, "list.unknown_sort")
    html = await listed("GET", "/customers", headers={"Accept": "text/html"})
    assert html.status == 406
    narrow = await listed("GET", "/customers/42", headers={"Accept": "text/csv"})
    assert narrow.status == 406


async def test_a_list_that_breaks_off_is_told_apart_from_a_whole_one(
    listed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = export.exported

    async def breaking(*given: object) -> AsyncIterator[bytes]:
        async for piece in exported(*given):  # type: ignore[arg-type]
            yield piece
            raise KeyError("something goes wrong after the first piece")

    monkeypatch.setattr("ringflow.web.rest.responses.exported", breaking)
    for kind in ("csv", "ndjson"):
        with pytest.raises(ClientPayloadError):
            await listed("GET", f"/customers?format={kind}")


async def test_an_export_holds_no_connection_while_nobody_reads_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_now = 0
    reading = api.store.reading

    class Counted:
        def __init__(self) -> None:
            self._inner = reading()

        async def __aenter__(self) -> object:
            nonlocal open_now
            open_now += 1
            return await self._inner.__aenter__()

        async def __aexit__(self, *why: object) -> object:
            nonlocal open_now
            open_now -= 1
            return await self._inner.__aexit__(*why)  # type: ignore[arg-type]

    monkeypatch.setattr(api.store, "reading", Counted)
    seen = []

    async def watching(*given: object) -> AsyncIterator[bytes]:
        async for piece in export.exported(*given):  # type: ignore[arg-type]
            seen.append(open_now)
            yield piece

    monkeypatch.setattr("ringflow.web.rest.responses.exported", watching)
    client = await api.client()
    assert (await client("GET", "/customers?format=ndjson")).status == 200
    assert seen == [0, 0]


def test_fields_of_nested_forms_are_chosen_by_dots() -> None:
    trunk = {"name": "carrier", "dial": "x"}

    @dataclass
    class Leg:
        trunk: dict[str, str]
        position: int

    @dataclass
    class Call:
        id: str
        legs: list[Leg]
        last: Leg | None

    call = Call("a1", [Leg(trunk, 1), Leg(trunk, 2)], None)
    globals().update(Leg=Leg)
    chosen = select_fields(Call, "last.position,legs.position,id")
    assert chosen.of(call) == {"last": None, "legs": [{"position": 1}, {"position": 2}], "id": "a1"}
    assert chosen.cells(call) == [None, [1, 2], "a1"]
    assert select_fields(Call, "legs.position,legs").of(call)["legs"] == json_value(call.legs)
    for wrong in ("legs.trunk.name", "id.x", "", "legs.", "x"):
        with pytest.raises(Refused):
            select_fields(Call, wrong)
