"""The fields of one rate as somebody writes them, read as the cells of a sheet are."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.ledger.rates.sheet_cells import (
    read_amount,
    read_billing,
    read_destination,
    read_price,
    read_seconds,
)
from ringflow.ledger.rates.sheet_dates import read_period

NOTHING = "none"
"""Written for an end or a destination that is to be taken away."""


@dataclass(frozen=True, slots=True)
class WrittenRate:
    """What of a rate is to be what; None: that stays. Dates are in UTC."""

    price: str | None = None
    connection: str | None = None
    minimum: str | None = None
    increment: str | None = None
    grace: str | None = None
    until: str | None = None
    destination: str | None = None

    def changes(self, currency: str) -> dict[str, object]:
        """The columns that change, and to what. Raises `CellError`."""
        found: dict[str, object] = {}
        if self.price is not None:
            micros = read_price(self.price, currency, "point")
            found |= {"blocked": True} if micros is None else {"price_micros": micros, "blocked": False}
        if self.connection is not None:
            found["connection_micros"] = read_amount(self.connection, currency, "point", "connection")
        if self.increment is not None:
            minimum_s, found["increment_s"] = read_billing(self.increment)
            if minimum_s is not None:
                found["minimum_s"] = minimum_s
        if self.minimum is not None:
            found["minimum_s"] = read_seconds(self.minimum, "minimum", 1)
        if self.grace is not None:
            found["grace_s"] = read_seconds(self.grace, "grace", 0)
        if self.destination is not None:
            found["destination"] = "" if self.destination == NOTHING else read_destination(self.destination)
        if self.until is not None:
            found["until_ms"] = None if self.until == NOTHING else begin_ms(self.until, "until")
        return found


def begin_ms(text: str | None, field: str) -> int | None:
    """The first moment of a day, in milliseconds since 1970; None for none. Raises `CellError`."""
    period = read_period(text or "", field, "")
    return None if period is None else period.start_ms
