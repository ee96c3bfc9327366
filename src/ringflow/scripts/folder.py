"""The folder of scripts: `NAME.js` is the script NAME, other files are what scripts load.

A script loads files of this folder only. Names that lead out of it, over `..` or over a link, lead nowhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from ringflow.errors import DocumentError, Problem
from ringflow.scripts.missing_names import module_mend
from ringflow.scripts.module_text import ModuleSyntax, ModuleText, program, read_module
from ringflow.scripts.script import BUILT_IN, Script
from ringflow.wording import did_you_mean

SCRIPT_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
MAX_FILE_BYTES = 1024 * 1024
MAX_FILES = 50
MAX_LINES = 90_000
ENDINGS = (".js", ".mjs", ".cjs")

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A script, and how its files looked when they were read."""

    script: Script
    stamp: Stamp


@dataclass(slots=True)
class _Reading:
    files: list[str] = field(default_factory=list)
    modules: list[ModuleText] = field(default_factory=list)
    paths: dict[str, dict[str, int]] = field(default_factory=dict)
    stamp: list[tuple[str, int, int]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    given: dict[str, bytes] = field(default_factory=dict)
    """Texts that count in place of what stands in the files."""


class ScriptFolder:
    """Reads scripts. The folder need not exist: then there are none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Return the names of the scripts. Folders below hold modules, no scripts."""
        if not self.folder.is_dir():
            return []
        found = {path.stem for path in self.folder.iterdir() if path.suffix in ENDINGS and path.is_file()}
        return sorted(name for name in found if re.fullmatch(SCRIPT_NAME, name))

    def files(self) -> list[tuple[str, Path]]:
        """Return the names of the scripts, each with its file."""
        found = ((name, self._script_path(name)) for name in self.names())
        return [(name, path) for name, path in found if path is not None]

    @staticmethod
    def is_name(name: str) -> bool:
        """Whether a script may be called so."""
        return re.fullmatch(SCRIPT_NAME, name) is not None

    def read(self, name: str, text: str | None = None) -> Loaded:
        """Read a script and what it loads. Raises `DocumentError` with every problem and its place.

        `text`: what counts instead of what its file holds, also where there is no such file.
        """
        reading = _Reading()
        path = self._script_path(name)
        if text is not None and re.fullmatch(SCRIPT_NAME, name):
            path = path or self.folder / f"{name}.js"
            reading.given[self.shown(path)] = text.encode("utf-8", "surrogatepass")
        if path is None:
            near = did_you_mean(name, self.names())
            raise DocumentError(
                [
                    Problem(
                        str(self.folder),
                        0,
                        0,
                        f"there is no script {name}",
                        near or f"write it to {name}.js there",
                    )
                ]
            )
        self._read(path, reading)
        if reading.problems:
            raise DocumentError(reading.problems)
        source, lines_before = program(reading.modules)
        if source.count("\n") > MAX_LINES:
            raise DocumentError(
                [Problem(self.shown(path), 0, 0, f"script and modules have more than {MAX_LINES} lines")]
            )
        revision = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        script = Script(name, source, tuple(reading.files), tuple(lines_before), reading.paths, revision)
        return Loaded(script, tuple(reading.stamp))

    def stamp(self, name: str) -> Stamp:
        """Return how the script's own file looks now; nothing where it is not there."""
        path = self._script_path(name)
        return () if path is None else (_look(path, self.shown(path)),)

    def is_changed(self, stamp: Stamp) -> bool:
        """Whether any of the files looks otherwise than it did."""
        return any(_look(self.folder / file, file) != (file, *rest) for file, *rest in stamp)

    def shown(self, path: Path) -> str:
        """Return a file's name as errors give it: from the folder on."""
        return str(path.relative_to(self.folder))

    def _script_path(self, name: str) -> Path | None:
        if not re.fullmatch(SCRIPT_NAME, name):
            return None
        return self._inside(self.folder, name)

    def _read(self, path: Path, reading: _Reading) -> int:
        """Read a file and what it loads, unless it was read; gives its number."""
        shown = self.shown(path)
        if shown in reading.files:
            return reading.files.index(shown)
        number = len(reading.files)
        reading.files.append(shown)
        module = ModuleText("")
        reading.modules.append(module)
        reading.stamp.append(_look(path, shown))
        if number >= MAX_FILES:
            reading.problems.append(Problem(shown, 0, 0, f"the script loads more than {MAX_FILES} files"))
            return number
        source = self._text(path, shown, reading)
        if source is None:
            return number
        try:
            module = _json_module(source) if path.suffix == ".json" else read_module(source)
        except ModuleSyntax as error:
            line, column = line_and_column(source, error.offset)
            reading.problems.append(Problem(shown, line, column, str(error)))
            return number
        except ValueError as error:
            reading.problems.append(Problem(shown, 0, 0, f"it is no JSON: {error}"))
            return number
        reading.modules[number] = module
        found: dict[str, int] = {}
        for wanted, start in module.wanted.items():
            if wanted in BUILT_IN:
                continue
            target = self._resolve(path, wanted)
            if target is not None:
                found[wanted] = self._read(target, reading)
            else:
                line, column = line_and_column(source, start)
                reading.problems.append(
                    Problem(shown, line, column, f"there is no module `{wanted}`", self._mend(wanted))
                )
        reading.paths[str(number)] = found
        return number

    def _mend(self, wanted: str) -> str:
        if wanted.startswith(("/", "..")):
            return "a script loads files of its own folder only"
        near = did_you_mean(wanted, sorted(BUILT_IN))
        return (
            module_mend(wanted)
            or near
            or f"put {wanted.removeprefix('./')}.js, with all that it loads, into the folder of scripts"
        )

    def _text(self, path: Path, shown: str, reading: _Reading) -> str | None:
        try:
            raw = reading.given[shown] if shown in reading.given else path.read_bytes()
        except OSError as error:
            reading.problems.append(Problem(shown, 0, 0, f"it cannot be read: {error.strerror}"))
            return None
        if len(raw) > MAX_FILE_BYTES:
            reading.problems.append(Problem(shown, 0, 0, f"it has more than {MAX_FILE_BYTES} bytes"))
            return None
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            reading.problems.append(Problem(shown, line, 1, "it is not UTF-8", "save it as UTF-8"))
            return None
        if "\0" in text:
            line, column = line_and_column(text, text.index("\0"))
            reading.problems.append(
                Problem(shown, line, column, "there is a NUL character in it", "delete it")
            )
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _resolve(self, source: Path, wanted: str) -> Path | None:
        if wanted.startswith("/") or "\0" in wanted or "\\" in wanted:
            return None
        start = source.parent if wanted.startswith(".") else self.folder
        return self._inside(start, wanted)

    def _inside(self, start: Path, wanted: str) -> Path | None:
        """Return the file that is meant, if it is in the folder, whatever links there are on the way."""
        root = self.folder.resolve()
        for ending in ("", *ENDINGS, ".json"):
            path = Path(f"{start / wanted}{ending}")
            try:
                real = path.resolve(strict=True)
            except (OSError, RuntimeError):
                continue
            if real.is_file() and real.is_relative_to(root) and real.suffix in (*ENDINGS, ".json"):
                return self.folder / real.relative_to(root)
        return None


def _json_module(source: str) -> ModuleText:
    value = json.dumps(json.loads(source))
    return ModuleText(f"module.exports = JSON.parse({json.dumps(value)});")


def _look(path: Path, shown: str = "") -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return shown, 0, 0
    return shown, found.st_mtime_ns, found.st_size


def line_and_column(source: str, offset: int) -> tuple[int, int]:
    """Return where a character stands, both counted from 1."""
    before = source[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")
