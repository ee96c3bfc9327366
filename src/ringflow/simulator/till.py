"""The money of a scenario: what is there before the call, and what is there after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from ringflow.accounts import customers
from ringflow.audit import Act
from ringflow.calls.charging import Charging, ChargingSettings
from ringflow.calls.clock import Clock
from ringflow.config import ChargingConfig
from ringflow.ledger.check import check_books
from ringflow.ledger.credit_limits import set_daily_limit, set_debit_limit
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.payments import Order, adjust, pay_in
from ringflow.ledger.rates.card import RateCard, assign_trunk, create_card
from ringflow.ledger.rates.prefix import rate_prefix
from ringflow.money import MICRO_DIGITS, parse_amount
from ringflow.simulator.scenario import Given, ScenarioCustomer, ScenarioRate, TopUp
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_holds, ledger_marks, rates

SERVER = "scenario"

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


class Till:
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
        now_ms = self.charging.ledger.now_ms()
        async with self._store.writing() as connection:
            for customer in customers:
                await _give(Act(connection, SERVER, now_ms), customer)
            act, currencies = Act(connection, SERVER, now_ms), sorted({one.currency for one in customers})
            for currency in currencies:
                card = await create_card(
                    act, f"scenario {currency}", currency, default=True, below_cost=given.below_cost
                )
                await self._put(act, card, given.rates or ())
            for trunk, costs in given.costs.items():
                # Amounts in two currencies are not compared: a trunk costs what the first customer pays in.
                card = await create_card(act, f"cost of {trunk}", customers[0].currency)
                await self._put(act, card, costs)
                await assign_trunk(act, trunk, card)

    async def _put(self, act: Act, card: RateCard, given: Sequence[ScenarioRate]) -> None:
        for rate in given:
            amounts = {
                f"{field}_micros": parse_amount(getattr(rate, field), card.currency, decimals=MICRO_DIGITS)
                for field in ("price", "connection")
            }
            await act.connection.execute(
                rates.insert().values(
                    card_id=card.id,
                    prefix=rate_prefix(rate.prefix, self._country),
                    minimum_s=rate.minimum,
                    increment_s=rate.increment,
                    grace_s=rate.grace,
                    from_ms=0,
                    **amounts,
                )
            )

    async def pay_in(self, top_up: TopUp) -> None:
        """Pay in while the call goes on."""
        order = Order(f"top-up at {top_up.after}", "in the talk", SERVER, self.charging.ledger.now_ms())
        async with self._store.writing() as connection:
            customer = await customers.show(connection, top_up.customer)
            micros = parse_amount(top_up.amount, customer.currency, decimals=MICRO_DIGITS)
            await pay_in(connection, customer.id, micros, order)

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


async def _give(act: Act, customer: ScenarioCustomer) -> None:
    def micros(text: str) -> int:
        return parse_amount(text, customer.currency, decimals=MICRO_DIGITS, signed=True)

    if customer.debit_limit is not None:
        await set_debit_limit(act, customer.id, micros(customer.debit_limit))
    if customer.daily_limit is not None:
        await set_daily_limit(act, customer.id, micros(customer.daily_limit))
    if customer.credit is not None and (credit := micros(customer.credit)):
        order = Order(f"credit of {customer.id}", "given", SERVER, act.now_ms)
        await adjust(act.connection, customer.id, credit, order)
