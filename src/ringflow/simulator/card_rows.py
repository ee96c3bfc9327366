"""The cards, vouchers, codes and passwords of a scenario, all of which its caller can key."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import clis, customers
from ringflow.accounts.cards.pin import pin_message
from ringflow.accounts.cli_codes import code_message
from ringflow.accounts.peppers import Pepper, Peppers
from ringflow.accounts.service_passwords import password_message
from ringflow.accounts.vouchers.generation import code_message as voucher_message
from ringflow.calls.clock import Clock
from ringflow.money import MICRO_DIGITS, parse_amount
from ringflow.simulator.scenario import (
    Given,
    ScenarioCard,
    ScenarioCliCode,
    ScenarioCustomer,
    ScenarioVoucher,
)
from ringflow.store import Store
from ringflow.store.caller_tables import cli_codes, service_passwords
from ringflow.store.card_tables import card_batches, cards, vouchers

OPERATOR = "scenario"
DAY_MS = 86_400_000


class CardRows:
    """Digests PINs with a pepper of this scenario's own; `now_ms` is its time."""

    def __init__(self, store: Store, clock: Clock, country: str) -> None:
        self._country = country
        self.peppers = Peppers([Pepper("scenario", secrets.token_bytes())])
        self._store = store
        self._clock = clock

    def now_ms(self) -> int:
        """Milliseconds since 1970 by the scenario's clock."""
        return round(self._clock.now_s() * 1000)

    async def insert(self, given: Given, paying: Sequence[ScenarioCustomer]) -> None:
        """Put all that callers can key in the database. Raises `Refused` for a customer that is not there."""
        passwords = {one.id: one.service_password for one in paying if one.service_password is not None}
        if not (given.cards or given.vouchers or given.cli_codes or passwords):
            return
        async with self._store.writing() as connection:
            for number, card in enumerate(given.cards, start=1):
                await self._insert_card(connection, number, card)
            for voucher in given.vouchers:
                await self._insert_voucher(connection, voucher)
            for code in given.cli_codes:
                await self._insert_cli_code(connection, code)
            for customer_id, password in passwords.items():
                await self._insert_password(connection, customer_id, password)

    async def _insert_cli_code(self, connection: AsyncConnection, given: ScenarioCliCode) -> None:
        customer = await customers.show(connection, given.customer)
        number = clis.cli_number(given.number, self._country)
        row = {"number": number, "customer_id": customer.id, "notes": ""}
        digest = {"code_digest": self.peppers.newest.digest(code_message(number, given.code))}
        await connection.execute(cli_codes.insert().values(row | digest | self._kept(given.code)))

    async def _insert_password(self, connection: AsyncConnection, customer_id: int, password: str) -> None:
        digest = self.peppers.newest.digest(password_message(customer_id, password))
        row = {"customer_id": customer_id, "password_digest": digest}
        await connection.execute(service_passwords.insert().values(row | self._kept(password)))

    def _kept(self, secret: str) -> dict[str, object]:
        """What is kept of every such secret besides its digest."""
        version = self.peppers.newest.version
        return {"pepper": version, "digits": len(secret), "set_ms": self.now_ms()}

    async def _insert_card(self, connection: AsyncConnection, number: int, card: ScenarioCard) -> None:
        template = await customers.show(connection, card.customer)
        made = {
            "customer_id": template.id,
            "credit_micros": parse_amount(card.credit, template.currency, decimals=MICRO_DIGITS),
            "currency": template.currency,
            "status": card.status,
            "expires_ms": self._expires_ms(card),
            "created_ms": self.now_ms(),
        }
        batch = {
            "id": number,
            "name": f"{OPERATOR} {number}",
            "count": 1,
            "pin_length": len(card.pin),
            "pin_only": card.pin_only,
            "top_up": "same",
            "operator": OPERATOR,
            "ready_ms": self.now_ms(),
        }
        await connection.execute(card_batches.insert().values(made | batch))
        digest = self.peppers.newest.digest(pin_message(card.id, card.pin, card.pin_only))
        opened_by = {"pin_only_digest" if card.pin_only else "pin_digest": digest}
        pepper = {"pepper": self.peppers.newest.version}
        row = made | opened_by | pepper | {"id": card.id, "batch_id": number}
        await connection.execute(cards.insert().values(row))

    def _expires_ms(self, card: ScenarioCard) -> int | None:
        if card.expired:
            return self.now_ms() - DAY_MS
        return None if card.expires is None else round(card.expires.timestamp() * 1000)

    async def _insert_voucher(self, connection: AsyncConnection, voucher: ScenarioVoucher) -> None:
        await connection.execute(
            vouchers.insert().values(
                batch=OPERATOR,
                code_digest=self.peppers.newest.digest(voucher_message(voucher.code)),
                pepper=self.peppers.newest.version,
                kind="value",
                value_micros=parse_amount(voucher.value, voucher.currency, decimals=MICRO_DIGITS),
                currency=voucher.currency,
                minimum_micros=0,
                status=voucher.status,
                operator=OPERATOR,
                created_ms=self.now_ms(),
            )
        )
