"""A call's places within the channel limits of its DID and its customers, counted in the database.

Only calls with a limit are counted, which costs two writes. The count holds across servers and across their
crashes: each counted call leaves a mark, which a reaper takes away when neither its server nor its channel
lives.
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
from ringflow.accounts.customers import Customer
from ringflow.calls.call_ids import CallMark
from ringflow.calls.charging import Charging
from ringflow.ledger.channel_limits import customer_subject, did_subject


@asynccontextmanager
async def counted(
    charging: Charging | None, admission: Admission, mark: CallMark, asterisk: str
) -> AsyncIterator[Rejection | None]:
    """Count a call for the time of the block; yield why it cannot be, or None. Raises `StoreGone`.

    `asterisk`: the identity of the Asterisk that the call lives on. Without `charging` there are no limits.
    """
    limits = _limits(admission)
    if charging is None or not limits:
        yield None
        return
    full: str | None = "not known yet"
    rejected = False
    try:
        full = await charging.ledger.occupy(str(mark), limits, asterisk)
        rejected = full is not None
        yield _rejection(admission, full)
    finally:
        # Whoever is cancelled while asking does not know whether the call was counted.
        if not rejected:
            await charging.vacate(str(mark), limits)


def _limits(admission: Admission) -> dict[str, int | None]:
    customer, did = admission.customer, admission.did
    limits: dict[str, int | None] = {}
    if did.channels is not None:
        limits[did_subject(did.number)] = did.channels
    if customer is not None and customer.channels is not None:
        limits[customer_subject(customer.id)] = customer.channels
    return limits


def _rejection(admission: Admission, full: str | None) -> Rejection | None:
    if full is None:
        return None
    return DID_CHANNELS_FULL if full == did_subject(admission.did.number) else CUSTOMER_CHANNELS_FULL


class CustomerChannels:
    """The channels of customers who were identified in mid-call: one more call of theirs, until it ends.

    `asterisk`: the identity of the Asterisk whose channel `unique_id` is.
    """

    def __init__(self, charging: Charging | None, call_id: str, unique_id: str, asterisk: str = "") -> None:
        self._charging = charging
        self._call_id = call_id
        self._unique_id = unique_id
        self._asterisk = asterisk
        self._marks: dict[str, str] = {}

    async def take(self, customer: Customer) -> bool:
        """Count the call as the customer's; return False when the limit is reached. Raises `StoreGone`."""
        if self._charging is None or customer.channels is None:
            return True
        mark = str(CallMark(self._call_id, self._unique_id, customer.id))
        # Whoever is cancelled while asking does not know whether the call was counted: it is given back.
        subject = customer_subject(customer.id)
        self._marks[mark] = subject
        if await self._charging.ledger.occupy(mark, {subject: customer.channels}, self._asterisk) is None:
            return True
        del self._marks[mark]
        return False

    async def leave(self) -> None:
        """The call is over: count it for nobody."""
        while self._charging is not None and self._marks:
            mark, subject = self._marks.popitem()
            await self._charging.vacate(mark, (subject,))
