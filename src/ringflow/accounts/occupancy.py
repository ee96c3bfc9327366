"""Channels in use: how many calls a customer and a DID have at this moment, and whether one more may come.

Counted in this process. Nothing here waits, so between the check and the count no other call can come.
"""

from __future__ import annotations

from collections import Counter
from types import TracebackType

from ringflow.accounts.admission import (
    CUSTOMER_CHANNELS_FULL,
    DID_CHANNELS_FULL,
    Admission,
    Rejection,
)


class Seat:
    """A call's place in the count; leaving the `with` block gives it back."""

    def __init__(self, occupancy: Occupancy, keys: tuple[tuple[str, str | int], ...]) -> None:
        self._occupancy = occupancy
        self._keys = keys

    def release(self) -> None:
        """Give the place back; a second time does nothing."""
        keys, self._keys = self._keys, ()
        self._occupancy._leave(keys)

    def __enter__(self) -> Seat:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Occupancy:
    """The calls in progress, counted by customer and by DID."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str | int]] = Counter()

    def admit(self, admission: Admission) -> Rejection | Seat:
        """A place for a call within the limits of its customer, then of its DID, or why there is none."""
        did, customer = admission.did, admission.customer
        called = ("did", did.number)
        keys: tuple[tuple[str, str | int], ...] = (called,)
        if customer is not None:
            paying = ("customer", customer.id)
            if customer.channels is not None and self._calls[paying] >= customer.channels:
                return CUSTOMER_CHANNELS_FULL
            keys = (called, paying)
        if did.channels is not None and self._calls[called] >= did.channels:
            return DID_CHANNELS_FULL
        for key in keys:
            self._calls[key] += 1
        return Seat(self, keys)

    def of_customer(self, customer_id: int) -> int:
        """How many calls a customer has."""
        return self._calls[("customer", customer_id)]

    def of_did(self, number: str) -> int:
        """How many calls a DID has."""
        return self._calls[("did", number)]

    def _leave(self, keys: tuple[tuple[str, str | int], ...]) -> None:
        for key in keys:
            self._calls[key] -= 1
            if not self._calls[key]:
                del self._calls[key]
