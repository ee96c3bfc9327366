"""What a call costs: pure functions of a rate's terms and the talk time, exact in whole micro-units.

billed seconds  0 where the talk lasted no longer than the grace, otherwise the minimum, and then as many
                whole increments as cover the talk: 60/6 bills 61 s as 66 s
charge          (connection fee + price a minute * billed seconds / 60), rounded once to the card's decimals
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache

from ringflow.errors import Refused
from ringflow.money import MICRO_DIGITS, Rounding, divide, largest_numerator


class UnreadableTerms(Refused):
    """What is kept beside a hold are not terms that this version reads: a newer one may."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A rate as one call sees it; prices in micro-units of `currency`, times in seconds.

    `decimals`: how many of the currency's decimals a charge keeps (0 to 6), rounded by `rounding`.
    `prefix` and `destination`, its name: which row of the rate card this is, for the records.
    """

    currency: str
    price_micros: int
    connection_micros: int = 0
    minimum_s: int = 1
    increment_s: int = 1
    grace_s: int = 0
    decimals: int = 4
    rounding: Rounding = Rounding.UP
    prefix: str = ""
    destination: str = ""

    @property
    def free(self) -> bool:
        """Whether no call costs anything."""
        return self.price_micros == 0 and self.connection_micros == 0

    def to_json(self) -> str:
        """As it is kept beside a hold."""
        return _to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Terms:
        """Read what `to_json` wrote. Raises `UnreadableTerms`."""
        return _from_json(text)

    @property
    def _unit(self) -> int:
        return int(10 ** (MICRO_DIGITS - self.decimals))


# Every charged call asks for both, and few rates serve many calls.
@lru_cache(maxsize=4096)
def _to_json(terms: Terms) -> str:
    return json.dumps(asdict(terms), separators=(",", ":"))


@lru_cache(maxsize=4096)
def _from_json(text: str) -> Terms:
    try:
        fields = json.loads(text)
        terms = Terms(**{**fields, "rounding": Rounding(fields["rounding"])})
        if not _computable(terms):
            raise ValueError("a value is out of its range")
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableTerms(
            "terms.unreadable", f"the terms {text[:200]!r} cannot be read: {error}"
        ) from error
    return terms


def _computable(terms: Terms) -> bool:
    """Whether a charge can be made of these values."""
    least = {
        "price_micros": 0,
        "connection_micros": 0,
        "minimum_s": 1,
        "increment_s": 1,
        "grace_s": 0,
        "decimals": 0,
    }
    values = {name: getattr(terms, name) for name in least}
    return terms.decimals <= MICRO_DIGITS and all(
        type(value) is int and value >= least[name] for name, value in values.items()
    )


def billed_s(terms: Terms, talked_ms: int) -> int:
    """Seconds that are charged for a talk that lasted `talked_ms`."""
    if talked_ms <= terms.grace_s * 1000:
        return 0
    beyond_ms = max(0, talked_ms - terms.minimum_s * 1000)
    return terms.minimum_s + -(-beyond_ms // (terms.increment_s * 1000)) * terms.increment_s


def charge_micros(terms: Terms, talked_ms: int) -> int:
    """What a talk costs. Nothing when it did not come about (0 ms) or lasted no longer than the grace."""
    seconds = billed_s(terms, talked_ms)
    if seconds == 0:
        return 0
    cost = terms.connection_micros * 60 + terms.price_micros * seconds
    return divide(cost, 60 * terms._unit, terms.rounding) * terms._unit


def affordable_ms(terms: Terms, available_micros: int) -> int | None:
    """The longest talk that costs no more than `available_micros`; None: as long as one likes.

    The exact inverse of `charge_micros`: one millisecond more costs more than there is.
    """
    grace_ms = terms.grace_s * 1000
    if terms.free:
        return None
    if available_micros < 0:
        return grace_ms
    most = largest_numerator(available_micros // terms._unit, 60 * terms._unit, terms.rounding)
    left = most - terms.connection_micros * 60
    if left >= 0 and terms.price_micros == 0:
        return None
    seconds = left // terms.price_micros if left >= 0 else -1
    if seconds < terms.minimum_s:
        return grace_ms
    increments = (seconds - terms.minimum_s) // terms.increment_s
    return max(grace_ms, (terms.minimum_s + increments * terms.increment_s) * 1000)


def leg_charge_micros(terms: Terms | None, talked_ms: int, limit_ms: int | None) -> int:
    """What a leg is charged: the price of its talk, up to the limit that its credit set. The settlement rule.

    Talk beyond `limit_ms` (None: no limit) is not charged, because Asterisk ends a talk some milliseconds
    late, or its clock was set. Without `terms` the leg is rated upstream, and nothing is charged here.
    """
    if terms is None:
        return 0
    return charge_micros(terms, talked_ms if limit_ms is None else min(talked_ms, limit_ms))


def least_charge_micros(terms: Terms) -> int:
    """What the shortest talk beyond the grace costs: with less credit, a call is not put through."""
    return charge_micros(terms, terms.grace_s * 1000 + 1)
