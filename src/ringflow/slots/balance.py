"""Slot `balance`: says how much credit the caller has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from ringflow.flows.slot import Slot, SlotGroup
from ringflow.flows.spoken import Language, words_of
from ringflow.speaking import say_balance

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Balance(Slot):
    """Says what the customer who pays can spend now."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.ACCOUNT
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "unknown")
    sip_codes: ClassVar[Mapping[str, int]] = {"unknown": 403}

    language: Language | None = None
    """The language in which it is said; without one that of the call."""

    def prompts(self) -> Iterator[tuple[str, str]]:
        """The words of the language."""
        yield from super().prompts()
        yield from words_of(self.language, "balance")

    async def run(self, call: Call) -> str:
        """Say it; `unknown` where nobody has been identified."""
        customer = call.account.customer
        if customer is None:
            return "unknown"
        micros = await call.account.caller_accounts.available_micros(customer.id)
        await call.media.play(*say_balance(micros, customer.currency, self.language or call.language))
        return "done"
