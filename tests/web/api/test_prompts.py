"""Prompts over HTTP: uploaded, heard in parts, spoken, replaced by whom they are known to, deleted."""

from __future__ import annotations

import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ringflow.config import Config, SoundsConfig
from ringflow.documents import Document
from ringflow.sounds.espeak import can_speak
from ringflow.web.api.routes import PREFIX

from .conftest import Answered, Client, Pages, pages_of

FLOW = b"app: main\nlanguages: [en, es]\nslots:\n  - {slot: audio, id: hello, file: IVR/hello}\n"
NAME = "/prompts/IVR%2Fhello"


def tone(seconds: float, hertz: float = 440, level: float = 0.05, kind: str = "WAV") -> bytes:
    samples = level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * 16_000)) / 16_000)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16_000, format=kind)
    return buffer.getvalue()


@pytest.fixture
async def pages(_sqlite_template: Path, server_config: Config, tmp_path: Path) -> AsyncIterator[Pages]:
    for name in ("flows", "sounds"):
        (tmp_path / name).mkdir()
    (tmp_path / "flows" / "main.yaml").write_bytes(FLOW)
    sounds = SoundsConfig.model_validate({"folder": tmp_path / "sounds"})
    config = server_config.model_copy(update={"flows": tmp_path / "flows", "sounds": sounds})
    database = Path(shutil.copy(_sqlite_template, tmp_path / "prompts.db"))
    async with pages_of(config.read_from(Document(str(tmp_path / "c.yaml"), None, {})), database) as one:
        yield one


async def upload(client: Client, data: bytes, kind: str = "audio/wav", **headers: str) -> Answered:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client("PUT", f"{NAME}/sound", data=data, headers={"Content-Type": kind, **named})


async def test_a_recording_becomes_a_prompt_and_is_heard_whole_and_in_parts(pages: Pages) -> None:
    admin = await pages.client()
    made = await upload(admin, tone(1.0), If_None_Match="*")
    assert made.status == 200, made.text
    assert (made.json["name"], made.json["duration_s"]) == ("IVR/hello", 1.12)
    # 60 ms of silence are kept, or made, at each end.
    assert -21 < made.json["level_dbfs"] < -19
    assert made.json["gain_db"] > 5
    listed = (await admin("GET", "/prompts")).json["items"]
    assert listed == [{"name": "IVR/hello", "duration_s": 1.12, "forms": ["ulaw", "alaw", "g722", "sln16"]}]
    headers = {"Authorization": f"Bearer {admin.token}"}
    for kind in ("wav", "ogg"):
        path = f"{PREFIX}{NAME}/sound?format={kind}"
        async with pages.http.get(path, headers=headers) as answer:
            data = await answer.read()
            assert (answer.status, answer.content_type) == (200, f"audio/{kind}")
        samples, rate = soundfile.read(io.BytesIO(data))
        assert (rate, round(len(samples) / rate, 2)) == (16_000, 1.12)
        assert np.abs(np.fft.rfft(samples[1000:17_000])).argmax() == pytest.approx(440, abs=1)
        async with pages.http.get(path, headers=headers | {"Range": "bytes=100-199"}) as part:
            assert (part.status, await part.read()) == (206, data[100:200])


async def test_a_prompt_is_replaced_only_by_who_knows_what_is_there(pages: Pages) -> None:
    admin = await pages.client()
    assert (await upload(admin, tone(0.5))).status == 428
    await upload(admin, tone(0.5), If_None_Match="*")
    first = await admin("GET", NAME)
    taken = await upload(admin, tone(0.7), If_None_Match="*")
    assert (taken.status, taken.headers["ETag"]) == (412, first.headers["ETag"])
    unnamed = "application/octet-stream"
    replaced = await upload(admin, tone(0.7, kind="FLAC"), unnamed, If_Match=first.headers["ETag"])
    assert (replaced.status, replaced.json["duration_s"]) == (200, 0.82)
    late = await upload(admin, tone(0.9), If_Match=first.headers["ETag"])
    assert (late.status, (await admin("GET", NAME)).json["duration_s"]) == (412, 0.82)


async def test_what_is_no_sound_changes_nothing(pages: Pages, tmp_path: Path) -> None:
    admin = await pages.client()
    await upload(admin, tone(0.5), If_None_Match="*")
    tag = (await admin("GET", NAME)).headers["ETag"]
    before = {path: path.read_bytes() for path in (tmp_path / "sounds").rglob("*.*")}
    for data, kind, status in (
        (b"", "audio/wav", 422),
        (b"not a sound at all", "audio/wav", 422),
        (tone(0.5)[:300], "audio/wav", 422),
        (tone(1.0, level=0.0), "audio/wav", 422),
        (b"RIFF\xff\xff\xff\xffWAVEfmt " + b"\xff" * 200, "audio/wav", 422),
        (b"ID3" + b"\x00" * 5000, "audio/mpeg", 422),
        (b"OggS" + b"\x01" * 5000, "audio/ogg", 422),
        (tone(0.5), "text/html", 415),
    ):
        refused = await upload(admin, data, kind, If_Match=tag)
        assert refused.status == status, (data[:20], refused.text)
        if status == 422:
            assert refused.json["problems"][0]["path"] == "the recording", refused.text
    assert {path: path.read_bytes() for path in (tmp_path / "sounds").rglob("*.*")} == before
    for name in ("..%2F..%2Fetc%2Fpasswd", "a%20b", "IVR%2F.hidden"):
        refused = await admin("GET", f"/prompts/{name}/sound")
        assert (refused.status, refused.json["code"]) == (422, "prompt.malformed_name"), name


async def test_a_prompt_says_what_plays_it_and_is_deleted_only_unused(pages: Pages) -> None:
    admin = await pages.client()
    await upload(admin, tone(0.5), If_None_Match="*")
    found = await admin("GET", NAME)
    assert found.json["used_in"] == [{"app": "main", "slot": "hello", "line": 4}]
    assert (found.json["languages"], found.json["languages_missing"]) == ([], ["es"])
    match = {"If-Match": found.headers["ETag"]}
    kept = await admin("DELETE", NAME, headers=match)
    assert (kept.status, kept.json["fields"]) == (409, {"prompt": "IVR/hello", "apps": ["main"]})
    assert (await admin("DELETE", f"{NAME}?used=true", headers={"If-Match": '"old"'})).status == 412
    assert (await admin("DELETE", f"{NAME}?used=true", headers=match)).status == 204
    assert (await admin("GET", NAME)).json["code"] == "prompt.unknown"
    viewer = await pages.client("viewer")
    assert (await upload(viewer, tone(0.5), If_None_Match="*")).status == 403


@pytest.mark.skipif(not can_speak(), reason="espeak-ng is missing")
async def test_a_text_is_spoken_into_a_prompt(pages: Pages) -> None:
    admin = await pages.client()
    made = await admin(
        "PUT", f"{NAME}/speech", {"text": "Our office is closed."}, headers={"If-None-Match": "*"}
    )
    assert made.status == 200, made.text
    assert made.json["duration_s"] > 0.8
    again = await admin("PUT", f"{NAME}/speech", {"text": "x"}, headers={"If-None-Match": "*"})
    assert again.status == 412
