"""The files named in the languages, against Asterisk's own packs and the texts that come with them."""

from __future__ import annotations

import gzip
import re
import unicodedata
from pathlib import Path

import pytest

from ringflow.errors import StartError
from ringflow.lab.packages import PackageFolder
from ringflow.lab.sound_packs import LISTED, fetch_sound_packs
from ringflow.speaking import languages, load_language

pytestmark = pytest.mark.lab

FOLDER = Path(__file__).parents[2] / ".ringflow" / "lab" / "sound-packs"
# File names that the lists of texts spell otherwise than the packs do.
LISTED_AS = {"digits/1M": "digits/1m", "digits/1F": "digits/1f"}
# Units whose files sound alike, or say the same in another word, by what the lists have for them.
SAME = {
    ("es", "cien"): "cient",
    ("es", "diez"): None,  # listed as a second `digits/0`
    ("fr", "quatre-vingts"): "quatre-vingt",
    ("fr", "cents"): "cent",
    ("fr", "millions"): "million",
    ("en", "hash"): "pound",
    ("en", "dash"): "dash [-]",
    ("en", "fortieth"): "fourtieth",
}


@pytest.fixture(scope="module")
def packs() -> PackageFolder:
    try:
        return fetch_sound_packs(FOLDER)
    except StartError as error:
        pytest.skip(f"the sound packs cannot be had: {error}")


def plain(text: str) -> str:
    """Letters without accents, marks and case: the lists were typed in haste."""
    letters = unicodedata.normalize("NFKD", text.lower())
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w\s-]|\[.\]", " ", kept).split())


def listed_texts(packs: PackageFolder, code: str) -> dict[str, str]:
    path = packs.path(f"/usr/share/doc/asterisk-core-sounds-{code}/core-sounds-{code}.txt.gz")
    lines = gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines()
    texts: dict[str, str] = {}
    for line in lines:
        name, colon, text = line.partition(":")
        if colon and not line.startswith(";"):
            texts.setdefault(name.strip(), text)
    return texts


@pytest.mark.parametrize("code", languages())
def test_every_file_that_is_named_is_in_the_pack(packs: PackageFolder, code: str) -> None:
    language = load_language(code)
    folder = packs.path(f"/usr/share/asterisk/sounds/{language.pack.folder}")

    missing = [
        name
        for unit in language.units.values()
        for name in unit.pack
        if not (folder / f"{name}.gsm").is_file() or not (folder / f"{name}.gsm").stat().st_size
    ]

    assert missing == []


@pytest.mark.parametrize("code", LISTED)
def test_every_file_says_what_the_unit_says(packs: PackageFolder, code: str) -> None:
    texts = listed_texts(packs, code)

    differing = []
    for unit in load_language(code).units.values():
        expected = SAME.get((code, unit.text), unit.text)
        said = " ".join(texts.get(LISTED_AS.get(name, name), "?") for name in unit.pack)
        if unit.pack and expected is not None and plain(said) != plain(expected):
            differing.append((unit.name, unit.text, said))

    assert differing == []
