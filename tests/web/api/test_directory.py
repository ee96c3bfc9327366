"""Value lists, calendars, speed dials, codes and service passwords over HTTP, from making to deleting."""

from __future__ import annotations

import pytest

from ringflow.config import Config

from .conftest import Client, served


def tag_of(came: object) -> dict[str, str]:
    return {"If-Match": came.headers["ETag"]}  # type: ignore[attr-defined]


def pointers(came: object) -> set[str]:
    return {one["pointer"] for one in came.json["errors"]}  # type: ignore[attr-defined]


async def test_a_list_is_made_filled_renamed_and_deleted(owner: Client) -> None:
    made = await owner("POST", "/value-lists", {"name": "barred", "notes": "fraud"})
    assert (made.status, made.json) == (201, {"name": "barred", "kind": "numbers", "notes": "fraud"})
    wrong = await owner("POST", "/value-lists", {"name": "Barred!", "kind": "colours"})
    assert pointers(wrong) == {"/kind"}
    assert (await owner("POST", "/value-lists", {"name": "Barred!"})).json["code"] == (
        "value_list.malformed_name"
    )
    entries = "/value-lists/barred/entries"
    added = await owner("POST", entries, {"entry": "+44 1910 000001", "expires": "2027-12-31"})
    assert added.json == {"entry": "441910000001", "notes": "", "expires": "2027-12-31"}
    await owner("POST", entries, {"entry": "4419*", "notes": "all"})
    again = await owner("POST", entries, {"entry": "441910000001", "notes": "for ever"})
    assert again.json == {"entry": "441910000001", "notes": "for ever", "expires": None}
    for day in ("9999-12-31", "0001-01-01", "tomorrow"):
        late = await owner("POST", entries, {"entry": "4419*", "expires": day})
        assert (late.status, pointers(late)) == (422, {"/expires"}), late.text
    listed = await owner("GET", entries, params={"q": "44", "limit": 1})
    assert ([one["entry"] for one in listed.json["items"]], listed.json["next"] is None) == (["4419*"], False)
    seen = await owner("GET", "/value-lists/barred")
    assert seen.json["entry_count"] == 2
    found = await owner("GET", f"{entries}/%2B441910000001")
    assert found.json["notes"] == "for ever"
    assert (await owner("GET", f"{entries}/441910000002")).json["code"] == "value_list.unknown_entry"
    assert (await owner("DELETE", f"{entries}/441910000001", headers=tag_of(found))).status == 204
    # An entry more or less is no change of the list itself.
    renamed = await owner("PATCH", "/value-lists/barred", {"name": "bad"}, tag_of(seen))
    assert (renamed.status, renamed.json["name"], renamed.json["entry_count"]) == (200, "bad", 1)
    stale = await owner("PATCH", "/value-lists/bad", {"notes": ""}, tag_of(seen))
    assert stale.status == 412
    full = await owner("DELETE", "/value-lists/bad", headers=tag_of(renamed))
    assert (full.status, full.json["code"]) == (409, "value_list.has_entries")
    assert (await owner("DELETE", "/value-lists/bad?with_entries=1", headers={"If-Match": "*"})).status == 204
    assert (await owner("GET", "/value-lists/bad")).status == 404


