"""The channels of customers who were identified in mid-call: one more call of theirs, until it ends."""

from __future__ import annotations

from ringflow.accounts.customers import Customer
from ringflow.calls.charging import Charging
from ringflow.ledger.channel_limits import customer_subject


class Seats:
    """Of one call. `mark_end` is what a reaper tells a live call by: `@` and Asterisk's id of the channel.

    `asterisk`: the identity of the Asterisk whose channel that is.
    """

    def __init__(self, charging: Charging | None, call_id: str, mark_end: str, asterisk: str = "") -> None:
        self._asterisk = asterisk
        self._charging = charging
        self._call_id = call_id
        self._mark_end = mark_end
        self._marks: dict[str, str] = {}

    async def take(self, customer: Customer) -> bool:
        """Count the call as the customer's; False when it has as many as it may have. Raises `StoreGone`."""
        if self._charging is None or customer.channels is None:
            return True
        mark = f"{self._call_id}.as{customer.id}{self._mark_end}"
        # Whoever is cancelled while asking does not know whether the call was counted: it is given back.
        subject = customer_subject(customer.id)
        self._marks[mark] = subject
        if await self._charging.ledger.occupy(mark, {subject: customer.channels}, self._asterisk) is None:
            return True
        del self._marks[mark]
        return False

    async def leave(self) -> None:
        """The call is over."""
        while self._charging is not None and self._marks:
            mark, subject = self._marks.popitem()
            await self._charging.vacate(mark, (subject,))
