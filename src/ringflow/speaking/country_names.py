"""The names of countries in each language, as the Unicode consortium keeps them (CLDR)."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1024)
def country_name(code: str, language: str) -> str:
    """The name of the country with a two-letter code (ISO 3166-1); the code where CLDR has no name for it.

    `language` is one that is spoken here.
    """
    # Few commands and few calls need it, and each command would load it.
    from babel import Locale

    names = Locale.parse(language).territories
    return str(names.get(code, code))
