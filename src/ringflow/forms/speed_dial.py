"""The form of a speed dial."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.accounts.speed_dials import SpeedDial


@dataclass(frozen=True, slots=True)
class SpeedDialForm:
    """A number that a customer keeps under a key from 0 to 99."""

    customer: int
    place: int
    number: str
    name: str


def speed_dial_form(kept: SpeedDial) -> SpeedDialForm:
    """Return a speed dial as it is shown."""
    return SpeedDialForm(kept.customer_id, kept.place, kept.number, kept.name)
