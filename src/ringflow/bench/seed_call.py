"""The seed call: who calls, whom, and what is keyed into the flow `calling_card`."""

from __future__ import annotations

CUSTOMER = 42
DID = "18005550100"
CLI = "441910000001"
KEYS = "441234567890"
