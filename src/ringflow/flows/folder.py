"""The folder of flow files: which files in it are flows, and what each of them says now."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from ringflow.documents import read_bytes
from ringflow.errors import DocumentError, Problem
from ringflow.flows.draft import Draft
from ringflow.flows.load import draft_from_bytes, unreadable_draft
from ringflow.flows.revisions import Revision
from ringflow.flows.slot import Slot

SCENARIO_SUFFIX = ".test.yaml"
MAX_FLOWS_BELOW = 20
"""How many files in folders within the folder of flows are named."""


def shown_path(path: Path) -> str:
    """A path as problems name it: from the current folder where it is inside, otherwise whole.

    Links are not followed: a file keeps its name when a link on the way to it is set to another revision.
    """
    try:
        return str(Path(os.path.abspath(path)).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def flow_files(folder: Path) -> list[Path]:
    """The flow files of a folder, sorted: `*.yaml`, but no scenarios and nothing hidden. Raises `OSError`."""
    return [
        path
        for path in _visible(folder)
        if path.suffix == ".yaml" and not path.name.endswith(SCENARIO_SUFFIX)
    ]


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir())


class FlowFolder:
    """Reads the flow files of a folder; a file that did not change is not parsed again."""

    def __init__(self, folder: Path, types: Mapping[str, type[Slot]]) -> None:
        self.path = folder
        self._types = types
        self._read: dict[str, tuple[bytes, Draft]] = {}

    def drafts(self) -> tuple[dict[str, Draft], list[Problem]]:
        """What each file says, by its name in problems, and what is wrong with files that are not read.

        Raises `DocumentError` if the folder itself cannot be read.
        """
        try:
            paths = flow_files(self.path)
            misnamed = [path for path in _visible(self.path) if _looks_like_a_flow(path)]
            below = list(islice(_flows_below(self.path), MAX_FLOWS_BELOW))
        except OSError as error:
            name = shown_path(self.path)
            raise DocumentError([Problem(name, 0, 0, f"cannot be read: {error.strerror}")]) from error
        fresh: dict[str, tuple[bytes, Draft]] = {}
        drafts: dict[str, Draft] = {}
        for path in paths:
            name = shown_path(path)
            try:
                raw = read_bytes(path, name, within=self.path)
            except DocumentError as error:
                # Gone since the folder was listed is the same as gone before.
                if path.is_symlink() or path.exists():
                    drafts[name] = unreadable_draft(name, error)
                continue
            digest = hashlib.sha256(raw).digest()
            known = self._read.get(name)
            fresh[name] = known if known and known[0] == digest else (digest, self._parse(raw, name))
            drafts[name] = fresh[name][1]
        self._read = fresh
        return drafts, [*map(_misnamed, misnamed), *(_misplaced(path, self.path) for path in below)]

    def draft_of(self, revision: Revision) -> tuple[str, Draft]:
        """What a text would say in its file, with the file's name in problems."""
        name = shown_path(self.path / revision.file)
        return name, self._parse(revision.text, name)

    def _parse(self, raw: bytes, name: str) -> Draft:
        return draft_from_bytes(raw, self._types, name)


def _looks_like_a_flow(path: Path) -> bool:
    return path.suffix != ".yaml" and path.suffix.lower() in (".yaml", ".yml")


def _flows_below(folder: Path) -> Iterator[Path]:
    """Files of visible folders within a folder of flows that look like flows, and are not read."""
    for within, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if Path(within) == folder:
            continue
        for name in sorted(files):
            is_yaml = name.lower().endswith((".yaml", ".yml")) and not name.startswith(".")
            if is_yaml and not name.endswith(SCENARIO_SUFFIX):
                yield Path(within, name)


def _misplaced(path: Path, folder: Path) -> Problem:
    what = "is not read: flow files in folders of their own are not"
    mend = f"move it to {shown_path(folder)}, or begin its folder's name with a dot"
    return Problem(shown_path(path), 0, 0, what, mend)


def _misnamed(path: Path) -> Problem:
    return Problem(shown_path(path), 0, 0, "is not read: flow files end in .yaml", "rename it")
