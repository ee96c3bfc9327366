"""What is wrong with a library, found by reading every file in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ringflow.agi.session import PROMPT_TIMEOUT_S
from ringflow.errors import Problem
from ringflow.sounds.codecs import decode
from ringflow.sounds.forms import FORMS, FORMS_BY_EXTENSION, PACKET_S
from ringflow.sounds.levels import find_fault
from ringflow.sounds.library import STAGING_PREFIX, PromptLibrary, is_prompt_name

PAUSE = "pause"
"""A prompt whose name ends so is silence, and is meant to be."""

TEXTS_FILE = "prompts.yaml"


def check(library: PromptLibrary) -> list[Problem]:
    """Everything that a caller would hear, or not hear, with its mend; sorted by file."""
    folder = library.folder
    if not folder.is_dir():
        return [Problem(str(folder), 0, 0, "is not a folder", "name the folder of prompts")]
    problems = [problem for name in library.names() for problem in _check_prompt(library, name)]
    problems += _find_strays(folder)
    return sorted(problems)


def _check_prompt(library: PromptLibrary, name: str) -> Iterator[Problem]:
    stored = library.forms(name)
    if missing := [form.extension for form in FORMS if form not in stored]:
        what = f"is not stored as {', '.join(missing)}, so Asterisk transcodes it in every call that needs it"
        yield Problem(str(library.folder / name), 0, 0, what, f"import it again: {_importing(name)}")
    durations_s: dict[str, float] = {}
    for form in stored:
        path = library.path(name, form)
        try:
            content = path.read_bytes()
        except OSError as error:
            yield Problem(str(path), 0, 0, f"cannot be read: {error.strerror}", "check who may read it")
            continue
        durations_s[form.extension] = len(content) / form.bytes_per_s
        if name.rpartition("/")[2] == PAUSE:
            continue
        if fault := find_fault(decode(content, form), form.sample_rate_hz):
            yield Problem(str(path), 0, 0, fault, f"record it again, then {_importing(name)}")
    if durations_s and (longest_s := max(durations_s.values())) > PROMPT_TIMEOUT_S:
        most = f"a prompt of more than {PROMPT_TIMEOUT_S / 60:.0f} ends its call"
        what = f"plays for {longest_s / 60:.1f} minutes, and {most}"
        yield Problem(str(library.folder / name), 0, 0, what, "make several prompts of it")
    if durations_s and max(durations_s.values()) - min(durations_s.values()) > PACKET_S:
        lengths = ", ".join(f"{extension} {seconds:.2f} s" for extension, seconds in durations_s.items())
        what = f"its forms differ in length: {lengths}"
        yield Problem(str(library.folder / name), 0, 0, what, f"import it again: {_importing(name)}")


def _find_strays(folder: Path) -> Iterator[Problem]:
    for parent, folder_names, file_names in os.walk(folder):
        for left in [one for one in folder_names if one.startswith(STAGING_PREFIX)]:
            yield Problem(str(Path(parent, left)), 0, 0, "was left by an import that was ended", "delete it")
        folder_names[:] = [one for one in folder_names if not one.startswith(".")]
        for file_name in file_names:
            path = Path(parent, file_name)
            # Also in the folder of a language, with its texts.
            is_texts = file_name == TEXTS_FILE and path.parent in (folder, folder / path.parent.name)
            if not file_name.startswith(".") and not is_texts:
                yield from _check_stray(folder, path)


def _check_stray(folder: Path, path: Path) -> Iterator[Problem]:
    name = path.relative_to(folder).with_suffix("").as_posix()
    if path.suffix not in FORMS_BY_EXTENSION:
        mend = f"if it is a prompt: ringflow sounds import {path} --as NAME; then move it out of here"
        yield Problem(str(path), 0, 0, "is none of the forms that Ringflow plays", mend)
    elif not is_prompt_name(name):
        mend = "rename it: letters, digits, `-` and `_` only"
        yield Problem(str(path), 0, 0, f"`{name}` cannot be the name of a prompt", mend)


def _importing(name: str) -> str:
    return f"ringflow sounds import FILE --as {name}"
