"""Debian packages unpacked into a folder without root, and run from there through their own dynamic loader.

apt resolves and downloads with a state, a cache and an empty list of installed packages of its own, so the
machine is neither read nor changed; `dpkg-deb` unpacks; no maintainer script runs.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ringflow.errors import StartError
from ringflow.lab.apt_sources import AptSource

FETCH_TIMEOUT_S = 600
# Libraries that must match the kernel-facing loader of whoever runs the programs.
LIBC = frozenset({"libc6", "libc-bin"})

_STAMP = "packages.json"
_LOADERS = ("ld-linux-*.so.*", "ld-2.*.so")
_LIBRARY_FOLDERS = ("usr/lib", "lib")


@dataclass(frozen=True, slots=True)
class PackageFolder:
    """Packages unpacked below `root`, as they would lie below `/`."""

    root: Path

    def path(self, name: str) -> Path:
        """A file of the packages by its usual absolute path. Raises `StartError` if they have none."""
        found = self.root / name.lstrip("/")
        if not found.exists():
            raise StartError(
                f"{name} is not in the packages below {self.root}: remove that folder and try again"
            )
        return found

    def library_folders(self) -> list[Path]:
        """Where the packages keep shared libraries: per architecture, and the plain folders."""
        plain = [self.root / name for name in _LIBRARY_FOLDERS if (self.root / name).is_dir()]
        per_architecture = [folder for one in plain for folder in sorted(one.glob("*-linux-gnu*"))]
        # Some libraries live one deeper (PulseAudio, BLAS), found through update-alternatives or an rpath.
        deeper = [path.parent for folder in per_architecture for path in folder.glob("*/lib*.so.*")]
        return list(dict.fromkeys([*per_architecture, *plain, *deeper]))

    def command(self, program: str, *arguments: str | Path) -> list[str]:
        """The command line that runs `program` (such as `/usr/sbin/asterisk`) on the packages' own libc."""
        folders = self.library_folders()
        loader = next(
            (path for folder in folders for glob in _LOADERS for path in sorted(folder.glob(glob))), None
        )
        if loader is None:
            raise StartError(f"no dynamic loader below {self.root}: remove that folder and try again")
        search = ":".join(str(folder) for folder in folders)
        return [str(loader), "--library-path", search, str(self.path(program)), *map(str, arguments)]


def fetch_packages(
    folder: Path, names: Sequence[str], source: AptSource, without: frozenset[str] = frozenset()
) -> PackageFolder:
    """Unpack `names` and all they depend on into `folder`; at once when that was done before.

    Several processes may ask at the same time: one works, the others wait for it. `without` names packages
    to leave out of the closure. Raises `StartError`: apt missing, mirror not reachable, signature not valid.
    """
    wanted = {"release": source.release, "names": sorted(names), "without": sorted(without)}
    folder = folder.absolute()  # apt takes a relative path for one below its own folders
    if _is_unpacked(folder, wanted):
        return PackageFolder(folder / "root")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(folder.with_name(f"{folder.name}.lock")):
        if not _is_unpacked(folder, wanted):
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            _fill(partial, names, source, without)
            (partial / _STAMP).write_text(json.dumps(wanted), "utf-8")
            partial.rename(folder)
    return PackageFolder(folder / "root")


def _is_unpacked(folder: Path, wanted: Mapping[str, object]) -> bool:
    try:
        return bool(json.loads((folder / _STAMP).read_text("utf-8")) == wanted)
    except (OSError, ValueError):
        return False


def _fill(partial: Path, names: Sequence[str], source: AptSource, without: frozenset[str]) -> None:
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise StartError(f"the lab needs {program}, which this machine does not have")
    apt = _apt_command(partial, source)
    _run([*apt, "update"], f"the package list of {source.release}")
    _run([*apt, "install", "--yes", "--download-only", *names], f"{', '.join(names)} of {source.release}")
    root = partial / "root"
    root.mkdir()
    for archive in sorted((partial / "cache" / "archives").glob("*.deb")):
        if archive.name.partition("_")[0] not in without:
            _run(["dpkg-deb", "--extract", str(archive), str(root)], archive.name)
    # Only what was unpacked is kept: lists and archives are as large again.
    for name in ("cache", "state"):
        shutil.rmtree(partial / name)


def _apt_command(partial: Path, source: AptSource) -> list[str]:
    for name in ("state/lists/partial", "cache/archives/partial"):
        (partial / name).mkdir(parents=True)
    (partial / "sources.list").write_text(source.line(), "utf-8")
    (partial / "status").touch()
    options = {
        "Dir::State": partial / "state",
        "Dir::State::status": partial / "status",
        "Dir::Cache": partial / "cache",
        "Dir::Etc::sourcelist": partial / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        # The machine's pins are about its own packages, not about these.
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        # As root apt would drop to a user that cannot write into this folder.
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    return ["apt-get", "-q", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]


def _run(command: list[str], what: str) -> None:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=FETCH_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise StartError(f"fetching {what} took longer than {FETCH_TIMEOUT_S} s") from error
    if done.returncode != 0:
        said = sorted(line for line in done.stderr.splitlines() if line.startswith(("E:", "W:", "dpkg")))
        raise StartError(f"could not get {what}: {said[0] if said else f'exit code {done.returncode}'}")


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
