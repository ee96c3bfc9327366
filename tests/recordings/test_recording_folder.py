"""The folder of recordings: nothing leaves it, nothing is replaced, and who may read the files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ringflow.recordings.folder import RecordingFailed, RecordingFolder, is_recording_id, new_recording_id

MOST = 1000


@pytest.fixture
def folder(tmp_path: Path) -> RecordingFolder:
    found = RecordingFolder(tmp_path / "recordings")
    found.prepare()
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_ids_cannot_be_guessed_and_are_never_the_same() -> None:
    made = {new_recording_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(is_recording_id(one) and len(one) == 32 for one in made)


@pytest.mark.parametrize(
    "hostile",
    [
        "", "..", "../../etc/passwd", "/etc/passwd", "a" * 31, "a" * 33, "A" * 32, "0" * 31 + "\n",
        "0" * 32 + "\n",
        "٣" * 32, "0" * 30 + "/x", "0" * 30 + "\0x", "recording:" + "0" * 32,
    ],
)  # fmt: skip
def test_what_is_no_id_becomes_no_path(folder: RecordingFolder, hostile: str) -> None:
    assert not is_recording_id(hostile)
    for path_of in (folder.path, folder.incoming, folder.target, folder.sound, folder.remove, folder.has):
        with pytest.raises(ValueError, match="not the ID"):
            path_of(hostile)


def test_a_recording_is_taken_in_whole_and_what_asterisk_wrote_is_gone(folder: RecordingFolder) -> None:
    one = new_recording_id()
    folder.incoming(one).write_bytes(b"sound")
    assert folder.take_in(one, MOST) == b"sound"
    assert folder.path(one).read_bytes() == b"sound"
    assert not folder.incoming(one).exists()
    assert not list(folder.folder.glob(".*"))


def test_taking_in_again_after_a_crash_does_what_is_left(folder: RecordingFolder) -> None:
    one = new_recording_id()
    folder.path(one).write_bytes(b"sound")
    folder.incoming(one).write_bytes(b"sound")
    assert folder.take_in(one, MOST) == b"sound"
    assert not folder.incoming(one).exists()


def test_a_recording_never_replaces_another_one(folder: RecordingFolder) -> None:
    one = new_recording_id()
    folder.path(one).write_bytes(b"first")
    folder.incoming(one).write_bytes(b"second")
    assert folder.take_in(one, MOST) == b"first"
    assert folder.path(one).read_bytes() == b"first"


def test_no_file_from_asterisk_is_said_with_both_places(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path / "here", "/there/recordings/")
    folder.prepare()
    one = new_recording_id()
    assert folder.target(one) == f"/there/recordings/incoming/{one}"
    assert folder.sound(one) == f"/there/recordings/{one}"
    with pytest.raises(RecordingFailed, match=r"no file to /there/recordings/incoming, .*here/incoming"):
        folder.take_in(one, MOST)


def test_a_link_is_not_followed(folder: RecordingFolder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a key")
    one = new_recording_id()
    folder.incoming(one).symlink_to(secret)
    with pytest.raises(RecordingFailed, match="symbolic links"):
        folder.take_in(one, MOST)
    assert not folder.path(one).exists()
    folder.remove(one)
    assert secret.read_text() == "a key"


def test_a_link_in_the_place_of_a_recording_is_not_read(folder: RecordingFolder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a key")
    one = new_recording_id()
    folder.path(one).symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        folder.read(one)


def test_a_pipe_and_a_folder_are_not_taken_for_recordings(folder: RecordingFolder) -> None:
    pipe, place = new_recording_id(), new_recording_id()
    os.mkfifo(folder.incoming(pipe))
    folder.incoming(place).mkdir()
    for one in (pipe, place):
        with pytest.raises(RecordingFailed):
            folder.take_in(one, MOST)
        assert not folder.path(one).exists()


def test_a_file_that_is_too_large_is_not_taken_in(folder: RecordingFolder) -> None:
    one = new_recording_id()
    folder.incoming(one).write_bytes(b"x" * (MOST + 1))
    with pytest.raises(RecordingFailed, match="1001 bytes, and 1000 were to come"):
        folder.take_in(one, MOST)
    assert folder.incoming(one).exists()


def test_only_ringflow_reads_the_files_unless_the_folder_is_open_to_its_group(tmp_path: Path) -> None:
    private, shared = RecordingFolder(tmp_path / "private"), RecordingFolder(tmp_path / "shared")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o2770)
    found = {}
    for folder in (private, shared):
        folder.prepare()
        one = new_recording_id()
        folder.incoming(one).write_bytes(b"sound")
        folder.take_in(one, MOST)
        found[folder.folder.name] = (
            mode(folder.folder),
            mode(folder.folder / "incoming"),
            mode(folder.path(one)),
        )
    assert found == {"private": (0o700, 0o700, 0o600), "shared": (0o2770, 0o2770, 0o640)}


def test_new_content_does_not_bring_a_deleted_recording_back(folder: RecordingFolder) -> None:
    one = new_recording_id()
    folder.replace(one, b"levelled")
    assert not folder.has(one)
    assert not list(folder.folder.glob(".*"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingFailed, match="cannot be made"):
        RecordingFolder(tmp_path / "file" / "recordings").prepare()
