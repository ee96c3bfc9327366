"""An operator's own folder: configuration, flows and prompts, apart from what an upgrade replaces."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ringflow.deployment.shipped_files import DEMO, FLOWS, SOUNDS, is_shipped_flow, shipped
from ringflow.errors import Conflict, StartError

CONFIG = "config.yaml"
IGNORED = """# Secrets, the database, card files and archives: none of them belongs into a repository.
.ringflow/
*.csv
*.xlsx
*.part
*.zip
# Which published text was last written to a folder of flows: that differs between copies of the folder.
.published/
"""

# The demo's settings follow the starter's own; both have the country.
_DEMO_BEGINS = "customers:"
_STARTER = Path(__file__).with_name("starter.yaml")


@dataclass(frozen=True, slots=True)
class Filled:
    """What `fill_folder` wrote, and how many files were there already and stayed."""

    written: tuple[Path, ...]
    kept: int


def fill_folder(folder: Path, *, demo: bool) -> Filled:
    """Write the starter configuration and the shipped flows and prompts; a file that is there stays.

    Raises `Refused` where `folder` is a file, `StartError` where it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise Conflict("folder.is_a_file", f"{folder} is a file; name a folder", path=str(folder))
    written: list[Path] = []
    kept = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in _contents(demo):
            target = folder / name
            if os.path.lexists(target):
                kept += 1
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(source, Path):
                shutil.copyfile(source, target)
            else:
                target.write_text(source, encoding="utf-8")
            written.append(target)
    except OSError as error:
        raise StartError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    return Filled(tuple(written), kept)


def _contents(demo: bool) -> Iterator[tuple[Path, Path | str]]:
    """The files of a new folder: their names, and what is in them or the file to copy."""
    yield Path(CONFIG), _configuration(demo)
    yield Path(".gitignore"), IGNORED
    for name in (FLOWS, SOUNDS):
        source = shipped(name)
        for path in sorted(source.rglob("*")):
            if path.is_file() and (name != FLOWS or is_shipped_flow(path)):
                yield Path(name) / path.relative_to(source), path


def _configuration(demo: bool) -> str:
    text = _STARTER.read_text(encoding="utf-8")
    if demo:
        _, begins, rest = shipped(DEMO).read_text(encoding="utf-8").partition(_DEMO_BEGINS)
        text += f"\n{begins}{rest}"
    return text
