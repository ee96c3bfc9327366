"""Who pays for a call, and whom its caller may be."""

from __future__ import annotations

from dataclasses import replace

from ringflow.accounts.admission import Admission
from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.customers import Customer
from ringflow.accounts.lockout import Caller
from ringflow.agi.session import AgiSession
from ringflow.calls import events
from ringflow.calls.channel_limits import CustomerChannels
from ringflow.calls.event_stream import CallEvents
from ringflow.calls.variables import Variables
from ringflow.calls.world import CallWorld
from ringflow.errors import StartError
from ringflow.store import StoreGone


class CallAccount:
    """The account side of one call. `customer` pays for what is dialled; None: nobody does.

    `cli`: the caller's number in E.164, None where it is not known.
    """

    def __init__(
        self,
        session: AgiSession,
        admission: Admission,
        world: CallWorld,
        channels: CustomerChannels,
        variables: Variables,
        call_events: CallEvents,
    ) -> None:
        self.customer: Customer | None = admission.customer
        self.cli = admission.cli
        self._session = session
        self._world = world
        self._channels = channels
        self._variables = variables
        self._events = call_events
        if admission.customer is not None:
            self._events.emit(events.CallIdentified, admission.customer.id, None)

    @property
    def caller(self) -> Caller:
        """Where the call comes from, for those who count failures."""
        return Caller(self._session.request.endpoint, self.cli)

    @property
    def caller_accounts(self) -> CallerAccounts:
        """Answers about accounts. Raises `StartError` where this server has none."""
        if self._world.caller_accounts is None:
            raise StartError("callers cannot ask about accounts here")
        return self._world.caller_accounts

    async def identify_as(self, customer: Customer, card_id: str | None = None) -> bool:
        """From now on this customer pays, whoever did before; False: it may have no further call now.

        `card_id`: the card that said so, if one did.
        """
        is_new = self.customer is None or self.customer.id != customer.id
        if is_new and not await self._channels.take(customer):
            self._events.note("channels_full", f"customer {customer.id}")
            return False
        self.customer = customer
        self._variables.give_customer(customer, card_id)
        self._events.emit(events.CallIdentified, customer.id, card_id)
        return True

    async def remember_language(self, language: str) -> None:
        """Keep the language for the next call of the customer who pays; what hinders that is noted."""
        customer = self.customer
        if customer is None:
            self._events.note("language_not_remembered", "nobody has been identified")
            return
        if customer.language == language:
            return
        try:
            remembered = await self.caller_accounts.remember_language(customer.id, language)
        except (StoreGone, StartError) as error:
            self._events.note("language_not_remembered", str(error))
            return
        if remembered is None:
            self._events.note("language_not_remembered", f"customer {customer.id} is gone")
            return
        self.customer = replace(customer, language=language)
        self._events.note("language_remembered", f"customer {customer.id}")

    async def leave(self) -> None:
        """The call is over: it counts for nobody any more."""
        await self._channels.leave()
