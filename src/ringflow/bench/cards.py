"""`ringflow bench cards`: how many cards a second are made, in a database that has none yet."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import partial

from ringflow.accounts.cards.generation import Deliver, Plan, Progress, generate, open_batch
from ringflow.accounts.peppers import Pepper, Peppers
from ringflow.actor import acting, shell_operator
from ringflow.errors import Refused
from ringflow.store import Store
from ringflow.store.tables import customers

CUSTOMER = 42
OPERATOR = "bench"
PEPPER_BYTES = 32


@dataclass(frozen=True, slots=True)
class CardFigures:
    """`cards` made in `seconds`, from nothing to a batch that is good."""

    database: str
    cards: int
    seconds: float

    @property
    def per_s(self) -> float:
        """Cards a second."""
        return self.cards / self.seconds


async def measure_cards(
    url: str, count: int, pin_only: bool, deliver: Deliver, progress: Progress
) -> CardFigures:
    """Make `count` cards in a fresh database, as `ringflow card generate` does. Raises `Refused`."""
    peppers = Peppers([Pepper("bench", secrets.token_bytes(PEPPER_BYTES))])
    plan = Plan("bench", CUSTOMER, count=count, pin_length=12 if pin_only else 6, pin_only=pin_only)
    store = await Store.open(url)
    try:
        await store.migrate()
        await _add_customer(store)
        began = time.perf_counter()
        opener = partial(acting, store, shell_operator(OPERATOR), "US")
        batch = await generate(opener, plan, peppers, deliver, progress)
        async with opener() as actor:
            opened = await open_batch(actor, batch)
        seconds = time.perf_counter() - began
        if opened.ready_ms is None:
            raise Refused("measurement.failed", "the batch is not open, so the figures mean nothing")
        return CardFigures(store.dialect, count, seconds)
    finally:
        await store.close()


async def _add_customer(store: Store) -> None:
    row = {"name": OPERATOR, "status": "active", "currency": "USD", "source": "operator"}
    async with store.writing() as connection:
        await connection.execute(customers.insert().values(id=CUSTOMER, **row, created_ms=0, updated_ms=0))
