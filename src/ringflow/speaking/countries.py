"""The language in which callers of a country are likely to want to be spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml


def language_of_country(country: str) -> str | None:
    """The language of a two-letter code (ISO 3166-1); None where none of ours is likely."""
    return _by_country().get(country)


@cache
def _by_country() -> Mapping[str, str]:
    text = (files("ringflow.speaking") / "countries.yaml").read_text("utf-8")
    # Every scalar is text to this loader, so `NO` is a country.
    listed: dict[str, str] = yaml.load(text, yaml.BaseLoader)  # noqa: S506
    return {country: language for language, countries in listed.items() for country in countries.split()}
