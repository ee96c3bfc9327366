"""What is refused of requests, whoever sends them: each with a problem that names the place."""

from __future__ import annotations

import pytest

from ringflow.config import Config
from ringflow.store import StoreGone

from .conftest import Api, Client, served


async def test_nobody_gets_in_without_a_token_that_is_good(api: Api) -> None:
    unnamed = await api.nobody()("GET", "/customers")
    assert (unnamed.status, unnamed.json["code"]) == (401, "request.no_token")
    assert unnamed.headers["WWW-Authenticate"] == 'Bearer realm="ringflow"'
    wrong = await api.nobody("rf_aaaaaaaa_" + "b" * 43)("GET", "/customers")
    assert (wrong.status, wrong.json["code"]) == (401, "token.refused")


async def test_a_right_that_is_missing_is_named(api: Api) -> None:
    viewer = await api.client("viewer")
    assert (await viewer("GET", "/customers")).status == 200
    refused = await viewer("POST", "/customers", {"name": "x"})
    assert (refused.status, refused.json["fields"]) == (403, {"right": "customers.change"})
    assert len((await viewer("GET", "/customers")).json["items"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        # Bodies by their beginnings, which name the cases.
        (b"", 400, "request.malformed_json"),
        (b'{"name": "x"', 400, "request.malformed_json"),
        (b'{"channels": NaN}', 400, "request.malformed_json"),
        (b'{"name": "a", "name": "b"}', 400, "request.malformed_json"),
        (b'\xff{"name": "a"}', 400, "request.malformed_json"),
        (b"[" * 100_000 + b"]" * 100_000, 400, "request.malformed_json"),
        (b'{"channels": ' + b"9" * 5000 + b"}", 400, "request.malformed_json"),
        (b"[1]", 422, "field.malformed"),
        (b'{"name": "a\\u0000b"}', 422, "field.unfit_text"),
        (b'{"name": "\\ud800"}', 422, "field.unfit_text"),
        (b'{"channels": 99999999999999999999}', 422, "field.out_of_range"),
        (b'{"channels": 1e400}', 422, "field.out_of_range"),
        (b'{"channels": 1.5}', 422, "field.malformed"),
        (b'{"channels": true}', 422, "field.malformed"),
        (b'{"channels": "2"}', 422, "field.malformed"),
        (b'{"name": "' + b"x" * 1_000_001 + b'"}', 413, "request.too_large"),
    ],
    ids=[
        "nothing",
        "half",
        "NaN",
        "twice",
        "latin",
        "deep",
        "huge",
        "list",
        "nul",
        "half pair",
        "long",
        "infinite",
        "broken",
        "yes for a number",
        "text for a number",
        "large",
    ],
)
async def test_a_body_that_cannot_be_taken_changes_nothing(
    api: Api, owner: Client, body: bytes, status: int, code: str | None
) -> None:
    came = await owner("POST", "/customers", data=body, headers={"Content-Type": "application/json"})
    assert came.status == status, came.text
    assert code is None or came.json["code"] == code
    # The phrases of RFC 9110, whichever Python runs this.
    phrases = {400: "Bad Request", 413: "Content Too Large", 422: "Unprocessable Content"}
    assert came.json["title"] == phrases[status]
    assert "Traceback" not in came.text
    assert "SELECT" not in came.text
    assert len((await owner("GET", "/customers")).json["items"]) == 1


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/customers?color=red", 422, "request.unknown_parameter"),
        ("/customers?status=active&status=inactive", 422, "request.repeated_parameter"),
        ("/customers?limit=0", 422, "field.malformed"),
        ("/customers?limit=1001", 422, "field.malformed"),
        ("/customers?limit=many", 422, "field.malformed"),
        ("/calls?customer=9223372036854775808", 422, "field.out_of_range"),
        ("/holds?customer=-9223372036854775808", 422, "field.out_of_range"),
        ("/movements?customer=9223372036854775807", 200, None),
        ("/customers?sort=colour", 422, "list.unknown_sort"),
        ("/customers?cursor=abc", 422, "list.wrong_cursor"),
        ("/customers?q=%00", 422, "field.unfit_text"),
        ("/customers/abc", 422, "field.not_a_whole_number"),
        ("/customers/99999999999999999999999", 422, "field.not_a_whole_number"),
        ("/customers/9223372036854775807", 404, "customer.unknown"),
        ("/dids?customer=9223372036854775807", 200, None),
        ("/calls?since=yesterday", 422, "field.malformed"),
        ("/calls?since=0.5", 422, "field.malformed"),
        ("/calls?since=1782885600", 422, "field.malformed"),
        ("/calls?since=2026-06-01", 422, "field.malformed"),
        ("/calls?since=2026-06-01T00:00:00", 422, "field.malformed"),
        ("/calls?since=2026-06-01T00:00:00%2B02:00", 200, None),
        ("/calls/nothing", 404, "call.unknown"),
        ("/nothing", 404, "request.unknown_path"),
    ],
)
async def test_a_path_or_parameter_that_means_nothing_is_named(
    owner: Client, path: str, status: int, code: str | None
) -> None:
    came = await owner("GET", path)
    assert (came.status, came.json.get("code")) == (status, code), came.text


