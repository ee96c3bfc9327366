"""Which customer asks."""

from __future__ import annotations

from ringflow.actor import Principal


def own_id(principal: Principal) -> int:
    """Return the number of the customer who asks. Handlers here read and change only what is its own."""
    assert principal.customer_id is not None, "only customers are let in here"
    return principal.customer_id


def own_token_id(principal: Principal) -> int:
    """Return the ID of the token that the customer asks by."""
    assert principal.credential_id is not None, "a customer is recognised by a token"
    return int(principal.credential_id)
