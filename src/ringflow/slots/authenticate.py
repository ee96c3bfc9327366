"""Slot `authenticate`: finds out who calls, by calling number or card; who that is pays from then on."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.refusal import Refusal
from ringflow.accounts.customers import Customer
from ringflow.accounts.teller import Remembering
from ringflow.flows.card_slot import CardSlot
from ringflow.flows.slot import FieldProblem, SinglePrompt

if TYPE_CHECKING:
    from ringflow.calls.call import Call

Way: TypeAlias = Literal["cli", "card", "pin"]

YES_KEY = "1"


class Authenticate(CardSlot):
    """Finds out who calls. That customer pays for the calls that follow."""

    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "failed", "locked", "no_input")

    by: Way | Annotated[tuple[Way, ...], Field(min_length=1, max_length=2)] = "card"
    """`cli`: the calling number; `card`: a card's number and PIN; `pin`: a PIN that opens a card alone.
    A list, such as `[cli, card]`, is tried in order."""
    unknown_file: SinglePrompt = "CARD/unknown"
    """Played with `by: cli` when nobody has the calling number."""
    busy_file: SinglePrompt = "CARD/busy"
    """Played when the customer has as many calls as it may have."""
    remember: bool = False
    """Whether a caller with a card is offered to be known by the calling number from now on."""
    remember_file: SinglePrompt = "CARD/remember"
    """The offer: key 1 accepts it."""
    remembered_file: SinglePrompt = "CARD/remembered"
    """Played when the number will be known."""
    not_remembered_file: SinglePrompt = "CARD/not-remembered"
    """Played when the number is another customer's."""

    def problems(self) -> Iterator[FieldProblem]:
        """Ways that can never be tried."""
        if len(set(self._ways)) < len(self._ways) or {"card", "pin"} <= set(self._ways):
            yield FieldProblem("by", "two ways ask for the same", "give `cli` and one of `card` and `pin`")
        elif "cli" in self._ways[1:]:
            yield FieldProblem("by", "`cli` asks for nothing, so it goes first", "write `cli` first")
        if self.remember and self._ways == ("cli",):
            yield FieldProblem("remember", "only callers with a card are remembered", "remove it")

    @property
    def exits(self) -> tuple[str, ...]:
        """By the calling number alone nobody is asked for anything."""
        return ("done", "failed") if self._ways == ("cli",) else self.fixed_exits

    async def run(self, call: Call) -> str:
        """Try the ways in order."""
        if self._ways[0] == "cli":
            customer = await call.account.teller.recognise(call.account.cli)
            if customer is not None and customer.status == "active":
                return await self._admit(call, customer)
            call.note("cli_unknown" if customer is None else "customer_not_active")
            if len(self._ways) == 1:
                await call.media.play(self.unknown_file)
                return "failed"
        return await self._by_keys(call)

    @property
    def _ways(self) -> tuple[Way, ...]:
        return self.by if isinstance(self.by, tuple) else (self.by,)

    async def _by_keys(self, call: Call) -> str:
        tries = self.tries()
        while tries.left:
            found = await self._open(call)
            if isinstance(found, Admitted):
                ended = await self._admit(call, found.customer, found.card.id)
                if ended == "done" and self.remember:
                    await self._offer(call, found.customer)
                return ended
            ended = await self.refuse(call, found, tries)
            if ended == "locked":
                break
        return ended

    async def _open(self, call: Call) -> Admitted | Refusal | None:
        def open_card(card_id: str | None, pin: str) -> Awaitable[Admitted | Refusal]:
            return call.account.teller.open_card(card_id, pin, call.account.caller)

        by_keys = self.open_by_pin if self._ways[-1] == "pin" else self.open_by_number
        return await by_keys(call, open_card)

    async def _admit(self, call: Call, customer: Customer, card_id: str | None = None) -> str:
        if await call.account.identify_as(customer, card_id):
            return "done"
        await call.media.play(self.busy_file)
        return "failed"

    async def _offer(self, call: Call, customer: Customer) -> None:
        if call.account.cli is None:
            return
        owner = await call.account.teller.recognise(call.account.cli)
        if owner is not None and owner.id == customer.id:
            return
        if await self.ask(call, self.remember_file, 1, secret=False) != YES_KEY:
            return
        remembered = await call.account.teller.remember(customer.id, call.account.cli)
        call.note("remember", remembered)
        taken = remembered is Remembering.TAKEN
        await call.media.play(self.not_remembered_file if taken else self.remembered_file)
