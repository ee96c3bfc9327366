"""The mirror is the machine's own, in whichever form its lists are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.errors import StartError
from ringflow.lab import apt_sources
from ringflow.lab.apt_sources import Listed, Machine, find_source, read_lists, read_machine
from ringflow.lab.packages import fetch_packages

BOOKWORM = Machine("debian", "bookworm")

PARAGRAPHS = """\
# a mirror of ours
Types: deb
URIs: http://mirror.example.net/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://sources.example.net/debian
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: http://off.example.net/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://security.example.net/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 AAAA
"""
LINES = """\
# deb http://old.example.net/debian bookworm main
deb-src http://sources.example.net/debian bookworm main
deb cdrom:[Debian]/ bookworm main
deb [ arch=amd64 signed-by=/keys/third.gpg ] https://third.example.net/apt stable stuff
deb [signed-by=/keys/a.gpg] https://mirror.example.net/debian bookworm main  # ours
deb https://flat.example.net/ ./
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


@pytest.fixture(autouse=True)
def _keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt_sources, "_find_keyring", lambda machine, listed: Path("/keys/a.gpg"))


def test_paragraphs_are_read(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(PARAGRAPHS)
    mirror, security = read_lists(apt)
    assert mirror == Listed(
        "http://mirror.example.net/debian",
        ("bookworm", "bookworm-updates"),
        ("main", "contrib"),
        "/usr/share/keyrings/debian-archive-keyring.gpg",
    )
    assert (security.uri, security.suites) == (
        "http://security.example.net/debian-security",
        ("bookworm-security",),
    )
    assert find_source(BOOKWORM, "forky", apt, {}).uri == "http://mirror.example.net/debian"


def test_lines_are_read(apt: Path) -> None:
    (apt / "sources.list").write_text(LINES)
    (apt / "sources.list.d" / "off.list.disabled").write_text(
        "deb http://off.example.net/debian bookworm main\n"
    )
    assert [entry.keyring for entry in read_lists(apt)] == ["", "/keys/third.gpg", "/keys/a.gpg", ""]
    source = find_source(BOOKWORM, "bullseye", apt, {})
    assert source.line() == "deb [signed-by=/keys/a.gpg] https://mirror.example.net/debian bullseye main\n"


def test_a_machine_of_ubuntu_uses_its_own_release(apt: Path, tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('NAME="Ubuntu"\nID=ubuntu\nVERSION_CODENAME=noble\n')
    machine = read_machine(tmp_path / "os-release")
    (apt / "sources.list").write_text("deb http://ubuntu.example.net/ubuntu noble main universe\n")
    source = find_source(machine, machine.lab_release, apt, {})
    assert (source.release, source.components) == ("noble", ("main", "universe"))
    assert BOOKWORM.lab_release == "forky"


def test_the_environment_overrides_the_lists(apt: Path) -> None:
    (apt / "sources.list").write_text(LINES)
    given = {"RINGFLOW_LAB_MIRROR": "http://other.example.net/debian"}
    assert find_source(BOOKWORM, "forky", apt, given).uri == "http://other.example.net/debian"
    for bad in ("ftp://x/debian", "http://x/ [trusted=yes]", "http://x/\ndeb http://y/"):
        with pytest.raises(StartError, match="RINGFLOW_LAB_MIRROR must be"):
            find_source(BOOKWORM, "forky", apt, {"RINGFLOW_LAB_MIRROR": bad})


def test_without_a_mirror_or_another_distribution_one_line_says_so(apt: Path, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="set RINGFLOW_LAB_MIRROR"):
        find_source(BOOKWORM, "forky", apt, {})
    (tmp_path / "os-release").write_text("ID=fedora\n")
    with pytest.raises(StartError, match="this machine is fedora"):
        read_machine(tmp_path / "os-release")


def test_unsigned_packages_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    suite = tmp_path / "mirror" / "dists" / "forky"
    (suite / "main" / "binary-amd64").mkdir(parents=True)
    (suite / "main" / "binary-amd64" / "Packages").write_text("")
    (suite / "Release").write_text("Suite: forky\nCodename: forky\nComponents: main\nArchitectures: amd64\n")
    (tmp_path / "key.gpg").write_bytes(b"")
    source = apt_sources.AptSource(f"file:{tmp_path}/mirror", "forky", ("main",), tmp_path / "key.gpg")
    with pytest.raises(
        StartError, match=r"could not get the package list of forky: E: .*not signed"
    ) as caught:
        fetch_packages(tmp_path / "packages", ["asterisk"], source)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "packages").exists()
