"""Scripts over HTTP: published, checked, compared, rolled back and tried."""

from __future__ import annotations

from .conftest import Client

ONE = b"async function main(data) { data.did.app = 'nowhere'; return data; }\n"
TWO = b"async function main(data) { throw new Error('486 Busy Here'); }\n"
JS = {"Content-Type": "text/javascript"}


async def test_a_script_is_published_read_compared_and_rolled_back(owner: Client) -> None:
    made = await owner(
        "PUT", "/scripts/route/text?note=first", headers={**JS, "If-None-Match": "*"}, data=ONE
    )
    assert (made.status, made.json["how"], made.json["note"]) == (200, "published", "first"), made.json
    again = await owner("PUT", "/scripts/route/text", headers={**JS, "If-None-Match": "*"}, data=TWO)
    assert (again.status, again.json["code"]) == (412, "request.there_already")
    read = await owner("GET", "/scripts/route/text")
    assert (read.text.encode(), read.headers["Content-Type"].partition(";")[0]) == (ONE, "text/javascript")
    changed = await owner(
        "PUT", "/scripts/route/text", headers={**JS, "If-Match": read.headers["ETag"]}, data=TWO
    )
    assert changed.status == 200
    late = await owner(
        "PUT", "/scripts/route/text", headers={**JS, "If-Match": read.headers["ETag"]}, data=ONE
    )
    assert late.status == 412
    back = await owner("POST", "/scripts/route:rollback", {"note": "too busy"})
    assert (back.json["how"], back.json["revision"]) == ("rolled back", made.json["revision"])
    history = (await owner("GET", "/scripts/route/revisions")).json["items"]
    kept = [(one["how"], one["revision"]) for one in history if one["how"] != "changed on disk"]
    one, two = made.json["revision"], changed.json["revision"]
    assert kept == [("rolled back", one), ("published", two), ("published", one)]
    different = (await owner("GET", f"/scripts/route/diff?old={two}&new=file")).json
    assert any(line.startswith("-async") for line in different["diff"])
    published = await owner("POST", "/scripts/route:publish", {})
    assert (published.status, published.json["code"]) == (409, "script.published_already")
    audited = (await owner("GET", "/audit")).json["items"]
    assert [one["verb"] for one in audited if one["subject"] == "script route"] == [
        "roll back",
        "publish",
        "publish",
    ]


async def test_a_text_with_problems_is_refused_with_each_of_them(owner: Client) -> None:
    bad = b"require('./nowhere');\nlet a = = 1;\n"
    checked = await owner("POST", "/scripts/route:check", headers=JS, data=bad)
    assert [(one["line"], one["what"]) for one in checked.json["problems"]] == [
        (1, "there is no module `./nowhere`")
    ]
    syntax = await owner("POST", "/scripts/route:check", headers=JS, data=b"let a = = 1;\n")
    assert [one["path"] for one in syntax.json["problems"]] == ["route.js"]
    assert (await owner("POST", "/scripts/route:check", headers=JS, data=ONE)).json == {"problems": []}
    refused = await owner("PUT", "/scripts/route/text", headers={**JS, "If-None-Match": "*"}, data=bad)
    assert refused.status == 422
    assert (await owner("GET", "/scripts/route")).json["code"] == "script.unknown"
    for path in ("/scripts/no%20way/text", "/scripts/route/text?version=beef"):
        assert (await owner("GET", path)).status == 404


async def test_a_script_says_who_runs_it_and_is_tried_without_a_trace(owner: Client) -> None:
    await owner("PUT", "/scripts/route/text", headers={**JS, "If-None-Match": "*"}, data=TWO)
    await owner("POST", "/trunks", {"name": "leg", "dial": "PJSIP/{number}@leg", "script": "route"})
    did = {
        "number": "18005550177",
        "app": "main",
        "identify": "none",
        "script": "route",
        "hangup_script": "route",
    }
    assert (await owner("POST", "/dids", did)).status == 201
    shown = (await owner("GET", "/scripts/route")).json
    assert (
        shown["dids"],
        shown["hangup_dids"],
        shown["trunk_names"],
        shown["used_in"],
        shown["problems"],
    ) == (
        ["18005550177"],
        ["18005550177"],
        ["leg"],
        [],
        [],
    )
    assert "route" in [one["name"] for one in (await owner("GET", "/scripts")).json["items"]]
    tried = await owner("POST", "/scripts/route:run", {"did": "18005550177", "cli": "441910000001"})
    assert (tried.status, tried.json["reject_sip"], tried.json["reason"]) == (200, 486, "Busy Here")
    assert (await owner("POST", "/scripts/route:run", {"did": "999"})).json["code"] == "did.unknown"