async def test_a_cursor_that_no_page_gave_is_named_by_its_parameter(owner: Client) -> None:
    came = await owner("GET", "/customers?cursor=abc")
    assert [one["pointer"] for one in came.json["errors"]] == ["/cursor"]


async def test_an_action_is_no_part_of_a_name(owner: Client) -> None:
    for method in ("DELETE", "GET", "PATCH", "PUT"):
        came = await owner(method, "/live/a1-1782885600.17:hangup")
        assert (came.status, came.headers["Allow"]) == (405, "POST")
    rotated = await owner("GET", "/cli-codes/5:rotate")
    assert (rotated.status, rotated.headers["Allow"]) == (405, "POST")


async def test_a_whole_number_may_be_written_with_a_point(owner: Client) -> None:
    body = b'{"id": 50.0, "channels": 2e0}'
    made = await owner("POST", "/customers", data=body, headers={"Content-Type": "application/json"})
    assert (made.status, made.json["id"], made.json["channels"]) == (201, 50, 2)


async def test_a_value_of_the_wrong_kind_is_worded_as_json_and_not_as_a_file(owner: Client) -> None:
    refused = await owner("POST", "/customers", {"name": ["x"], "currency": None})
    assert [(one["pointer"], one["message"]) for one in refused.json["errors"]] == [
        ("/name", "`name` must be text, not a list"),
        ("/currency", "`currency` cannot be null (give a value, or leave it out)"),
    ]
    refused = await owner("POST", "/cards:generate", {"customer": None})
    assert "`customer` cannot be null (give a value)" in str(refused.json)


async def test_methods_and_types_of_others_are_refused(owner: Client) -> None:
    method = await owner("PUT", "/customers")
    assert (method.status, method.headers["Allow"]) == (405, "GET, POST")
    kind = await owner("POST", "/customers", data=b"{}", headers={"Content-Type": "text/plain"})
    assert kind.status == 415
    assert (await owner("GET", "/customers", headers={"Accept": "text/html"})).status == 406
    assert (await owner("GET", "/customers", headers={"Accept": "text/html, */*;q=0.1"})).status == 200


async def test_every_answer_has_the_headers_that_keep_browsers_safe(owner: Client) -> None:
    for came in (await owner("GET", "/customers"), await owner("GET", "/nothing")):
        assert came.headers["X-Content-Type-Options"] == "nosniff"
        assert came.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in came.headers


async def test_without_the_database_a_request_is_to_come_again(
    api: Api, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise StoreGone("database x: it is away")

    with monkeypatch.context() as patch:
        patch.setattr(type(api.store), "reading", gone)
        came = await owner("GET", "/customers")
    assert (came.status, came.headers["Retry-After"], came.json["code"]) == (503, "2", "database.gone")
    assert (await owner("GET", "/customers")).status == 200


async def test_the_api_can_be_turned_off(server_config: Config) -> None:
    off = server_config.model_copy(
        update={"http": server_config.http.model_copy(update={"api": "off"}) if server_config.http else None}
    )
    async with served(off) as api_off, api_off.http.get("/api/v1/customers") as answer:
        assert answer.status == 404
