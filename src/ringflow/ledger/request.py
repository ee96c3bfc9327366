"""What calls ask of the ledger, to be carried out in batches, and what they are answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ringflow.errors import Refused
from ringflow.ledger.hold import Hold, HoldState, NoCredit, Settlement


@dataclass(slots=True)
class HoldRequest:
    """Set `micros` aside, or what there is from `least_micros` on."""

    leg_id: str
    customer_id: int
    micros: int
    least_micros: int
    server: str
    terms: str
    expires_ms: int
    asterisk: str = ""
    token: str = ""

    @property
    def subject(self) -> str:
        """What it is about: a batch holds one request for each."""
        return f"leg:{self.leg_id}"


@dataclass(slots=True)
class ExtendRequest:
    """Raise the leg's hold to `micros` in all, or as far as there is credit, from `least_micros` on."""

    leg_id: str
    micros: int
    least_micros: int
    expires_ms: int | None

    @property
    def subject(self) -> str:
        """What it is about: a batch holds one request for each."""
        return f"leg:{self.leg_id}"


@dataclass(slots=True)
class SettleRequest:
    """End the leg's hold: charge `micros`, give the rest back."""

    leg_id: str
    micros: int
    state: HoldState = HoldState.SETTLED

    @property
    def subject(self) -> str:
        """What it is about: a batch holds one request for each."""
        return f"leg:{self.leg_id}"


@dataclass(slots=True)
class VoidRequest:
    """End the leg's hold without a charge, and let none be made for the leg from now on."""

    leg_id: str
    customer_id: int

    @property
    def subject(self) -> str:
        """What it is about: a batch holds one request for each."""
        return f"leg:{self.leg_id}"


@dataclass(slots=True)
class OccupyRequest:
    """Count a call in all of these, each with its limit (None: no limit), or in none."""

    call_id: str
    limits: tuple[tuple[str, int | None], ...]
    server: str
    asterisk: str = ""

    @property
    def subject(self) -> str:
        """What it is about: a batch holds one request for each."""
        return f"call:{self.call_id}"


@dataclass(slots=True)
class VacateRequest:
    """Count the call nowhere any more. `limited`: where it was to be counted, if that is known."""

    call_id: str
    limited: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What it is about: a batch holds one request for each."""
        return f"call:{self.call_id}"


@dataclass(slots=True)
class Occupied:
    """Where a call is counted. `full`: what had no room, so that the call is counted nowhere."""

    full: str | None = None


LegRequest: TypeAlias = HoldRequest | ExtendRequest | SettleRequest | VoidRequest
CallRequest: TypeAlias = OccupyRequest | VacateRequest
Request: TypeAlias = LegRequest | CallRequest
LegAnswer: TypeAlias = Hold | NoCredit | Settlement | Refused
Answer: TypeAlias = LegAnswer | Occupied
