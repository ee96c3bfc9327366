"""Batches: cards that were made together, and what they were made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Unknown
from ringflow.plain_text import plain
from ringflow.store.card_tables import card_batches
from ringflow.store.conditions import contains
from ringflow.store.page_filters import Filters
from ringflow.store.pages import Listing, Page, PageRequest

MAX_COUNT = 10_000_000

TopUp: TypeAlias = Literal["same", "anyone"]
"""Whose account a card may top up: one of the same template, or any in its currency."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch. `customer_id`: the template; `credit_micros`: of each card; `ready_ms` None: not all made."""

    id: int
    name: str
    customer_id: int
    credit_micros: int
    currency: str
    count: int
    status: Literal["available", "disabled"]
    pin_length: int
    pin_only: bool
    top_up: TopUp
    expires_ms: int | None
    operator: str
    created_ms: int
    ready_ms: int | None


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Which batches: those that fit all given. `is_ready`: all is made. `search`: a part of the name."""

    customer_id: int | None = None
    operator: str | None = None
    is_ready: bool | None = None
    search: str | None = None


_COLUMNS = tuple(card_batches.c[name] for name in Batch.__slots__)


BATCHES = Listing(
    "batches", {"created": (card_batches.c.id,), "name": (card_batches.c.name,)}, first="-created"
)


async def find_batch(connection: AsyncConnection, name: str) -> Batch | None:
    """The batch of this name, or None."""
    row = (await connection.execute(select(*_COLUMNS).where(card_batches.c.name == name))).one_or_none()
    return Batch(*row) if row else None


async def find_batch_by_id(connection: AsyncConnection, batch_id: int) -> Batch | None:
    """The batch with this number, by whatever name it goes, or None."""
    row = (await connection.execute(select(*_COLUMNS).where(card_batches.c.id == batch_id))).one_or_none()
    return Batch(*row) if row else None


async def show_batch(connection: AsyncConnection, name: str) -> Batch:
    """The batch of this name. Raises `Refused` when there is none."""
    batch = await find_batch(connection, name)
    if batch is None:
        raise Unknown("card_batch.unknown", f"batch `{plain(name)}` does not exist", batch=name)
    return batch


async def batch_page(connection: AsyncConnection, wanted: BatchFilter, asked: PageRequest) -> Page[Batch]:
    """Read a page of batches."""
    own = ((card_batches.c.customer_id, wanted.customer_id), (card_batches.c.operator, wanted.operator))
    tried: list[ColumnElement[bool]] = []
    if wanted.is_ready is not None:
        ready = card_batches.c.ready_ms
        tried.append(ready.is_not(None) if wanted.is_ready else ready.is_(None))
    if wanted.search is not None:
        tried.append(contains(card_batches.c.name, wanted.search))
    filters = Filters(own, tried)
    return await BATCHES.page(connection, select(*_COLUMNS), asked, lambda row: Batch(*row), filters)
