"""The cards and vouchers of a scenario, with PINs and codes that its caller can key."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.cards.pin import pin_message
from ringflow.accounts.peppers import Pepper, Peppers
from ringflow.accounts.vouchers.generation import code_message
from ringflow.calls.clock import Clock
from ringflow.money import MICRO_DIGITS, parse_amount
from ringflow.simulator.scenario import ScenarioCard, ScenarioVoucher
from ringflow.store import Store
from ringflow.store.card_tables import card_batches, cards, vouchers

OPERATOR = "scenario"
DAY_MS = 86_400_000


class CardRows:
    """Digests PINs with a pepper of this scenario's own; `now_ms` is its time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.peppers = Peppers([Pepper("scenario", secrets.token_bytes())])
        self._store = store
        self._clock = clock

    def now_ms(self) -> int:
        """Milliseconds since 1970 by the scenario's clock."""
        return round(self._clock.now_s() * 1000)

    async def insert(self, given: Sequence[ScenarioCard], codes: Sequence[ScenarioVoucher]) -> None:
        """Put the cards and vouchers in the database. Raises `Refused` for a customer that is not there."""
        if not given and not codes:
            return
        async with self._store.writing() as connection:
            for number, card in enumerate(given, start=1):
                await self._insert_card(connection, number, card)
            for voucher in codes:
                await self._insert_voucher(connection, voucher)

    async def _insert_card(self, connection: AsyncConnection, number: int, card: ScenarioCard) -> None:
        template = await customers.show(connection, card.customer)
        made = {
            "customer_id": template.id,
            "credit_micros": parse_amount(card.credit, template.currency, decimals=MICRO_DIGITS),
            "currency": template.currency,
            "status": card.status,
            "expires_ms": self.now_ms() - DAY_MS if card.expired else None,
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

    async def _insert_voucher(self, connection: AsyncConnection, voucher: ScenarioVoucher) -> None:
        await connection.execute(
            vouchers.insert().values(
                batch=OPERATOR,
                code_digest=self.peppers.newest.digest(code_message(voucher.code)),
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
