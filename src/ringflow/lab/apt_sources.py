"""Where this machine gets its packages from, read from apt's own lists.

Both forms that apt knows are read (sources.list(5)): lines such as
``deb [signed-by=KEY] URI SUITE COMPONENTS``, and paragraphs of `Types:`, `URIs:`, `Suites:`, `Components:`
and `Signed-By:` in `*.sources` files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ringflow.errors import StartError

MIRROR_VARIABLE = "RINGFLOW_LAB_MIRROR"
DEBIAN_RELEASE = "forky"

_COMPONENTS = {"debian": ("main",), "ubuntu": ("main", "universe")}
_REACHABLE = ("http://", "https://", "file:", "mirror+file:")
_ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<components>.*)"
)


@dataclass(frozen=True, slots=True)
class AptSource:
    """One release of a distribution on a mirror, and the keyring that vouches for it."""

    uri: str
    release: str
    components: tuple[str, ...]
    keyring: Path

    def line(self) -> str:
        """The source as a line for `sources.list`."""
        return f"deb [signed-by={self.keyring}] {self.uri} {self.release} {' '.join(self.components)}\n"


@dataclass(frozen=True, slots=True)
class Listed:
    """What one entry of the machine's lists says."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    keyring: str


@dataclass(frozen=True, slots=True)
class Machine:
    """The distribution that runs here: `debian` or `ubuntu`, and its release's code name."""

    distribution: str
    release: str

    @property
    def lab_release(self) -> str:
        """The release whose Asterisk the lab runs unless told otherwise."""
        return DEBIAN_RELEASE if self.distribution == "debian" else self.release


def read_machine(os_release: Path = Path("/etc/os-release")) -> Machine:
    """Read `os-release`. Raises `StartError` where packages are not Debian's or Ubuntu's."""
    try:
        text = os_release.read_text("utf-8")
    except OSError:
        text = ""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    fields = {name: value.strip().strip("\"'") for name, value in pairs}
    distribution = fields.get("ID", "")
    if distribution not in _COMPONENTS:
        raise StartError(
            f"the lab needs Debian or Ubuntu packages; this machine is {distribution or 'unknown'}"
        )
    return Machine(distribution, fields.get("VERSION_CODENAME", ""))


def find_source(
    machine: Machine,
    release: str,
    apt_folder: Path = Path("/etc/apt"),
    environment: Mapping[str, str] = os.environ,
) -> AptSource:
    """The mirror of this machine, or of `RINGFLOW_LAB_MIRROR`, for any `release` of its distribution.

    Raises `StartError` when the machine's lists name no mirror, or no keyring is installed.
    """
    listed = [entry for entry in read_lists(apt_folder) if _carries_releases(entry, machine)]
    uri = environment.get(MIRROR_VARIABLE) or (listed[0].uri if listed else "")
    if not uri:
        raise StartError(
            f"no package mirror found in {apt_folder}: set {MIRROR_VARIABLE} to one of {machine.distribution}"
        )
    if not uri.startswith(_REACHABLE) or re.search(r"[\s\[\]]", uri):
        raise StartError(f"{MIRROR_VARIABLE} must be an http, https or file URI")
    return AptSource(uri, release, _COMPONENTS[machine.distribution], _find_keyring(machine, listed))


def read_lists(apt_folder: Path) -> list[Listed]:
    """Every enabled `deb` entry below `apt_folder`, in apt's own order."""
    folder = apt_folder / "sources.list.d"
    found: list[Listed] = []
    for path in [apt_folder / "sources.list", *sorted(folder.glob("*"))]:
        try:
            text = path.read_text("utf-8", errors="replace")
        except OSError:
            continue
        if path.suffix == ".sources":
            found.extend(_read_paragraphs(text))
        elif path.suffix == ".list":
            found.extend(_read_lines(text))
    return found


def _read_lines(text: str) -> Iterator[Listed]:
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match:
            options = (option.partition("=") for option in (match["options"] or "").split())
            keyring = next((value for name, _, value in options if name.lower() == "signed-by"), "")
            yield Listed(match["uri"], (match["suite"],), tuple(match["components"].split()), keyring)


def _read_paragraphs(text: str) -> Iterator[Listed]:
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", kept):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in (
            "no",
            "false",
        ):
            continue
        for uri in fields.get("uris", "").split():
            yield Listed(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
            )


def _carries_releases(entry: Listed, machine: Machine) -> bool:
    # A security or third-party archive does not have the other releases' packages: the archive wanted
    # is the one that lists the release of this machine itself, under its plain name, with `main`.
    names = {machine.release, "stable", "testing", "unstable", "sid"} - {""}
    return (
        entry.uri.startswith(_REACHABLE) and "main" in entry.components and not names.isdisjoint(entry.suites)
    )


def _find_keyring(machine: Machine, listed: list[Listed]) -> Path:
    usual = Path("/usr/share/keyrings")
    name = f"{machine.distribution}-archive-keyring"
    # `Signed-By` may also hold a key itself, or fingerprints: then the package's own keyring is used.
    named = [Path(entry.keyring) for entry in listed if entry.keyring.startswith("/")]
    for path in [usual / f"{name}.gpg", usual / f"{name}.pgp", *named]:
        if path.is_file():
            return path
    raise StartError(f"no keyring verifies {machine.distribution}'s packages here: apt install {name}")
