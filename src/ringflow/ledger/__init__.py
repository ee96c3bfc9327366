"""Money: accounts, movements, holds, counted calls and rates, exact under any crash."""

from ringflow.ledger.hold import Hold, HoldState, LegTaken, NoCredit, Settlement, UnknownLeg
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.terms import Terms, affordable_ms, charge_micros

__all__ = [
    "Hold",
    "HoldState",
    "Ledger",
    "LegTaken",
    "NoCredit",
    "Settlement",
    "Terms",
    "UnknownLeg",
    "affordable_ms",
    "charge_micros",
]
