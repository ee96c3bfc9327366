"""Changes to the directory: one transaction, one at a time, each with its entry in the audit log.

The directory gets a new revision only if something changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.audit import Act, Facts, login_name, note, note_many
from ringflow.errors import Refused
from ringflow.moments import system_now_ms
from ringflow.store import Store
from ringflow.store.tables import directory_revision

Source = Literal["operator", "config"]
MAX_INTEGER = 2**31 - 1
CONFIG_OPERATOR = "config.yaml"
"""Who is noted for what the configuration declares."""


@dataclass(slots=True)
class Change:
    """A transaction on the directory; the nouns' functions take it and note what they did.

    `source` is who changes: rows of the other source are refused. `country` reads national numbers.
    """

    connection: AsyncConnection
    country: str
    source: Source
    now_ms: int
    operator: str
    made: bool = False

    async def note(self, verb: str, subject: str, before: Facts, after: Facts) -> None:
        """Tell what was done, once it is: the audit log has it, and servers read the directory again."""
        await note(Act(self.connection, self.operator, self.now_ms), verb, subject, before, after)
        self.made = True

    async def note_many(self, verb: str, entries: Sequence[tuple[str, Facts, Facts]]) -> None:
        """Tell the same of many subjects, each with before and after."""
        await note_many(Act(self.connection, self.operator, self.now_ms), verb, entries)
        self.made = True

    def refuse_foreign(self, source: Source, noun: str) -> None:
        """Raise `Refused` for a row that is not this changer's to change."""
        if source == self.source:
            return
        if self.source == "operator":
            raise Refused(f"{noun} is declared in config.yaml; change it there and restart")
        raise Refused(f"{noun} was already made by a command; delete it there, or take it out of config.yaml")


@asynccontextmanager
async def changing(
    store: Store, country: str, source: Source = "operator", operator: str | None = None
) -> AsyncIterator[Change]:
    """A transaction in which the directory may be changed; nothing is kept when the block raises.

    `operator`: whose name stands in the audit log; None: the login name, or the configuration's own.
    """
    if operator is None:
        operator = CONFIG_OPERATOR if source == "config" else login_name()
    async with store.writing() as connection:
        # Holding the row makes changes wait for each other: what one has checked stays true until it commits.
        await connection.execute(select(directory_revision.c.revision).with_for_update())
        change = Change(connection, country, source, system_now_ms(), operator)
        yield change
        if change.made:
            await connection.execute(
                directory_revision.update().values(revision=directory_revision.c.revision + 1)
            )
