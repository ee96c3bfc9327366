"""Asterisk's own recordings of words, by language: where Debian installs them, or fetched without root."""

from __future__ import annotations

from pathlib import Path

from ringflow.lab.apt_sources import find_source, read_machine
from ringflow.lab.packages import PackageFolder, fetch_packages
from ringflow.speaking import Language, languages, load_language

SOUNDS = "/usr/share/asterisk/sounds"
INSTALLED = (Path(SOUNDS), Path("/var/lib/asterisk/sounds"))

LISTED = ("en", "es", "fr", "ru")
"""Languages with a package of its own that says what each file of the pack says."""


def find_sound_pack(language: Language, fetched: Path) -> Path:
    """The folder of a language's pack. One that is not installed is fetched into `fetched`, with all others.

    Raises `StartError` where it cannot be had.
    """
    for folder in INSTALLED:
        if (folder / language.pack.folder).is_dir():
            return folder / language.pack.folder
    return fetch_sound_packs(fetched).path(f"{SOUNDS}/{language.pack.folder}")


def fetch_sound_packs(folder: Path) -> PackageFolder:
    """The packs of all languages, and lists of what they say, unpacked in `folder`. Raises `StartError`."""
    packs = [load_language(code).pack.package for code in languages()]
    lists = [f"asterisk-core-sounds-{code}" for code in LISTED]
    machine = read_machine()
    return fetch_packages(folder, [*packs, *lists], find_source(machine, machine.lab_release))
