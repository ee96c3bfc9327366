"""A call's place within the channel limits of its customer and its DID, counted in the database.

Only calls with a limit pay for it: two writes. The count holds across servers, and across their crashes:
each call leaves a mark, which a reaper takes away when neither its server nor its channel lives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ringflow.accounts.admission import (
    CUSTOMER_CHANNELS_FULL,
    DID_CHANNELS_FULL,
    Admission,
    Rejection,
)
from ringflow.calls.charging import Charging
from ringflow.ledger.channel_limits import customer_subject


def is_limited(admission: Admission) -> bool:
    """Whether the customer or the DID may have only so many calls at once."""
    customer = admission.customer
    return admission.did.channels is not None or (customer is not None and customer.channels is not None)


@asynccontextmanager
async def counted(
    charging: Charging, admission: Admission, mark: str, asterisk: str
) -> AsyncIterator[Rejection | None]:
    """Count a call for the time of the block; gives why it cannot be, if it cannot. Raises `StoreGone`.

    `asterisk`: the identity of the Asterisk that the call lives on.
    """
    customer, did = admission.customer, admission.did
    limits: dict[str, int | None] = {}
    if did.channels is not None:
        limits[f"did:{did.number}"] = did.channels
    if customer is not None and customer.channels is not None:
        limits[customer_subject(customer.id)] = customer.channels
    full: str | None = "not known yet"
    rejected = False
    try:
        full = await charging.ledger.occupy(mark, limits, asterisk)
        rejected = full is not None
        yield _rejection(full)
    finally:
        # Whoever is cancelled while asking does not know whether the call was counted.
        if not rejected:
            await charging.vacate(mark, limits)


def _rejection(full: str | None) -> Rejection | None:
    if full is None:
        return None
    return DID_CHANNELS_FULL if full.startswith("did:") else CUSTOMER_CHANNELS_FULL
