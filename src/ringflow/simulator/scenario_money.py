"""The money of a scenario: what is there before the call, and what is there after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sqlalchemy import select

from ringflow.accounts import customers
from ringflow.actor import Actor, Made, Principal, PrincipalKind, acting
from ringflow.calls.charging import Charging, ChargingSettings
from ringflow.calls.clock import Clock
from ringflow.config import ChargingConfig
from ringflow.ledger.check import check_books
from ringflow.ledger.credit_limits import set_daily_limit, set_debit_limit
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.payments import Purpose, adjust, pay_in
from ringflow.ledger.rates.card import RateCard, assign_trunk, create_card
from ringflow.ledger.rates.prefix import rate_prefix
from ringflow.money import MICRO_DIGITS, parse_amount
from ringflow.rights import ALL_RIGHTS
from ringflow.simulator.scenario import Given, ScenarioCustomer, ScenarioRate, TopUp
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_holds, ledger_marks, rates

SERVER = "scenario"
SCENARIO = Principal(PrincipalKind.SYSTEM, SERVER, ALL_RIGHTS)

_LEFT = {
    "the hold has not ended with its call": select(ledger_holds.c.leg_id).where(
        ledger_holds.c.state == "held"
    ),
    "the call is over and still counted": select(ledger_marks.c.call_id),
}
"""What no call may leave behind."""


@dataclass(frozen=True, slots=True)
class MoneyAfter:
    """What a customer has when the call is over, in micro-units, and what is wrong with the books."""

    currency: str
    credit_micros: int
    findings: tuple[str, ...]


class ScenarioMoney:
    """A scenario's ledger: `fill` before the call, `count` after it."""

    def __init__(self, store: Store, clock: Clock, settings: ChargingConfig, country: str) -> None:
        self._store = store
        self._country = country
        ledger = Ledger(store, SERVER, lambda: round(clock.now_s() * 1000))
        self.charging = Charging(
            ledger,
            ChargingSettings(
                slice_ms=settings.slice_s * 1000,
                warn_ms=settings.warn_s * 1000,
                longest_ms=settings.longest_call_s * 1000,
            ),
        )

    async def fill(self, given: Given, customers: tuple[ScenarioCustomer, ...]) -> None:
        """Give the customers their credit and limits, each currency the rates, and trunks their costs."""
        async with self._acting() as actor:
            for customer in customers:
                await _give(actor, customer)
            for currency in sorted({one.currency for one in customers}):
                card = await create_card(
                    actor, f"scenario {currency}", currency, default=True, below_cost=given.below_cost
                )
                await self._put(actor, card, given.rates or ())
            for trunk, costs in given.costs.items():
                # Amounts in two currencies are not compared: a trunk costs what the first customer pays in.
                card = await create_card(actor, f"cost of {trunk}", customers[0].currency)
                await self._put(actor, card, costs)
                await assign_trunk(actor, trunk, card)

    async def _put(self, actor: Actor, card: RateCard, given: Sequence[ScenarioRate]) -> None:
        for rate in given:
            amounts = {
                f"{field}_micros": parse_amount(getattr(rate, field), card.currency, decimals=MICRO_DIGITS)
                for field in ("price", "connection")
            }
            await actor.connection.execute(
                rates.insert().values(
                    card_id=card.rates_id,
                    prefix=rate_prefix(rate.prefix, self._country),
                    minimum_s=rate.minimum,
                    increment_s=rate.increment,
                    grace_s=rate.grace,
                    blocked=rate.blocked,
                    from_ms=0,
                    **amounts,
                )
            )

    def _acting(self) -> AbstractAsyncContextManager[Actor]:
        return acting(self._store, SCENARIO, self._country, self.charging.ledger.now_ms())

    async def pay_in(self, top_up: TopUp) -> None:
        """Pay in while the call goes on."""
        purpose = Purpose(f"top-up at {top_up.after}", "in the talk")
        async with self._acting() as actor:
            customer = await customers.show(actor.connection, top_up.customer)
            micros = parse_amount(top_up.amount, customer.currency, decimals=MICRO_DIGITS)
            await pay_in(actor, customer.id, micros, purpose)

    async def acting(self, change: Callable[[Actor], Awaitable[Made]]) -> Made:
        """Carry a change out in a transaction, as an operator of the scenario's."""
        async with self._acting() as actor:
            return await change(actor)

    async def close(self) -> None:
        """Wait for what is still to be written."""
        await self.charging.ledger.close()

    async def count(self, customer_id: int | None) -> MoneyAfter:
        """What there is now, of the customer who paid, once the ledger is closed."""
        ledger = self.charging.ledger
        account = None if customer_id is None else await ledger.account(customer_id)
        findings = [str(one) for one in await check_books(self._store, ledger.now_ms())]
        async with self._store.reading() as connection:
            for what, statement in _LEFT.items():
                findings += [f"{row[0]}: {what}" for row in await connection.execute(statement)]
        return MoneyAfter(
            currency=account.currency if account else "",
            credit_micros=account.balance_micros if account else 0,
            findings=tuple(findings),
        )


async def _give(actor: Actor, customer: ScenarioCustomer) -> None:
    def micros(text: str) -> int:
        return parse_amount(text, customer.currency, decimals=MICRO_DIGITS, signed=True)

    if customer.debit_limit is not None:
        await set_debit_limit(actor, customer.id, micros(customer.debit_limit))
    if customer.daily_limit is not None:
        await set_daily_limit(actor, customer.id, micros(customer.daily_limit))
    if customer.credit is not None and (credit := micros(customer.credit)):
        await adjust(actor, customer.id, credit, Purpose(f"credit of {customer.id}", "given"))
