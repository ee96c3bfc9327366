"""Bodies and answers that are no JSON, and server-sent events, in operations made for these tests."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.client import _RequestContextManager as Asked

from ringflow.accounts import tokens
from ringflow.actor import Actor, acting, shell_operator
from ringflow.config import Config
from ringflow.errors import Unknown
from ringflow.forms.system import VersionForm
from ringflow.rights import Right
from ringflow.store import StoreGone
from ringflow.web.api.routes import PREFIX
from ringflow.web.rest.content import Content
from ringflow.web.rest.event_feed import MOST_WAITING, EventFeed, LastEventId, OpenFeeds, ServerEvent
from ringflow.web.rest.openapi import describe
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.raw_body import RawBody, Upload
from ringflow.web.rest.request_input import Input

from .conftest import Pages, pages_of

SOUND = bytes(range(256)) * 4096
ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


@dataclass
class Media:
    """A server of operations with media. `kept`: the files of bodies that were seen."""

    token: str = ""
    queue: asyncio.Queue[ServerEvent | Exception | None] = field(default_factory=asyncio.Queue)
    kept: list[Path] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    pages: Pages = field(init=False)

    def get(self, path: str, **headers: str) -> Asked:
        return self.send("GET", path, None, None, **headers)

    def send(self, method: str, path: str, kind: str | None, data: Any, **headers: str) -> Asked:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Authorization": f"Bearer {self.token}"} | ({"Content-Type": kind} if kind else {})
        return self.pages.http.request(method, f"{PREFIX}/media{path}", data=data, headers=named)

    @property
    def feeds(self) -> OpenFeeds:
        return self.pages.services.feeds


@pytest.fixture
async def media(_sqlite_template: Path, server_config: Config, tmp_path: Path) -> AsyncIterator[Media]:
    """A server of nothing but these operations."""
    database = Path(shutil.copy(_sqlite_template, tmp_path / "media.db"))
    found = Media()
    feeds = OpenFeeds(most=2, heartbeat_s=0.05, check_s=0.02)
    async with pages_of(server_config, database, [operations(found, tmp_path)], feeds=feeds) as pages:
        found.pages = pages
        found.token = (await pages.client()).token or ""
        yield found


def operations(media: Media, folder: Path) -> Resource:
    resource = Resource("media", "/media", "Media.")
    file = folder / "sound"
    file.write_bytes(SOUND)

    @resource.put(Right.FLOWS_CHANGE, "/text", upload=Upload(("text/plain", "application/yaml"), 100))
    async def put_text(body: RawBody) -> VersionForm:
        """Return what was sent."""
        return VersionForm(f"{body.content_type} {body.read().decode()}")

    @resource.post(Right.SOUNDS_CHANGE, "/sound", upload=Upload(("audio/wav",), 3_000_000))
    async def post_sound(actor: Actor, body: RawBody) -> VersionForm:
        """Return the digest of what was sent."""
        path = body.path(".wav")
        media.kept.append(path)
        assert path.suffix == ".wav"
        assert path.read_bytes() == body.read()
        return VersionForm(f"{body.size} {hashlib.sha256(body.read()).hexdigest()} {body.digest}")

    @resource.get(Right.SOUNDS_READ, "/file", media=("audio/wav",))
    async def get_file() -> Content:
        """Return a file."""
        return Content(file, "audio/wav", 'a "tone" ü.wav')

    @resource.get(Right.FLOWS_READ, "/letters", media=("text/plain", "application/yaml"))
    async def get_letters() -> Content:
        """Return letters."""
        return Content(ALPHABET, "application/yaml", version="v1")

    @resource.get(Right.CALLS_READ, "/feed")
    async def get_feed(last: LastEventId) -> EventFeed:
        """Return events."""
        if last.value == "unknown":
            raise Unknown("call.unknown", "there is no such call", call="unknown")
        return EventFeed(events(last.value))

    async def events(last: str | None) -> AsyncGenerator[ServerEvent]:
        try:
            yield ServerEvent("hello", {"after": last}, "0")
            while (event := await media.queue.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            media.closed.set()

    return resource


async def problem_of(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json(content_type=None))["code"]


async def test_a_text_comes_as_it_was_sent(media: Media) -> None:
    for kind in ("text/plain", "application/yaml; charset=UTF-8"):
        async with media.send("PUT", "/text", kind, "a: ü\r\n".encode()) as answer:
            assert await answer.json() == {"version": f"{kind.partition(';')[0]} a: ü\r\n"}


async def test_a_body_of_another_kind_or_size_is_refused(media: Media) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(3):
            yield b"a" * 40

    for kind in ("application/json", "text/plain; charset=latin-1"):
        async with media.send("PUT", "/text", kind, b"a") as answer:
            assert await problem_of(answer) == (415, "request.unsupported_type")
    bomb = gzip.compress(b"a" * 10_000_000)
    for data, more in ((b"a" * 101, {}), (pieces(), {}), (bomb, {"Content_Encoding": "gzip"})):
        async with media.send("PUT", "/text", "text/plain", data, **more) as answer:
            assert await problem_of(answer) == (413, "request.too_large")
    async with media.send("PUT", "/text", "text/plain", b"a" * 100) as answer:
        assert answer.status == 200


async def test_a_large_body_is_a_file_for_as_long_as_it_is_handled(media: Media) -> None:
    for length in (0, 10, 1_000_000, 1_000_001, 3_000_000):
        data = (SOUND * 3)[:length]
        digest = hashlib.sha256(data).hexdigest()
        async with media.send("POST", "/sound", "audio/wav", data) as answer:
            assert answer.status == 201
            assert await answer.json() == {"version": f"{length} {digest} {digest}"}
    assert len(media.kept) == 5
    assert not any(path.parent.exists() for path in media.kept)


async def test_a_large_body_is_done_once_with_its_key(media: Media) -> None:
    for _ in range(2):
        sent = media.send("POST", "/sound", "audio/wav", SOUND + b"more", Idempotency_Key="one")
        async with sent as answer:
            assert answer.status == 201
    assert len(media.kept) == 1
    sent = media.send("POST", "/sound", "audio/wav", SOUND + b"less", Idempotency_Key="one")
    async with sent as answer:
        assert await problem_of(answer) == (422, "request.key_reused")


async def test_a_file_is_sent_whole_with_its_name(media: Media) -> None:
    async with media.get("/file", Accept="audio/*") as answer:
        assert (answer.status, await answer.read()) == (200, SOUND)
        assert answer.content_type == "audio/wav"
        assert answer.headers["Accept-Ranges"] == "bytes"
        name = "attachment; filename*=UTF-8''a%20%22tone%22%20%C3%BC.wav"
        assert answer.headers["Content-Disposition"] == name
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    tag = answer.headers["ETag"]
    async with media.get("/file", If_None_Match=tag) as known:
        assert (known.status, await known.read(), known.headers["ETag"]) == (304, b"", tag)
    async with media.get("/file", Accept="application/json") as other:
        assert await problem_of(other) == (406, "request.not_acceptable")


async def test_a_part_is_sent_where_one_is_asked_for(media: Media) -> None:
    for asked, body, content_range in (
        ("bytes=0-0", b"a", "bytes 0-0/26"),
        ("bytes=2-4", b"cde", "bytes 2-4/26"),
        ("bytes=24-", b"yz", "bytes 24-25/26"),
        ("bytes=24-99", b"yz", "bytes 24-25/26"),
        ("bytes=-3", b"xyz", "bytes 23-25/26"),
        ("bytes=-99", ALPHABET, "bytes 0-25/26"),
        ("bytes=4-2", ALPHABET, None),
        ("bytes=0-1,3-4", ALPHABET, None),
        ("bytes=-", ALPHABET, None),
        ("letters=0-1", ALPHABET, None),
    ):
        async with media.get("/letters", Range=asked) as answer:
            assert answer.status == (200 if content_range is None else 206)
            assert await answer.read() == body
            assert answer.headers.get("Content-Range") == content_range
            assert answer.headers["ETag"] == '"v1"'
            assert answer.headers["Content-Type"] == "application/yaml; charset=utf-8"
    async with media.get("/file", Range=f"bytes={len(SOUND) - 300_000}-") as answer:
        assert (answer.status, await answer.read()) == (206, SOUND[-300_000:])


async def test_a_part_that_is_not_there_or_of_something_older_is_not_sent(media: Media) -> None:
    for asked in ("bytes=26-", "bytes=-0"):
        async with media.get("/letters", Range=asked) as answer:
            assert await problem_of(answer) == (416, "request.no_such_range")
            assert answer.headers["Content-Range"] == "bytes */26"
    for tag, status in (('"v1"', 206), ('"v0"', 200)):
        async with media.get("/letters", Range="bytes=1-2", If_Range=tag) as answer:
            assert answer.status == status


async def blocks(answer: ClientResponse) -> AsyncGenerator[dict[str, str]]:
    """The blocks of an event stream as its fields; comments are left out."""
    found: dict[str, str] = {}
    async for line in answer.content:
        text = line.decode().rstrip("\n")
        if text and not text.startswith(":"):
            name, _, value = text.partition(": ")
            found[name] = value
        elif not text and found:
            yield found
            found = {}


async def test_events_are_sent_as_they_come_until_their_source_is_over(media: Media) -> None:
    async with media.get("/feed", Accept="text/event-stream") as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert answer.headers["Cache-Control"] == "no-cache"
        feed = blocks(answer)
        assert await anext(feed) == {"retry": "2000"}
        assert await anext(feed) == {"event": "hello", "data": '{"after": null}', "id": "0"}
        media.queue.put_nowait(ServerEvent("news", VersionForm("a\nb"), "7"))
        assert await anext(feed) == {"event": "news", "data": '{"version": "a\\nb"}', "id": "7"}
        media.queue.put_nowait(None)
        assert await anext(feed) == {"event": "end", "data": '{"reason": "finished"}'}
        assert [one async for one in feed] == []
    async with media.get("/feed", Last_Event_ID="7") as again:
        feed = blocks(again)
        await anext(feed)
        assert (await anext(feed))["data"] == '{"after": "7"}'
    async with media.get("/feed", Last_Event_ID="unknown") as unknown:
        assert await problem_of(unknown) == (404, "call.unknown")


async def test_a_feed_without_events_shows_that_it_lives(media: Media) -> None:
    async with media.get("/feed") as answer:
        async for line in answer.content:
            if line.startswith(b": ping"):
                return
    pytest.fail("there was no heartbeat")


async def test_a_reader_who_is_gone_ends_the_feed(media: Media) -> None:
    async with media.get("/feed") as answer:
        await answer.content.readline()
        assert media.feeds.count == 1
        answer.close()
    await media.closed.wait()
    assert media.feeds.count == 0


async def test_a_feed_ends_when_its_token_is_revoked(media: Media) -> None:
    async with media.get("/feed") as answer:
        feed = blocks(answer)
        await anext(feed)
        await anext(feed)
        async with acting(media.pages.store, shell_operator("tests"), "US") as actor:
            await tokens.revoke(actor, media.token[: len("rf_12345678")])
        end = json.loads((await anext(feed))["data"])
        assert (end["reason"], end["problem"]["code"]) == ("no_longer_allowed", "token.refused")
    await media.closed.wait()


async def test_a_feed_ends_when_its_source_fails(media: Media) -> None:
    async with media.get("/feed") as answer:
        media.queue.put_nowait(StoreGone("database x: it is away"))
        *_, last = [block async for block in blocks(answer)]
        end = json.loads(last["data"])
        assert (end["reason"], end["problem"]["code"]) == ("failed", "database.gone")


async def test_a_slow_reader_loses_the_oldest_events_and_is_told(media: Media) -> None:
    async with media.get("/feed") as answer:
        feed = blocks(answer)
        await anext(feed)
        await anext(feed)
        # All of these are there before the server's task that sends can run again.
        for number in range(MOST_WAITING + 5):
            media.queue.put_nowait(ServerEvent("news", {"n": number}, str(number)))
        missed = await anext(feed)
        assert (missed["event"], missed["data"]) == ("missed", '{"missed": 5}')
        assert (await anext(feed))["id"] == "5"


async def test_there_is_an_end_to_how_many_read_and_to_the_server(media: Media) -> None:
    async with media.get("/feed") as one, media.get("/feed") as other:
        async with media.get("/feed") as third:
            assert await problem_of(third) == (503, "request.no_more_feeds")
            assert third.headers["Retry-After"] == "2"
        media.feeds.stop()
        for answer in (one, other):
            last = [block async for block in blocks(answer)][-1]
            assert last == {"event": "end", "data": '{"reason": "server_stops"}'}


async def test_media_are_described_by_their_types(media: Media, tmp_path: Path) -> None:
    paths = describe([operations(media, tmp_path)], Input, "1", PREFIX)["paths"]
    text = paths[f"{PREFIX}/media/text"]["put"]
    assert text["requestBody"]["content"] == {
        "text/plain": {"schema": {"type": "string"}},
        "application/yaml": {},
    }
    assert {"413", "415"} <= text["responses"].keys()
    file = paths[f"{PREFIX}/media/file"]["get"]
    assert file["responses"]["200"]["content"] == file["responses"]["206"]["content"] == {"audio/wav": {}}
    assert "ETag" in file["responses"]["200"]["headers"]
    assert {one["name"] for one in file["parameters"]} == {"Range"}
    feed = paths[f"{PREFIX}/media/feed"]["get"]
    assert feed["responses"]["200"]["content"] == {"text/event-stream": {"schema": {"type": "string"}}}
    sound = paths[f"{PREFIX}/media/sound"]["post"]
    assert {one["name"] for one in sound["parameters"]} == {"Idempotency-Key"}
