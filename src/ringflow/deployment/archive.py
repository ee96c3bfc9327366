"""An archive of a Ringflow: its database as one moment has it, configuration, flows, calendars and prompts.

A ZIP file: `manifest.json`, `rows/TABLE.jsonl` (a line of column names, then one for each row) and `files/`
by their paths in the operator's folder. Secrets are in it only where that was asked for.
"""

from __future__ import annotations

import json
import os
import secrets
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from ringflow import __version__
from ringflow.config import Config
from ringflow.errors import Conflict, Refused, StartError
from ringflow.ledger.check import Finding, books_until_ms, check_books
from ringflow.moments import system_now_ms
from ringflow.private_folder import make_private_folder
from ringflow.recordings.service import configured_folder
from ringflow.store import Store
from ringflow.store.dump import ROWS_AT_ONCE, VERSION_TABLE, Rows, read_rows, servers_seen, write_rows

FORMAT = 1
MANIFEST = "manifest.json"
_ROWS, _FILES, _OUTSIDE = "rows/", "files/", "outside"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself. `secret_files`: those of its files that only their owner may read."""

    ringflow: str
    schema: str
    made_ms: int
    rows: dict[str, int]
    secret_files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """What is wrong with the books of a database, and the time of its last movement; None: it has none."""

    findings: tuple[Finding, ...]
    until_ms: int | None


async def make_archive(
    config: Config, out: Path, *, with_secrets: bool, with_recordings: bool = False
) -> Manifest:
    """Write a new archive, mode 0600, while servers go on. Raises `Refused` for a file that is there."""
    if os.path.exists(out):  # noqa: ASYNC240 -- a command has nothing else to do
        raise Conflict("file.exists", f"{out} exists already; choose another name", path=str(out))
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    made_ms = system_now_ms()
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                version, counts = await _write_tables(archive, read_rows(config.database_url))
                secret_files = _write_files(archive, config, with_secrets, with_recordings)
                manifest = Manifest(__version__, version, made_ms, counts, secret_files)
                text = {"format": FORMAT, **{name: getattr(manifest, name) for name in Manifest.__slots__}}
                archive.writestr(MANIFEST, json.dumps(text, indent=2))
            stream.flush()
            os.fsync(stream.fileno())
        # A link appears whole, and never in the place of another file.
        os.link(part, out)
    except FileExistsError as error:
        raise Conflict("file.exists", f"{out} exists already; choose another name", path=str(out)) from error
    except OSError as error:
        raise StartError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


async def _write_tables(archive: zipfile.ZipFile, read: AsyncIterator[Rows]) -> tuple[str, dict[str, int]]:
    counts: Counter[str] = Counter()
    version = ""
    entry: Any = None
    try:
        async for batch in read:
            if batch.table == VERSION_TABLE:
                version = str(batch.rows[0][0]) if batch.rows else version
                continue
            if batch.table not in counts:
                if entry is not None:
                    entry.close()
                entry = archive.open(f"{_ROWS}{batch.table}.jsonl", "w", force_zip64=True)
                entry.write(json.dumps(batch.columns).encode() + b"\n")
            counts[batch.table] += len(batch.rows)
            lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in batch.rows)
            entry.write("".join(f"{line}\n" for line in lines).encode())
    finally:
        if entry is not None:
            entry.close()
    if not version:
        raise StartError("the database has no tables of Ringflow's: start `ringflow serve` once")
    return version, dict(counts)


def _write_files(
    archive: zipfile.ZipFile, config: Config, with_secrets: bool, with_recordings: bool
) -> tuple[str, ...]:
    """Configuration, flows, calendars, prompts; gives the names of those that only their owner may read."""
    written: set[str] = set()
    hidden = _secret_files(config)
    named = (config.flows, config.calendars.folder, config.sounds.folder)
    folders = [config.path(folder) for folder in named]
    found = (path for folder in folders for path in sorted(folder.rglob("*")))
    for path in (config.file, *found):
        if path.is_file() and path not in hidden and (name := _name(config, path)) not in written:
            archive.write(path, _FILES + name)
            written.add(name)
    secret = [path for path in hidden if with_secrets and path.is_file()]
    secret += _recordings(config) if with_recordings else []
    for path in secret:
        # A recording may be deleted meanwhile: then nobody is to have it.
        with suppress(FileNotFoundError):
            archive.write(path, _FILES + _name(config, path))
    return tuple(_name(config, path) for path in secret)


def _recordings(config: Config) -> list[Path]:
    """The recordings that are kept; what Asterisk writes now is none yet."""
    folder = configured_folder(config)
    found = {folder.path(one) for one, _ in folder.files()}
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _secret_files(config: Config) -> list[Path]:
    named = [config.impersonation.key_file, config.cards.pepper_file]
    named += [config.ami.secret_file] if config.ami is not None else []
    return [config.path(path) for path in named if path is not None]


def _name(config: Config, path: Path) -> str:
    """A file's name in the archive: its path in the operator's folder, or below `outside/`."""
    try:
        return path.relative_to(config.file.parent).as_posix()
    except ValueError:
        return f"{_OUTSIDE}{path.as_posix()}"


class Archive:
    """An archive, open for reading. Raises `Refused` where it is none, or not whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
            broken = self._zip.testzip()
            said: dict[str, Any] = json.loads(self._zip.read(MANIFEST))
        except OSError as error:
            raise Refused(
                "file.unreadable", f"{path} cannot be read: {error.strerror}", path=str(path)
            ) from error
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise Refused(
                "archive.damaged", f"{path} is no archive of Ringflow, or not whole: {error}", path=str(path)
            ) from error
        if broken is not None:
            raise Refused(
                "archive.damaged", f"{path} is damaged at {broken}: take another archive", path=str(path)
            )
        if said.get("format") != FORMAT:
            raise Refused(
                "archive.newer",
                f"{path} was made by Ringflow {said.get('ringflow')}: restore it with that or newer",
                path=str(path),
            )
        self.manifest = Manifest(
            said["ringflow"], said["schema"], said["made_ms"], said["rows"], tuple(said["secret_files"])
        )

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def rows(self) -> Iterator[Rows]:
        """All rows, table by table. Raises `Refused` where they are not as many as the manifest says."""
        for table, count in self.manifest.rows.items():
            with self._zip.open(f"{_ROWS}{table}.jsonl") as stream:
                columns = tuple(json.loads(next(stream)))
                batch: list[list[Any]] = []
                found = 0
                for line in stream:
                    batch.append(json.loads(line))
                    found += 1
                    if len(batch) == ROWS_AT_ONCE:
                        yield Rows(table, columns, batch)
                        batch = []
                yield Rows(table, columns, batch)
            if found != count:
                raise Refused(
                    "archive.damaged",
                    f"{self._path} is not whole: {table} has {found} rows of {count}",
                    path=str(self._path),
                )

    def configuration(self) -> tuple[str, bytes] | None:
        """The name and the content of its configuration, the first of its files; None where it has none."""
        for name in self._zip.namelist():
            if name.startswith(_FILES):
                return name.removeprefix(_FILES), self._zip.read(name)
        return None

    def unpack(self, folder: Path) -> list[Path]:
        """Write its files into a folder that is new or empty; gives them. Raises `Refused`, `StartError`."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Conflict("folder.not_empty", f"{folder} is not empty; name a new folder", path=str(folder))
        written = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in self._zip.namelist():
                inner = name.removeprefix(_FILES)
                if inner == name:
                    continue
                if PurePosixPath(inner).is_absolute() or ".." in PurePosixPath(inner).parts:
                    raise Refused(
                        "archive.damaged",
                        f"{self._path}: {inner} leads out of the folder; nothing of it is written",
                        path=str(self._path),
                    )
                target = folder / inner
                secret = inner in self.manifest.secret_files
                if secret:
                    make_private_folder(target.parent)
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                mode = 0o600 if secret else 0o666
                with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
                    stream.write(self._zip.read(name))
                written.append(target)
        except OSError as error:
            raise StartError(f"{folder} cannot be written: {error.strerror}") from error
        return written

    async def restore(self, url: str, *, replace: bool) -> str:
        """Make the database of its rows; gives where the one that was there is kept, or an empty text."""
        kept_as = f"before-restore-{system_now_ms()}"
        return await write_rows(url, self.manifest.schema, self.rows(), replace=replace, kept_as=kept_as)


async def prove(url: str, now_ms: int) -> Books:
    """Check the books of a database."""
    store = await Store.open(url)
    try:
        async with store.reading() as connection:
            until_ms = await books_until_ms(connection)
        return Books(tuple(await check_books(store, now_ms)), until_ms)
    finally:
        await store.close()


async def verify(path: Path) -> Books:
    """Restore an archive into a database of a temporary folder, and check its books as of its own time."""
    with Archive(path) as archive, TemporaryDirectory(prefix="ringflow-verify-") as folder:
        url = f"sqlite:///{folder}/restored.db"
        await archive.restore(url, replace=False)
        return await prove(url, archive.manifest.made_ms)


async def restore_into(archive: Archive, config: Config, *, replace: bool) -> str:
    """Restore an archive into the database that the configuration names, unless servers work on it.

    Returns where the database that was there before is kept, or an empty text. Raises as `Archive.restore`.
    """
    dead_before_ms = system_now_ms() - round(config.charging.dead_after_s * 1000)
    alive = [
        name for name, seen in (await servers_seen(config.database_url)).items() if seen >= dead_before_ms
    ]
    if alive:
        raise Conflict(
            "database.in_use",
            f"server {', '.join(sorted(alive))} works on this database: stop it first; if it was killed, "
            f"wait for {config.charging.dead_after_s:g} s",
            servers=sorted(alive),
        )
    return await archive.restore(config.database_url, replace=replace)
