"""Slot `last_number`: finds the number that the customer dialled last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ringflow.calls.outcome import DEVICE_TRUNK, NEVER_DIALLED, URI_TRUNK, Leg
from ringflow.flows.slot import SinglePrompt, Slot, SlotGroup, VariableName

if TYPE_CHECKING:
    from ringflow.calls.call import Call

_UNDIALLED = frozenset(status.value for status in NEVER_DIALLED)
_WITHOUT_NUMBER = frozenset((DEVICE_TRUNK, URI_TRUNK))


class LastNumber(Slot):
    """Keeps the number that was dialled last in a variable: in this call, else in an earlier one."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.CALLERS
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "none")

    none_file: SinglePrompt = "DIAL/no-last-number"
    """Played when the customer has dialled no number yet."""
    result: VariableName = "ivr_destination"
    """The variable that gets the number."""

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The number, where there is one."""
        return {"done": frozenset({self.result})}

    async def run(self, call: Call) -> str:
        """Look among the legs of the call, and then in the customer's records."""
        number = await self._find(call)
        if number is None:
            await call.media.play(self.none_file)
            return "none"
        call.variables.store(self.result, number)
        return "done"

    async def _find(self, call: Call) -> str | None:
        legs = reversed(call.outgoing.legs)
        dialled = (leg.keyed for leg in legs if _has_number(leg))
        customer = call.account.customer
        if (number := next(dialled, None)) is not None or customer is None:
            return number
        return await call.account.caller_accounts.phone_book.last_number(
            customer.id, _UNDIALLED, _WITHOUT_NUMBER
        )


def _has_number(leg: Leg) -> bool:
    return leg.status not in NEVER_DIALLED and leg.trunk not in _WITHOUT_NUMBER and "@" not in leg.keyed
