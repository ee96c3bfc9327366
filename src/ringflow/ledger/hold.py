"""Holds: credit set aside for a leg, and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringflow.errors import Refused
from ringflow.ledger.terms import Terms


class HoldState(StrEnum):
    """`settled`: charged (perhaps nothing). `released`: the leg never was."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"


@dataclass(slots=True)
class Hold:
    """Credit set aside for a leg. `terms` is None for a leg that is not rated here (upstream).

    `unreadable`: why the terms that are kept with it cannot be read; "" where they can, or there are none.

    `asterisk`: the identity of the Asterisk that the leg lives on, empty where that is not known. `token`:
    what that Asterisk must show to have the leg settled. `left_ms`: when its server lost sight of it, if it
    did.
    """

    leg_id: str
    customer_id: int
    micros: int
    terms: Terms | None
    server: str
    opened_ms: int
    expires_ms: int
    unreadable: str = ""
    asterisk: str = ""
    token: str = ""
    left_ms: int | None = None


@dataclass(slots=True)
class NoCredit:
    """No hold: the customer has `available_micros` to spend, which may be below zero."""

    customer_id: int
    available_micros: int


@dataclass(slots=True)
class Settlement:
    """How a hold ended: the same for everyone who asks.

    `uncollected_micros`: what the talk cost beyond the hold and could not be taken, as the credit was spent.
    """

    leg_id: str
    customer_id: int
    state: HoldState
    charged_micros: int
    uncollected_micros: int
    ended_ms: int


class UnknownLeg(Refused):
    """No hold was ever made for this leg."""


class LegTaken(Refused):
    """The leg's id stands for another hold, or for one that has ended."""
