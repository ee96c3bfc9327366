"""The names of countries as CLDR has them. Run as a script, it writes `speaking/country_names.json` anew."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import phonenumbers
from babel import Locale

from ringflow.speaking import languages

FILE = Path(str(files("ringflow.speaking") / "country_names.json"))


def text_of_cldr() -> str:
    """The file's text: for each language, the names of the countries that have telephone numbers."""
    codes = sorted(phonenumbers.SUPPORTED_REGIONS)
    names = {
        language: {code: Locale.parse(language).territories[code] for code in codes}
        for language in languages()
    }
    return json.dumps(names, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text_of_cldr(), "utf-8")
