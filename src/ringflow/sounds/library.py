"""A folder of prompts, each known by its library name: `IVR/ivr-please`, without an extension."""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ringflow.errors import Conflict, Refused, StartError, Unknown
from ringflow.sounds.forms import FORMS, FORMS_BY_EXTENSION, Form

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")
MAX_NAME_LENGTH = 128
MAX_SUGGESTIONS = 3
STAGING_PREFIX = ".import-"
ANY_VERSION = "*"
"""Whatever is there is replaced."""


def is_prompt_name(name: str) -> bool:
    """Whether `name` may name a prompt: words of letters, digits, `_` and `-`, joined by `/`."""
    return len(name) <= MAX_NAME_LENGTH and NAME_PATTERN.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Raise `Refused` unless `name` may name a prompt; so no name leads out of the library's folder."""
    if not is_prompt_name(name):
        raise Refused(
            "prompt.malformed_name",
            f"{name!r} is not a prompt name: use letters, digits, `-` and `_`, with `/` between folders "
            f"and no extension, at most {MAX_NAME_LENGTH} characters, such as IVR/ivr-please",
            prompt=name,
        )


class PromptLibrary:
    """The prompts in `folder`. Nothing is cached: every answer is what is on the disk now.

    `replacing`: the version of a prompt that may be replaced, None: only one that is not there is stored.
    """

    def __init__(self, folder: Path, replacing: str | None = ANY_VERSION) -> None:
        self.folder = folder
        self._replaced = replacing

    def path(self, name: str, form: Form) -> Path:
        """Where one form of a prompt is kept. Raises `Refused` for a name that cannot be one."""
        check_name(name)
        return self.folder / f"{name}{form.extension}"

    def exists(self, name: str) -> bool:
        """Whether Asterisk would find anything to play; False for what cannot be a name."""
        return bool(self.forms(name)) if is_prompt_name(name) else False

    def forms(self, name: str) -> tuple[Form, ...]:
        """The forms in which a prompt is stored. Raises `Refused` for a name that cannot be one."""
        return tuple(form for form in FORMS if self.path(name, form).is_file())

    def names(self) -> tuple[str, ...]:
        """The names of all prompts that have at least one form, sorted."""
        return tuple(sorted({name for name, _ in self.files()}))

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every stored form as (name, path); files that are no prompts are passed over."""
        for parent, _, file_names in os.walk(self.folder):
            for file_name in file_names:
                path = Path(parent, file_name)
                name = path.relative_to(self.folder).with_suffix("").as_posix()
                if path.suffix in FORMS_BY_EXTENSION and is_prompt_name(name):
                    yield name, path

    def duration_s(self, name: str) -> float:
        """How long a prompt plays, in seconds. Raises `Refused`, with near names, if it is not there.

        All forms are headerless, so the size is the length: one `stat`, as cheap as asking a cache
        whether it is stale.
        """
        for form in FORMS:
            try:
                return self.path(name, form).stat().st_size / form.bytes_per_s
            except FileNotFoundError:
                continue
        raise Unknown("prompt.unknown", self.missing(name), prompt=name)

    def missing(self, name: str) -> str:
        """A sentence that says that a prompt is not there, and which names are near."""
        near = self.suggest(name)
        return f"there is no prompt `{name}` in {self.folder}" + (
            f": did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else ""
        )

    def lacking(self, names: Iterable[str]) -> list[str]:
        """Those of the names that there is nothing to play for, sorted."""
        return sorted(one for one in names if not self.exists(one))

    def suggest(self, name: str) -> tuple[str, ...]:
        """The names nearest to one that is not there, best first; case and extension do not count."""
        wanted = name.lower()
        for extension in FORMS_BY_EXTENSION:
            wanted = wanted.removesuffix(extension)
        by_lower = {one.lower(): one for one in self.names()}
        return tuple(by_lower[one] for one in difflib.get_close_matches(wanted, by_lower, MAX_SUGGESTIONS))

    def version(self, name: str) -> str | None:
        """What is the same as long as none of the prompt's files is replaced; None: it has none.

        Raises `Refused` for a name that cannot be one.
        """
        found = []
        for form in FORMS:
            try:
                status = self.path(name, form).stat()
            except FileNotFoundError:
                continue
            found.append((form.extension, status.st_ino, status.st_size, status.st_mtime_ns))
        return hashlib.sha256(repr(found).encode()).hexdigest()[:32] if found else None

    def delete(self, name: str, version: str) -> None:
        """Delete all files of a prompt, if it is still of this version. Raises as `replace`."""
        try:
            with self._locked():
                self._require(name, version)
                for form in self.forms(name):
                    self.path(name, form).unlink()
        except OSError as error:
            what = error.strerror or error
            raise StartError(f"cannot delete prompt {name} in {self.folder}: {what}") from error

    def replace(self, name: str, contents: Mapping[Form, bytes]) -> tuple[Path, ...]:
        """Store the forms of a prompt, all or none; where storing fails the previous version stays.

        Every file is written beside its place and renamed into it, so a call that is playing keeps what
        it has opened. Raises `Refused` for the name, `StartError` when the folder cannot be written, and
        `Conflict` where the prompt is of another version than `replacing` said.
        """
        check_name(name)
        parent = (self.folder / name).parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with self._locked(), TemporaryDirectory(prefix=STAGING_PREFIX, dir=parent) as staging:
                if self._replaced != ANY_VERSION:
                    self._require(name, self._replaced)
                return self._replace_staged(name, contents, Path(staging))
        except OSError as error:
            raise StartError(
                f"cannot write prompt {name} to {self.folder}: {error.strerror or error}"
            ) from error

    def _replace_staged(self, name: str, contents: Mapping[Form, bytes], staging: Path) -> tuple[Path, ...]:
        for form, content in contents.items():
            with (staging / f"new{form.extension}").open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        targets = {form: self.path(name, form) for form in contents}
        kept = {form: staging / f"previous{form.extension}" for form in contents if targets[form].is_file()}
        for form, previous in kept.items():
            shutil.copy2(targets[form], previous)
        done: list[Form] = []
        try:
            for form, target in targets.items():
                (staging / f"new{form.extension}").replace(target)
                done.append(form)
        except BaseException:
            for form in done:
                if form in kept:
                    kept[form].replace(targets[form])
                else:
                    targets[form].unlink()
            raise
        return tuple(targets.values())

    def _require(self, name: str, version: str | None) -> None:
        if self.version(name) != version:
            raise Conflict("prompt.changed_meanwhile", f"prompt {name} was changed meanwhile", prompt=name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # Two imports of one name at once would leave forms of both; the kernel lets go of this if we die.
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
