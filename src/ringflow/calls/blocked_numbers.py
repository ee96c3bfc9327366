"""Numbers that a flow does not let callers dial: whole countries, and beginnings of numbers."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.numbers import country_of


@dataclass(frozen=True, slots=True)
class BlockedNumbers:
    """`countries` are two-letter codes (ISO 3166-1), `prefixes` beginnings of E.164 digits."""

    countries: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def by(self, number: str) -> str | None:
        """The country's code or the prefix that blocks a number (E.164 digits); None: nothing does."""
        prefix = next((one for one in self.prefixes if number.startswith(one)), None)
        if prefix is not None or not self.countries:
            return prefix
        country = country_of(number)
        return country if country in self.countries else None
