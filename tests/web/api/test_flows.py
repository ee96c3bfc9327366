"""Flows over HTTP: read, checked, drawn, drafted by two people, published, taken back, and called."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ringflow.accounts import dids
from ringflow.accounts.dids import Did
from ringflow.actor import acting, shell_operator
from ringflow.audit import EntryFilter, entry_page
from ringflow.config import Config
from ringflow.documents import Document
from ringflow.flows.revisions import text_revision
from ringflow.store.pages import PageRequest

from .conftest import Answered, Client, Pages, pages_of

FLOWS = Path(__file__).parents[3] / "app_flows"
MAIN = b"""\
app: main
title: What callers hear first
slots:
  - slot: menu
    id: ask
    file: IVR/ivr-please
    options: {"1": pay, "2": "app:card", "3": hangup}   # three ways
    on: {no_input: gone}
  - slot: app
    id: pay
    call: card
  - slot: hangup
"""
CARD = b"app: card\nslots:\n  - slot: audio\n    file: IVR/ivr-please\n"


class Flows:
    """A server with two small flows, and somebody who changes them."""

    def __init__(self, pages: Pages, folder: Path, client: Client) -> None:
        self.pages = pages
        self.folder = folder
        self.client = client

    async def get(self, path: str, **headers: str) -> Answered:
        return await self.client("GET", path, headers=headers)

    async def send(
        self, method: str, path: str, text: bytes, client: Client | None = None, **headers: str
    ) -> Answered:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Content-Type"] = "application/yaml"
        return await (client or self.client)(method, path, data=text, headers=named)

    def text(self, name: str = "card.yaml") -> bytes:
        return (self.folder / name).read_bytes()


@pytest.fixture
async def flows(_sqlite_template: Path, server_config: Config, tmp_path: Path) -> AsyncIterator[Flows]:
    own = tmp_path / "flows"
    own.mkdir()
    (own / "card.yaml").write_bytes(CARD)
    (own / "main.yaml").write_bytes(MAIN.replace(b"gone", b"hangup"))
    shutil.copy(FLOWS / "calling_card.yaml", own)
    config = server_config.model_copy(update={"flows": own})
    database = Path(shutil.copy(_sqlite_template, tmp_path / "flows.db"))
    async with pages_of(config.read_from(Document(str(tmp_path / "c.yaml"), None, {})), database) as pages:
        async with acting(pages.store, shell_operator("tests"), "US") as actor:
            await dids.add(actor, Did("18005550100", "calling_card"))
        yield Flows(pages, own, await pages.client())


def tag(text: bytes) -> str:
    return f'"{text_revision(text)}"'


async def test_flows_are_listed_with_all_that_concerns_them(flows: Flows) -> None:
    found = (await flows.get("/flows?limit=2")).json
    assert [one["app"] for one in found["items"]] == ["calling_card", "card"]
    calling, card = found["items"]
    assert calling["dids"] == ["18005550100"]
    assert (card["used_by"], card["file"], card["revision"]) == (["main"], "card.yaml", text_revision(CARD))
    rest = (await flows.get(f"/flows?limit=2&cursor={found['next']}")).json
    assert ([one["app"] for one in rest["items"]], rest["next"]) == (["main"], None)
    back = (await flows.get("/flows?sort=-app")).json["items"]
    assert [one["app"] for one in back] == ["main", "card", "calling_card"]
    assert [one["app"] for one in (await flows.get("/flows?q=HEAR+FIRST")).json["items"]] == ["main"]
    (flows.folder / "broken.yaml").write_text("app: broken\nslots:\n  - slot: hangpu\n")
    broken = (await flows.get("/flows/broken")).json
    assert broken["problems"] == [
        {
            "code": "slot_type_unknown",
            "path": "broken.yaml",
            "line": 3,
            "column": 11,
            "what": "unknown slot type `hangpu`",
            "mend": broken["problems"][0]["mend"],
        }
    ]
    assert (await flows.get("/flows/nothing")).json["code"] == "flow.unknown"


async def test_a_text_is_read_byte_for_byte_with_its_revision(flows: Flows) -> None:
    text = await flows.get("/flows/main/text")
    assert text.text.encode() == flows.text("main.yaml")
    assert text.headers["ETag"] == tag(flows.text("main.yaml"))
    assert text.headers["Content-Type"] == "application/yaml; charset=utf-8"
    assert (await flows.get("/flows/main/text", **{"If-None-Match": text.headers["ETag"]})).status == 304
    assert (await flows.get("/flows/main/text?version=published")).json["code"] == "flow.unpublished"
    assert (await flows.get("/flows/main/text?version=draft")).json["code"] == "flow.no_draft"


async def test_a_picture_has_each_exit_with_where_it_leads_and_stands(flows: Flows) -> None:
    checked = (await flows.send("POST", "/flows/main:check", MAIN)).json
    picture = checked["picture"]
    assert (picture["app"], picture["title"], picture["revision"]) == (
        "main",
        "What callers hear first",
        text_revision(MAIN),
    )
    ask, pay, last = picture["slots"]
    assert (ask["slot"], ask["type"], ask["line"], ask["column"], ask["position"]) == ("ask", "menu", 4, 5, 1)
    assert ask["prompts"] == ["IVR/ivr-please"]
    assert ask["as_written"]["options"] == {"1": "pay", "2": "app:card", "3": "hangup"}
    assert [ways(one) for one in ask["exits"]] == [
        ("1", "slot", 2, None, 7),
        ("2", "app", None, "card", 7),
        ("3", "hangup", None, None, 7),
        ("no_input", "missing", None, None, 8),
        ("invalid", "end", None, None, 4),
    ]
    assert ask["exits"][1]["column"] == 30
    assert (pay["calls"], [ways(one) for one in pay["exits"]]) == ("card", [("done", "slot", 3, None, 9)])
    assert last["exits"] == [] or {one["way"] for one in last["exits"]} == {"hangup"}
    (problem,) = checked["problems"]
    assert (checked["ok"], problem["code"], problem["line"], problem["column"]) == (
        False,
        "target_unknown",
        8,
        20,
    )
    # The same from a text that is kept.
    kept = (await flows.get("/flows/main/picture")).json
    assert [one["slot"] for one in kept["slots"]] == ["ask", "pay", "hangup[3]"]


def ways(one: dict[str, Any]) -> tuple[str, str, int | None, str | None, int]:
    return one["exit"], one["way"], one["position"], one["app"], one["line"]


async def test_a_check_tells_what_a_text_harms_elsewhere_and_takes_any_text(flows: Flows) -> None:
    renamed = (await flows.send("POST", "/flows/card:check", CARD.replace(b"card", b"cart"))).json
    assert {one["path"] for one in renamed["problems"]} == {"main.yaml"}
    assert {one["code"] for one in renamed["problems"]} == {"app_unknown"}
    for text, code in (
        (b"", "value_wrong"),
        (b"app: [", "syntax"),
        (b"app: new\nslots:\n  - slot: condition\n    value: 1\n", "key_missing"),
        (b"app: new\nslots: [{slot: audio, file: IVR/nothing}]\n", "prompt_unknown"),
        (b"app: new\nslots: [{slot: goto, to: 'app:new'}]\n", "loop_endless"),
        (b"app: new\nslots: [{slot: hangup}, {slot: hangup}]\n", "slot_unreachable"),
        (b"app: new\nslots: [{slot: say, value: '${what}', as: number}]\n", "variable_unset"),
    ):
        checked = await flows.send("POST", "/flows/new:check", text)
        assert checked.status == 200, checked.text
        assert code in {one["code"] for one in checked.json["problems"]}, (text, checked.json["problems"])
    for text in (b"\xff", b"app: a\0"):
        refused = await flows.send("POST", "/flows/new:check", text)
        assert (refused.status, refused.json["code"]) == (422, "flow.malformed_text")
    assert not (flows.folder / "new.yaml").exists()


async def test_two_people_who_edit_a_draft_do_not_overwrite_each_other(flows: Flows) -> None:
    bob = await flows.pages.client("admin", name="bob")
    first, second = CARD + b"# ann\n", CARD + b"# bob\n"
    without = await flows.send("PUT", "/flows/card/draft", first)
    assert (without.status, without.json["code"]) == (428, "request.no_condition")
    made = await flows.send("PUT", "/flows/card/draft", first, If_None_Match="*")
    assert (made.status, made.json["revision"], made.json["began_from"]) == (
        200,
        text_revision(first),
        text_revision(CARD),
    )
    there = await flows.send("PUT", "/flows/card/draft", second, bob, If_None_Match="*")
    assert (there.status, there.json["code"], there.headers["ETag"]) == (
        412,
        "request.there_already",
        tag(first),
    )
    assert there.json["detail"].startswith(f"admin saved this draft, as revision {text_revision(first)}") or (
        made.json["operator"] in there.json["detail"]
    )
    saved = await flows.send("PUT", "/flows/card/draft", second, bob, If_Match=tag(first))
    assert saved.status == 200
    late = await flows.send("PUT", "/flows/card/draft", first + b"#\n", If_Match=tag(first))
    assert (late.status, late.json["code"], late.headers["ETag"]) == (412, "request.outdated", tag(second))
    assert saved.json["operator"] in late.json["detail"]
    read = await flows.get("/flows/card/draft")
    assert (read.text.encode(), read.headers["ETag"]) == (second, tag(second))
    assert [one["app"] for one in (await flows.get("/drafts")).json["items"]] == ["card"]
    stale = await flows.client("DELETE", "/flows/card/draft", headers={"If-Match": tag(first)})
    assert stale.status == 412
    gone = await flows.client("DELETE", "/flows/card/draft", headers={"If-Match": tag(second)})
    assert gone.status == 204
    lost = await flows.send("PUT", "/flows/card/draft", second, bob, If_Match=tag(second))
    assert (lost.status, lost.json["code"]) == (412, "request.gone")
    assert flows.text() == CARD


async def test_a_draft_is_published_compared_and_taken_back(flows: Flows) -> None:
    draft = CARD + b"# shorter\n"
    await flows.send("PUT", "/flows/card/draft", draft, If_None_Match="*")
    diff = (await flows.get("/flows/card/diff?old=file&new=draft")).json
    assert diff["diff"][-1] == "+# shorter"
    other = await flows.client("POST", "/flows/card:publish", {"revision": text_revision(CARD)})
    assert (other.status, other.json["fields"]["changed"]) == (409, "draft")
    made = await flows.client(
        "POST", "/flows/card:publish", {"note": "why", "revision": text_revision(draft)}
    )
    assert (made.status, made.json["revision"], made.json["replaced"], made.json["note"]) == (
        200,
        text_revision(draft),
        text_revision(CARD),
        "why",
    )
    assert flows.text() == draft
    again = await flows.client("POST", "/flows/card:publish", {})
    assert (again.status, again.json["code"]) == (404, "flow.no_draft")
    published = await flows.get("/flows/card/text?version=published")
    assert published.text.encode() == draft
    back = await flows.client("POST", "/flows/card:rollback", {})
    assert (back.status, back.json["how"], flows.text()) == (200, "rolled back", CARD)
    history = (await flows.get("/flows/card/revisions?limit=1")).json
    assert [one["how"] for one in history["items"]] == ["rolled back"]
    older = (await flows.get(f"/flows/card/revisions?cursor={history['next']}")).json
    assert [one["how"] for one in older["items"]] == ["published"]
    old = await flows.get(f"/flows/card/text?version={text_revision(draft)[:6]}")
    assert old.text.encode() == draft
    async with flows.pages.store.reading() as connection:
        entries = await entry_page(connection, EntryFilter(), PageRequest(50))
    assert {"save", "publish", "roll back"} <= {one.verb for one in entries.items}


async def test_a_file_that_was_changed_on_disk_is_not_overwritten(flows: Flows) -> None:
    await flows.send("PUT", "/flows/card/draft", CARD + b"# draft\n", If_None_Match="*")
    by_hand = CARD + b"# by hand\n"
    (flows.folder / "card.yaml").write_bytes(by_hand)
    refused = await flows.client("POST", "/flows/card:publish", {})
    assert (refused.status, refused.json["code"]) == (409, "flow.changed_meanwhile")
    assert refused.json["fields"] == {
        "changed": "file",
        "flow": "card",
        "seen": text_revision(CARD),
        "found": text_revision(by_hand),
    }
    assert flows.text() == by_hand
    over = await flows.client("POST", "/flows/card:publish", {"over": [text_revision(by_hand)]})
    assert (over.status, flows.text()) == (200, CARD + b"# draft\n")


async def test_a_text_is_published_in_place_of_the_one_that_its_writer_saw(flows: Flows) -> None:
    text = CARD + b"# at once\n"
    stale = await flows.send("PUT", "/flows/card/text", text, If_Match='"000000000000"')
    assert (stale.status, stale.json["code"], flows.text()) == (412, "request.outdated", CARD)
    wrong = await flows.send("PUT", "/flows/card/text", text + b"  - slot: hangpu\n", If_Match=tag(CARD))
    assert (wrong.status, wrong.json["code"]) == (422, "document.faulty")
    assert [(one["line"], one["code"]) for one in wrong.json["problems"]] == [(6, "slot_type_unknown")]
    made = await flows.send("PUT", "/flows/card/text?note=now", text, If_Match=tag(CARD))
    assert (made.status, made.json["note"], flows.text()) == (200, "now", text)
    new = b"app: fresh\nslots: [{slot: hangup}]\n"
    fresh = await flows.send("PUT", "/flows/fresh/text", new, If_None_Match="*")
    assert (fresh.status, fresh.json["replaced"], flows.text("fresh.yaml")) == (200, None, new)


async def test_what_a_flow_uses_and_what_uses_it_is_told(flows: Flows) -> None:
    uses = (await flows.get("/flows/card/uses")).json
    assert uses["used_in"] == [
        {"app": "main", "slot": "ask", "line": 4},
        {"app": "main", "slot": "pay", "line": 9},
    ]
    assert (uses["prompts"], uses["prompts_missing"], uses["apps"]) == (["IVR/ivr-please"], [], [])
    assert (await flows.get("/flows/main/uses")).json["apps"] == ["card"]


async def test_a_new_flow_begins_from_a_shipped_one(flows: Flows) -> None:
    names = [one["name"] for one in (await flows.get("/flow-templates")).json["items"]]
    assert "prepaid_card" in names
    made = await flows.client("POST", "/flows", {"app": "mine", "template": "survey"})
    assert (made.status, made.json["files"]) == (201, ["mine.yaml", "mine.test.yaml"])
    assert (await flows.get("/flows/mine")).json["problems"] == []
    taken = await flows.client("POST", "/flows", {"app": "mine", "template": "survey"})
    assert (taken.status, taken.json["code"]) == (409, "flow.name_taken")


async def test_schemas_say_what_files_may_contain(flows: Flows) -> None:
    types = {one["type"]: one for one in (await flows.get("/slot-types?limit=1000")).json["items"]}
    assert types["menu"]["exit_field"] == "options"
    assert types["hangup"]["ends_call"] is True
    menu = (await flows.get("/slot-types/menu/schema")).json
    fields = menu["properties"]
    assert {name: fields[name]["x-group"] for name in ("file", "options", "no_input_attempts", "result")} == {
        "file": "prompts",
        "options": "ways",
        "no_input_attempts": "keys",
        "result": "more",
    }
    assert fields["no_input_attempts"]["title"] == "No input attempts"
    assert fields["no_input_attempts"]["description"].startswith("How often nothing may be keyed")
    assert fields["id"]["title"] == "ID"
    destination = (await flows.get("/slot-types/destination/schema")).json["properties"]
    assert (destination["uri"]["title"], destination["caller_id"]["title"]) == ("URI", "Caller ID")
    assert [one["x-order"] for one in fields.values()] == [*range(1, len(fields) + 1)]
    missing = await flows.get("/slot-types/menus/schema")
    assert (missing.status, missing.json["fields"]) == (404, {"type": "menus"})
    assert (await flows.get("/schemas/flow")).json["title"] == "A Ringflow call flow"
    assert "$schema" in (await flows.get("/schemas/scenarios")).json