async def test_a_calendar_is_kept_by_hand(owner: Client) -> None:
    made = await owner("POST", "/calendars", {"name": "england", "notes": "days off"})
    assert (made.status, made.json["url"], made.json["entry_count"]) == (201, None, 0)
    abroad = await owner("POST", "/calendars", {"name": "x", "url": "https://192.0.2.1/x.ics"})
    assert (abroad.status, abroad.json["code"]) == (403, "calendar.host_not_allowed")
    seen = await owner("GET", "/calendars/england")
    days = "/calendars/england/entries"
    day = await owner("POST", days, {"first": "2099-12-25", "title": "Christmas Day"})
    assert (day.json["begins"], day.json["title"], day.json["by_hand"]) == (
        "2099-12-25",
        "Christmas Day",
        True,
    )
    back = await owner("POST", days, {"first": "2099-12-25", "last": "2099-12-24"})
    assert pointers(back) == {"/last"}
    assert pointers(await owner("POST", days, {"first": "25.12.2099"})) == {"/first"}
    await owner("POST", days, {"first": "2020-12-25"})
    assert len((await owner("GET", days)).json["items"]) == 1
    assert len((await owner("GET", f"{days}?past=true")).json["items"]) == 2
    # Christmas Eve in London, and Christmas Day further east already.
    eve = "/calendars/england/holiday?at=2099-12-24T22:30:00Z&timezone="
    assert (await owner("GET", f"{eve}Europe/London")).json == {"is_holiday": False, "title": None}
    assert (await owner("GET", f"{eve}Europe/Kiev")).json == {"is_holiday": True, "title": "Christmas Day"}
    assert (await owner("GET", "/calendars/england/holiday")).json["is_holiday"] is False
    assert pointers(await owner("GET", f"{eve}Europe/Lundon")) == {"/timezone"}
    assert (await owner("GET", "/calendars/none/holiday")).json["code"] == "calendar.unknown"
    assert (await owner("DELETE", f"{days}/{day.json['id']}")).status == 204
    assert (await owner("DELETE", f"{days}/{day.json['id']}")).json["code"] == "calendar.unknown_entry"
    kinds = {"Content-Type": "text/csv"}
    taken = await owner("POST", "/calendars/england:import", data=b"2099-01-01,New Year\n", headers=kinds)
    assert (taken.status, taken.json["entry_count"]) == (200, 1), "of what was added one is left"
    bad = await owner("POST", "/calendars/england:import", data=b"2099-01-01\n32.1.2099\n", headers=kinds)
    assert (bad.status, [(one["path"], one["line"]) for one in bad.json["problems"]]) == (
        422,
        [("upload.csv", 2)],
    )
    ical = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270101\r\n"
        b"SUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    kinds = {"Content-Type": "text/calendar"}
    taken = await owner("POST", "/calendars/england:import", data=ical, headers=kinds)
    assert (taken.status, taken.json["entry_count"]) == (200, 2), taken.text
    changed = await owner("PATCH", "/calendars/england", {"notes": "holidays"}, tag_of(seen))
    assert changed.json["notes"] == "holidays"
    fetched = await owner("POST", "/calendars/england:refresh")
    assert (fetched.status, fetched.json["code"]) == (409, "calendar.no_url")
    assert (await owner("DELETE", "/calendars/england", headers=tag_of(seen))).status == 412
    assert (await owner("DELETE", "/calendars/england", headers=tag_of(changed))).status == 204


async def test_a_number_is_kept_under_a_key(owner: Client) -> None:
    wrong = await owner("POST", "/speed-dials", {"customer": 42, "place": 100, "number": "me"})
    assert pointers(wrong) == {"/place", "/number"}
    nobody = await owner("POST", "/speed-dials", {"customer": 7, "place": 1, "number": "441910000009"})
    assert (nobody.status, pointers(nobody)) == (404, {"/customer"})
    made = await owner("POST", "/speed-dials", {"customer": 42, "place": 0, "number": "+44 1910 000009"})
    assert (made.status, made.json["number"]) == (201, "441910000009")
    seen = await owner("GET", "/speed-dials/42/0")
    changed = await owner("PATCH", "/speed-dials/42/0", {"name": "Ann"}, tag_of(seen))
    assert (changed.json["name"], changed.json["number"]) == ("Ann", "441910000009")
    assert [one["name"] for one in (await owner("GET", "/speed-dials?customer=42")).json["items"]] == ["Ann"]
    assert (await owner("DELETE", "/speed-dials/42/0", headers=tag_of(seen))).status == 412
    assert (await owner("DELETE", "/speed-dials/42/0", headers=tag_of(changed))).status == 204


async def test_what_callers_key_is_shown_once(server_config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(server_config) as api:
        owner = await api.client()
        none = await owner("POST", "/cli-codes", {"customer": 42, "number": "441910000077"})
        assert (none.status, none.json["code"]) == (503, "start.impossible")
        monkeypatch.setenv(server_config.cards.pepper_env, "a-pepper-that-is-long-enough-for-tests-only")
        made = await owner("POST", "/cli-codes", {"customer": 42, "number": "+441910000077", "digits": 5})
        assert (made.status, made.json["number"], len(made.json["code"])) == (201, "441910000077", 5)
        path = f"/cli-codes/{made.json['id']}"
        seen = await owner("GET", path)
        assert (seen.json["digits"], "code" in seen.json) == (5, False)
        again = await owner("POST", f"{path}:rotate", {})
        assert len(again.json["code"]) == 5
        short = await owner("POST", f"{path}:rotate", {"digits": 2})
        assert pointers(short) == {"/digits"}
        taken = await owner("POST", "/cli-codes", {"customer": 42, "number": "441910000077"})
        assert (taken.status, taken.json["code"]) == (409, "cli_code.taken")
        assert [one["customer"] for one in (await owner("GET", "/cli-codes?q=44191")).json["items"]] == [42]
        assert (await owner("DELETE", path, headers={"If-Match": "*"})).status == 204
        password = await owner("POST", "/customers/42/service-password", {"digits": 8})
        assert (password.status, len(password.json["password"])) == (201, 8)
        assert (await owner("GET", "/customers/42")).json["service_password"] is True
        assert (await owner("DELETE", "/customers/42/service-password")).status == 204
        assert (await owner("DELETE", "/customers/42/service-password")).status == 404
        log = (await owner("GET", "/audit?limit=100")).text
        for secret in (made.json["code"], again.json["code"], password.json["password"]):
            assert f'"{secret}"' not in log
