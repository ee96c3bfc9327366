"""The variables of a call: those that are given, and those that slots set."""

from __future__ import annotations

from ringflow.accounts.admission import Admission
from ringflow.accounts.customers import Customer

ALWAYS_SET = frozenset({"did", "call.id", "app"})
"""Set in every call before its first slot."""

SOMETIMES_SET = frozenset({"cli", "card.id", "customer.id", "customer.name", "customer.currency"})
"""`cli` is missing for anonymous callers, `customer.*` where nobody is known, `card.id` without a card."""

MAX_VALUE_LENGTH = 1024


def given_variables(call_id: str, admission: Admission) -> dict[str, str]:
    """What a call knows before its first slot; values are text, as `${...}` inserts them."""
    variables = {"call.id": call_id, "did": admission.did.number, "app": admission.did.app}
    if admission.cli is not None:
        variables["cli"] = admission.cli
    if admission.customer is not None:
        variables |= customer_variables(admission.customer)
    return variables


def customer_variables(customer: Customer) -> dict[str, str]:
    """What a flow may know of who pays."""
    return {
        "customer.id": str(customer.id),
        "customer.name": customer.name,
        "customer.currency": customer.currency,
    }
