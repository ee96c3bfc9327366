"""One flow file on disk: its text, replaced as a whole, and the publication that was last written to it.

A folder of flows has a hidden folder `.published`. For each flow file that was published it holds a file of
the same name with the key of the publication that was last written there. Whoever changes a flow file by hand
leaves the key alone, so a change by hand can be told from a publication that is not written yet. The key goes
with the files: into a copy of the folder, into an archive, to all servers that share the folder.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from ringflow.documents import read_bytes
from ringflow.errors import DocumentError, Problem, StartError
from ringflow.flows.folder import SCENARIO_SUFFIX, shown_path
from ringflow.flows.revisions import text_revision

log = structlog.get_logger("ringflow.flows")

PUBLISHED_FOLDER = ".published"
MAX_NAME_BYTES = 200
"""A file system takes 255; the file is first written beside its place under a longer name."""


def is_flow_file_name(name: str) -> bool:
    """Whether a file of this name in a folder of flows would be read as a flow."""
    return (
        name.endswith(".yaml")
        and not name.endswith(SCENARIO_SUFFIX)
        and not name.startswith(".")
        and name.isprintable()
        and "/" not in name
        and len(name.encode()) <= MAX_NAME_BYTES
    )


@dataclass(frozen=True, slots=True)
class StagedText:
    """A text that is on disk beside the file that it is to replace."""

    file: FlowFile
    beside: Path

    def put(self, replaced: str | None) -> bool:
        """Replace the file; False where its text is another by now than `replaced` (None: no file).

        Raises `StartError` where the folder cannot be written.
        """
        try:
            if replaced is None:
                # A link, unlike a new name, never takes the place of a file.
                os.link(self.beside, self.file.path)
            elif self.file.revision() == replaced:
                os.replace(self.beside, self.file.path)
            else:
                return False
            _sync(self.file.path.parent)
        except FileExistsError:
            return False
        except OSError as error:
            raise StartError(f"{self.file.shown} cannot be written: {error.strerror}") from error
        return True


class FlowFile:
    """The file of this name in a folder of flows, which need not be there."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / name
        self.shown = shown_path(self.path)
        self._folder = folder
        self._published = folder / PUBLISHED_FOLDER / name

    def text(self) -> bytes | None:
        """Its text now, None where there is no file. Raises `DocumentError`."""
        if not (self.path.is_symlink() or self.path.exists()):
            return None
        return read_bytes(self.path, self.shown, within=self._folder)

    def revision(self) -> str | None:
        """The revision of its text now."""
        text = self.text()
        return None if text is None else text_revision(text)

    def published_key(self) -> str | None:
        """The key of the publication that was last written to it; None where there was none."""
        try:
            return self._published.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None

    def note_published(self, key: str) -> None:
        """Note that a publication was written to it. Where that cannot be done, say so in the log.

        Without the note, a published text that is put back by hand later is taken for one that is old.
        """
        beside = self._published.with_name(f".{self.name}.{secrets.token_hex(4)}")
        try:
            self._published.parent.mkdir(exist_ok=True)
            beside.write_text(f"{key}\n", "ascii")
            os.replace(beside, self._published)
        except OSError as error:
            log.warning("publication not noted", file=self.shown, detail=error.strerror)

    @contextmanager
    def staged(self, text: bytes) -> Iterator[StagedText]:
        """Write a text beside the file, so that a full disk is noticed before anything else is done.

        Raises `DocumentError` for a file that is a link, `StartError` where the folder cannot be written.
        """
        if self.path.is_symlink():
            mend = "change the file that it leads to, in the way in which it came there"
            raise DocumentError([Problem(self.shown, 0, 0, "is a link, and links are not replaced", mend)])
        beside = self.path.with_name(f".{self.name}.{secrets.token_hex(4)}.new")
        try:
            try:
                _write(beside, text, self.path)
            except OSError as error:
                raise StartError(f"{self.shown} cannot be written: {error.strerror}") from error
            yield StagedText(self, beside)
        finally:
            beside.unlink(missing_ok=True)


def _write(path: Path, text: bytes, like: Path) -> None:
    """Write a new file, with the permissions and, where that is allowed, the owner of `like`."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as stream:
        with contextlib.suppress(FileNotFoundError):
            status = like.stat()
            os.fchmod(stream.fileno(), status.st_mode & 0o777)
            with contextlib.suppress(PermissionError):
                os.fchown(stream.fileno(), status.st_uid, status.st_gid)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    """Have a changed name survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
