"""Recordings of callers over HTTP."""

from __future__ import annotations

import io

import soundfile

from ringflow.recordings.service import Origin, Recordings, Wanted
from ringflow.web.api.routes import PREFIX

from .conftest import Api

BEGAN_MS = 4_086_568_800_000


async def made(api: Api) -> list[str]:
    """Two recordings of one call and one of another, of so many seconds."""
    service = Recordings.configured(api.application.core.config, api.store, lambda: BEGAN_MS)
    ids = []
    for call, cli, seconds in (
        ("call1", "441910000001", 1),
        ("call1", "441910000001", 2),
        ("call2", None, 3),
    ):
        origin = Origin(call, "18005550100", cli, 42 if cli else None, "voice", "record[1]")
        ids.append(await service.begin(origin, Wanted(10_000, 0, None, levelled=False)))
        service.folder.incoming(ids[-1]).write_bytes(b"\x20" * 8000 * seconds)
        await service.take_in(ids[-1], 10_000)
    return ids


async def test_a_recording_is_found_heard_on_record_and_deleted(api: Api) -> None:
    first, second, third = await made(api)
    owner, viewer = await api.client("admin"), await api.client("viewer")
    found = await viewer("GET", "/recordings", params={"cli": "+44 1910 000001"})
    assert {one["id"] for one in found.json["items"]} == {first, second}
    assert (await viewer("GET", f"/recordings/{third}")).json["duration_s"] == 3.0
    assert (await viewer("GET", f"/recordings/{third}/sound")).status == 403
    own = {"Authorization": f"Bearer {owner.token}"}
    path = f"{PREFIX}/recordings/{second}/sound"
    async with api.http.get(path, headers=own) as sound:
        assert sound.headers["Content-Type"] == "audio/wav"
        assert soundfile.info(io.BytesIO(await sound.read())).duration == 2.0
    async with api.http.get(path, headers={**own, "Range": "bytes=0-3"}) as part:
        assert (part.status, await part.read()) == (206, b"RIFF")
    log = (await owner("GET", f"/audit?subject=recording {second}")).json["items"]
    assert [(one["verb"], one["operator"]) for one in log] == [("export", "admin")] * 2
    assert (await owner("GET", "/recordings/none/sound")).json["code"] == "recording.unknown"
    assert (await owner("DELETE", f"/recordings/{third}")).status == 204
    assert (await owner("GET", f"/recordings/{third}/sound")).status == 404
    both = await owner("POST", "/recordings:delete", {"call": "call1"})
    assert (both.status, both.json) == (200, {"call_id": "call1", "recording_count": 2})
    assert (await owner("GET", "/recordings")).json["items"] == []
