"""The folder of recordings: Asterisk writes into `incoming/`, and Ringflow takes each file in from there.

What Asterisk wrote belongs to Asterisk's user and may be written to again; so it is copied into a new file
of Ringflow's own, which gets its name when it is whole. Names are 32 hexadecimal digits of chance: nobody
can guess one, and nothing of a call, a number or a flow becomes part of a path. No file is ever replaced by
another recording, no link is followed, and nothing outside of the folder is touched.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ringflow.errors import RingflowError

FORM = "ulaw"
"""How Asterisk writes them: G.711 at 8,000 bytes a second, which it can without any codec module."""
BYTES_PER_MS = 8
SUFFIX = f".{FORM}"
INCOMING = "incoming"
ID_DIGITS = 32
_ID = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}")
_OF_GROUP = 0o070


class RecordingFailed(RingflowError):
    """A recording that cannot be made or kept: no folder, no room, or no file from Asterisk."""


def new_recording_id() -> str:
    """Return an ID that nobody can guess."""
    return secrets.token_hex(ID_DIGITS // 2)


def is_recording_id(text: str) -> bool:
    """Whether a text may be the ID of a recording, and so part of a path."""
    return _ID.fullmatch(text) is not None


class RecordingFolder:
    """`folder` on this machine, and the same as Asterisk sees it. Nothing is made before it is needed.

    Files are readable by their owner (0600), and by the group too (0640) where the folder is open to its
    group: that is how an Asterisk with a user of its own plays them.
    """

    def __init__(self, folder: Path, as_asterisk_sees: str | None = None) -> None:
        self.folder = folder
        self._asterisk = (str(folder) if as_asterisk_sees is None else as_asterisk_sees).rstrip("/")

    @property
    def asterisk_folder(self) -> str:
        """The folder as Asterisk sees it, without a slash at its end."""
        return self._asterisk

    def target(self, recording_id: str) -> str:
        """Where Asterisk is told to write, without an extension."""
        return f"{self._asterisk}/{INCOMING}/{_checked(recording_id)}"

    def sound(self, recording_id: str) -> str:
        """What Asterisk is told to play, without an extension."""
        return f"{self._asterisk}/{_checked(recording_id)}"

    def path(self, recording_id: str) -> Path:
        """The file of a recording that was taken in."""
        return self.folder / f"{_checked(recording_id)}{SUFFIX}"

    def incoming(self, recording_id: str) -> Path:
        """The file that Asterisk writes."""
        return self.folder / INCOMING / f"{_checked(recording_id)}{SUFFIX}"

    def prepare(self) -> None:
        """Make the folders where they are missing, for their owner alone. Raises `RecordingFailed`."""
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            incoming = self.folder / INCOMING
            if not incoming.exists():
                incoming.mkdir(mode=0o700, exist_ok=True)
                # Whoever opened the folder to Asterisk's group meant this one too.
                incoming.chmod(stat.S_IMODE(self.folder.stat().st_mode))
        except OSError as error:
            raise RecordingFailed(f"{self.folder} cannot be made: {error.strerror}") from error
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise RecordingFailed(f"{self.folder} cannot be written to by Ringflow's user")

    def free_bytes(self) -> int:
        """How much room its disk has. Raises `RecordingFailed`."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError as error:
            raise RecordingFailed(f"{self.folder} cannot be looked at: {error.strerror}") from error

    def take_in(self, recording_id: str, most_bytes: int) -> bytes:
        """Copy what Asterisk wrote into a file of our own, and delete what it wrote; returns the content.

        A second time, after a crash in the first, it does what is left to do. Raises `RecordingFailed` where
        there is no file, it is no file, or it is larger than `most_bytes`; then what is there stays.
        """
        path, incoming = self.path(recording_id), self.incoming(recording_id)
        try:
            if path.exists():
                content = self._read(path, most_bytes)
            else:
                content = self._read(incoming, most_bytes)
                self._store(path, content)
            incoming.unlink(missing_ok=True)
        except FileNotFoundError as error:
            raise RecordingFailed(
                f"Asterisk wrote no file to {self._asterisk}/{INCOMING}, or Ringflow does not see it in "
                f"{self.folder / INCOMING}"
            ) from error
        except OSError as error:
            raise RecordingFailed(f"{error.filename or path} cannot be kept: {error.strerror}") from error
        return content

    def read(self, recording_id: str) -> bytes:
        """The content of a recording. Raises `OSError`."""
        return self._read(self.path(recording_id), None)

    def replace(self, recording_id: str, content: bytes) -> None:
        """Put other content into the file of a recording that is there. Raises `OSError`.

        A call that is playing it keeps what it has opened.
        """
        path = self.path(recording_id)
        part = self._written_part(path, content)
        try:
            # Deleted meanwhile: it must not come back.
            if path.exists():
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def remove(self, recording_id: str) -> None:
        """Delete a recording's files, as many of them as there are. Raises `OSError`."""
        for path in (self.path(recording_id), self.incoming(recording_id)):
            path.unlink(missing_ok=True)

    def has(self, recording_id: str) -> bool:
        """Whether any file of a recording is here."""
        return self.path(recording_id).exists() or self.incoming(recording_id).exists()

    @contextmanager
    def probe(self) -> Iterator[str]:
        """For the time of the block, a short file as recordings are: what Asterisk is to play of it.

        Raises `RecordingFailed` where there can be none.
        """
        self.prepare()
        recording_id = new_recording_id()
        try:
            self._store(self.path(recording_id), b"\xff" * BYTES_PER_MS)
            yield self.sound(recording_id)
        except OSError as error:
            raise RecordingFailed(f"{self.folder} cannot be written to: {error.strerror}") from error
        finally:
            self.path(recording_id).unlink(missing_ok=True)

    def files(self) -> Iterator[tuple[str, float]]:
        """The IDs of all files here, taken in or not, and when each was written (seconds since 1970)."""
        for folder in (self.folder, self.folder / INCOMING):
            with suppress(FileNotFoundError):
                for entry in os.scandir(folder):
                    name, suffix = os.path.splitext(entry.name)
                    if suffix == SUFFIX and is_recording_id(name) and entry.is_file(follow_symlinks=False):
                        with suppress(FileNotFoundError):
                            yield name, entry.stat(follow_symlinks=False).st_mtime

    def remove_parts(self, before_s: float) -> None:
        """Delete what a crash left of files that were being written before this time."""
        with suppress(FileNotFoundError):
            for part in self.folder.glob(".*.part"):
                with suppress(OSError):
                    if part.lstat().st_mtime < before_s:
                        part.unlink()

    def _read(self, path: Path, most_bytes: int | None) -> bytes:
        # A link in the folder could lead to any file of this machine.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise RecordingFailed(f"{path} is no plain file; nothing of it is taken")
            if most_bytes is not None and found.st_size > most_bytes:
                raise RecordingFailed(f"{path} has {found.st_size} bytes, and {most_bytes} were to come")
            return file.read()

    def _store(self, path: Path, content: bytes) -> None:
        part = self._written_part(path, content)
        try:
            # A link fails where the name is taken.
            os.link(part, path)
        finally:
            part.unlink(missing_ok=True)

    def _written_part(self, path: Path, content: bytes) -> Path:
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        shared = stat.S_IMODE(self.folder.stat().st_mode) & _OF_GROUP
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                if shared:
                    # Past the process's own mask, by which a group may read nothing.
                    os.fchmod(file.fileno(), 0o640)
                os.fsync(file.fileno())
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return part


def _checked(recording_id: str) -> str:
    if not is_recording_id(recording_id):
        raise ValueError("not the ID of a recording")
    return recording_id
