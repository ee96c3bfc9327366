"""Changes to the directory: one transaction, one at a time, and a new revision only if something changed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.store import Store
from ringflow.store.tables import directory_revision

Source = Literal["operator", "config"]
MAX_INTEGER = 2**31 - 1


@dataclass(slots=True)
class Change:
    """A transaction on the directory; the nouns' functions take it and set `made`.

    `source` is who changes: rows of the other source are refused. `country` reads national numbers.
    """

    connection: AsyncConnection
    country: str
    source: Source
    now_ms: int
    made: bool = False

    def refuse_foreign(self, source: Source, noun: str) -> None:
        """Raise `Refused` for a row that is not this changer's to change."""
        if source == self.source:
            return
        if self.source == "operator":
            raise Refused(f"{noun} is declared in config.yaml; change it there and restart")
        raise Refused(f"{noun} was already made by a command; delete it there, or take it out of config.yaml")


@asynccontextmanager
async def changing(store: Store, country: str, source: Source = "operator") -> AsyncIterator[Change]:
    """A transaction in which the directory may be changed; nothing is kept when the block raises."""
    async with store.writing() as connection:
        # Holding the row makes changes wait for each other: what one has checked stays true until it commits.
        await connection.execute(select(directory_revision.c.revision).with_for_update())
        change = Change(connection, country, source, time.time_ns() // 1_000_000)
        yield change
        if change.made:
            await connection.execute(
                directory_revision.update().values(revision=directory_revision.c.revision + 1)
            )
