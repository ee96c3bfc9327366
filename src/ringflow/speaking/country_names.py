"""The names of countries in each language, as the Unicode consortium keeps them (CLDR).

`country_names.json` is made of the library `babel`, by a script beside the tests, which compare the two. As
data it takes 30 kB; the library with all of its languages takes 36 MB of disk and 14 MB of memory for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def country_name(code: str, language: str) -> str:
    """The name of the country with a two-letter code (ISO 3166-1); the code where it has no name.

    `language` is one that is spoken here.
    """
    return _names()[language].get(code, code)


@cache
def _names() -> Mapping[str, Mapping[str, str]]:
    # Few calls need it.
    read: Mapping[str, Mapping[str, str]] = json.loads(
        (files("ringflow.speaking") / "country_names.json").read_text("utf-8")
    )
    return read
