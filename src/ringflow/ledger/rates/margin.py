"""Whether a call costs us more than it brings: a customer's terms against a trunk's, for one number.

minute          the charge and the cost of a talk of 60 s, or of the shortest charged talk if that is longer
further         the two prices of a minute: what every further minute brings and costs
shortest        the charge and the cost of the shortest charged talk

A call is below cost where it loses by the minute or by further minutes. Loss on the shortest talks alone is
normal where a trunk's owner charges by whole minutes and we by seconds: it is shown, and stops no call.
What talks within the grace cost, for which nobody is charged, is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ringflow.ledger.terms import Terms, charge_micros
from ringflow.money import format_amount

MINUTE_MS = 60_000


class LossBy(StrEnum):
    """By what a call loses money."""

    SHORTEST = "shortest"
    MINUTE = "minute"
    FURTHER = "further"


@dataclass(frozen=True, slots=True)
class Talk:
    """What a talk of so long brings and costs, in micro-units of one currency."""

    talked_ms: int
    charge_micros: int
    cost_micros: int

    @property
    def loses(self) -> bool:
        """Whether it costs more than it brings."""
        return self.cost_micros > self.charge_micros


@dataclass(frozen=True, slots=True)
class Margin:
    """`sell`: what the customer pays by; `buy`: what we pay by, in the same currency."""

    sell: Terms
    buy: Terms

    @property
    def shortest(self) -> Talk:
        """The shortest talk for which the customer is charged."""
        return self._talk(self._shortest_ms)

    @property
    def minute(self) -> Talk:
        """A minute, or the shortest charged talk where that is longer."""
        return self._talk(max(MINUTE_MS, self._shortest_ms))

    @property
    def losses(self) -> Sequence[LossBy]:
        """By what it loses, none where it does not."""
        found = {
            LossBy.SHORTEST: self.shortest.loses,
            LossBy.MINUTE: self.minute.loses,
            LossBy.FURTHER: self.buy.price_micros > self.sell.price_micros,
        }
        return tuple(by for by, loses in found.items() if loses)

    @property
    def below_cost(self) -> bool:
        """Whether calls are sold below cost."""
        return self.buy.price_micros > self.sell.price_micros or self.minute.loses

    def __str__(self) -> str:
        """Both sides, for records and logs."""
        minute, currency = self.minute, self.sell.currency
        return (
            f"costs {_shown(minute.cost_micros, currency)} for {minute.talked_ms // 1000} s and "
            f"{_shown(self.buy.price_micros, currency)} a minute (prefix {self.buy.prefix}), brings "
            f"{_shown(minute.charge_micros, currency)} and {_shown(self.sell.price_micros, currency)} "
            f"(prefix {self.sell.prefix})"
        )

    @property
    def _shortest_ms(self) -> int:
        return self.sell.grace_s * 1000 + 1

    def _talk(self, talked_ms: int) -> Talk:
        return Talk(talked_ms, charge_micros(self.sell, talked_ms), charge_micros(self.buy, talked_ms))


def _shown(micros: int, currency: str) -> str:
    return f"{format_amount(micros, currency)} {currency}"
