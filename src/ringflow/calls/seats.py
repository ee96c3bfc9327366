"""The channels of customers who were identified in mid-call: one more call of theirs, until it ends."""

from __future__ import annotations

from ringflow.accounts.customers import Customer
from ringflow.calls.charging import Charging
from ringflow.ledger.occupying import customer_subject


class Seats:
    """Of one call. `mark_end` is what a reaper tells a live call by: `@` and Asterisk's id of the channel.

    `asterisk`: the identity of the Asterisk whose channel that is.
    """

    def __init__(self, charging: Charging | None, call_id: str, mark_end: str, asterisk: str = "") -> None:
        self._asterisk = asterisk
        self._charging = charging
        self._call_id = call_id
        self._mark_end = mark_end
        self._marks: list[str] = []

    async def take(self, customer: Customer) -> bool:
        """Count the call as the customer's; False when it has as many as it may have. Raises `StoreGone`."""
        if self._charging is None or customer.channels is None:
            return True
        mark = f"{self._call_id}.as{customer.id}{self._mark_end}"
        # Whoever is cancelled while asking does not know whether the call was counted: it is given back.
        self._marks.append(mark)
        limits = {customer_subject(customer.id): customer.channels}
        if await self._charging.ledger.occupy(mark, limits, self._asterisk) is None:
            return True
        self._marks.remove(mark)
        return False

    async def leave(self) -> None:
        """The call is over."""
        while self._charging is not None and self._marks:
            await self._charging.vacate(self._marks.pop())
