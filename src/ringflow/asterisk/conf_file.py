"""Asterisk's configuration files, read as main/config.c reads them.

`[name](template,!)` opens a section: it begins with the lines of its templates, `!` makes it a template
itself, and `+` adds to the section of that name. A line is `key = value` or `key => value`. `;` begins a
comment unless a backslash stands before it; `;--` and `--;` enclose one. `#include` and `#tryinclude` take
patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ringflow.errors import StartError

MAX_INCLUDES = 500

_SECTION = re.compile(r"\[([^\]]+)\]\s*(?:\(([^)]*)\))?")
_INCLUDE = re.compile(r"#(tryinclude|include)\s+[<\"]?([^>\"]+?)[>\"]?\s*")
_BLOCK = re.compile(r"(?s);--(?!-).*?--;")
_COMMENT = re.compile(r"(?<!\\);.*")


@dataclass(slots=True)
class Section:
    """One section: (key, value) in order, those of its templates first. `is_template`: only others use it."""

    name: str
    is_template: bool
    lines: list[tuple[str, str]] = field(default_factory=list)

    def text(self, key: str) -> str:
        """The last value of a key; empty where there is none."""
        return next((value for name, value in reversed(self.lines) if name == key), "")


def read_conf(path: Path) -> list[Section]:
    """The sections of a file and of what it includes; none where there is no such file.

    Raises `StartError` for a file that cannot be read or includes too much.
    """
    sections: list[Section] = []
    included = [0]
    for line in _lines(path, path.parent, included, required=False):
        opened = _SECTION.match(line)
        if opened is not None:
            sections.append(_open_section(sections, opened[1], opened[2] or ""))
        elif sections:
            key, found, value = line.partition("=")
            if found:
                sections[-1].lines.append((key.strip(), value.removeprefix(">").strip()))
    return sections


def _open_section(sections: list[Section], name: str, options: str) -> Section:
    words = [word.strip() for word in options.split(",") if word.strip()]
    section = Section(name, is_template="!" in words)
    for word in words:
        if word not in ("!", "+"):
            template = next((one for one in reversed(sections) if one.name == word), None)
            if template is not None:
                section.lines += template.lines
    if "+" in words:
        earlier = next((one for one in reversed(sections) if one.name == name), None)
        if earlier is not None:
            sections.remove(earlier)
            section.is_template = earlier.is_template
            section.lines = [*earlier.lines, *section.lines]
    return section


def _lines(path: Path, folder: Path, included: list[int], *, required: bool) -> Iterator[str]:
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        if required:
            raise StartError(f"{path} is included, and there is no such file") from None
        return
    except OSError as error:
        raise StartError(f"{path} cannot be read: {error.strerror}") from error
    for raw in _BLOCK.sub("", text).splitlines():
        line = _COMMENT.sub("", raw).replace("\\;", ";").strip()
        include = _INCLUDE.fullmatch(line)
        if include is None:
            if line:
                yield line
            continue
        included[0] += 1
        if included[0] > MAX_INCLUDES:
            raise StartError(f"{path} includes more than {MAX_INCLUDES} files, itself among them perhaps")
        target = folder / include[2]
        if any(character in include[2] for character in "*?["):
            for one in sorted(target.parent.glob(target.name)):
                yield from _lines(one, folder, included, required=False)
        else:
            yield from _lines(target, folder, included, required=include[1] == "include")
