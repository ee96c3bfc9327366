"""Keeps calendars fresh beside the calls: those of a URL are fetched, and what repeats is read further ahead.

Servers that share a database take turns: a calendar is taken by moving the time of its last try on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, select

from ringflow.calendars.calendar import Calendar, every, replace_entries, trouble
from ringflow.calendars.calendar_fetch import CalendarFetch
from ringflow.calendars.source import READ_AGAIN_MS, SourceForm, failure_text, read_source
from ringflow.errors import DocumentError, Refused, RingflowError
from ringflow.store import Store, StoreGone
from ringflow.store.calendar_tables import calendars

log = structlog.get_logger("ringflow.calendars")

LOOK_S = 20.0
OUTCOMES = ("fresh", "unchanged", "failed")
TRY_AGAIN_MS = 300_000
"""After a failure, where the calendar is not fetched so often anyway."""


@dataclass(frozen=True, slots=True)
class Due:
    """What says whether a calendar is due; its text may be long, and is read only then."""

    name: str
    url: str | None
    tried_ms: int
    expanded_ms: int | None
    source_form: SourceForm | None
    problem: str
    etag: str | None
    modified: str | None


_DUE = tuple(calendars.c[name] for name in Due.__slots__)


class CalendarUpkeep:
    """`outcomes`: how often calendars were fetched, and what came of it, by the names of `OUTCOMES`."""

    def __init__(
        self,
        store: Store,
        fetch: CalendarFetch,
        now_ms: Callable[[], int],
        refresh_ms: int,
        stale_ms: int,
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self._store = store
        self._fetch = fetch
        self._now_ms = now_ms
        self._refresh_ms = refresh_ms
        self._stale_ms = stale_ms

    async def run(self) -> None:
        """Look until cancelled; a database that is away is asked again the next time."""
        while True:
            try:
                await self.look()
            except StoreGone as error:
                log.warning("calendars not looked after", detail=str(error))
            await asyncio.sleep(LOOK_S)

    async def look(self) -> int:
        """Fetch the calendars that are due, one after the other; return how many. Raises `StoreGone`."""
        return sum([await self.take(one) for one in await self.due()])

    async def due(self) -> list[Due]:
        """The calendars whose turn it is, by their names. Raises `StoreGone`."""
        async with self._store.reading() as connection:
            rows = await connection.execute(select(*_DUE).order_by(calendars.c.name))
            return [one for row in rows if self._is_due(one := Due(*row))]

    async def refresh(self, name: str) -> str:
        """Fetch one now, whenever it was fetched; returns what came of it, one of the `outcomes`.

        Raises `StoreGone`, and what `CalendarFetch.fetch` and `read_source` raise, which is noted too.
        """
        async with self._store.reading() as connection:
            row = (await connection.execute(select(*_DUE).where(calendars.c.name == name))).one()
        return await self._bring(Due(*row))

    async def troubles(self) -> dict[str, str]:
        """What is wrong with calendars that are kept fresh, by their names. Raises `StoreGone`."""
        return {
            one.name: found
            for one in await self.kept_fresh()
            if (found := trouble(one, self._now_ms(), self._stale_ms))
        }

    async def kept_fresh(self) -> Sequence[Calendar]:
        """The calendars with a URL. Raises `StoreGone`."""
        async with self._store.reading() as connection:
            return [one for one in await every(connection) if one.url is not None]

    def _is_due(self, one: Due) -> bool:
        now_ms = self._now_ms()
        if one.url is None:
            return one.source_form is not None and now_ms - (one.expanded_ms or 0) >= READ_AGAIN_MS
        after_ms = min(self._refresh_ms, TRY_AGAIN_MS) if one.problem else self._refresh_ms
        return now_ms - one.tried_ms >= after_ms

    async def take(self, one: Due) -> bool:
        """Bring one up to date unless another server has taken it; what goes wrong is noted and logged."""
        same = (calendars.c.name == one.name) & (calendars.c.tried_ms == one.tried_ms)
        async with self._store.writing() as connection:
            taken = await connection.execute(calendars.update().where(same).values(tried_ms=self._now_ms()))
        if not taken.rowcount:
            return False
        try:
            await self._bring(one)
        except StoreGone:
            raise
        except RingflowError as error:
            log.warning("calendar not fresh", calendar=one.name, url=one.url, detail=failure_text(error))
        return True

    async def _bring(self, one: Due) -> str:
        try:
            outcome = await self._read(one)
        except (Refused, DocumentError) as error:
            self.outcomes["failed"] += 1
            await self._note(one, tried_ms=self._now_ms(), problem=failure_text(error))
            raise
        self.outcomes[outcome] += 1
        return outcome

    async def _read(self, one: Due) -> str:
        now_ms = self._now_ms()
        values: dict[str, object] = {}
        raw: bytes | None = None
        form = one.source_form
        if one.url is not None:
            got = await self._fetch.fetch(one.url, one.etag, one.modified)
            raw, form = got.raw, "ics"
            values = {"fetched_ms": now_ms, "tried_ms": now_ms, "problem": ""}
            values |= {} if raw is None else {"etag": got.etag, "modified": got.modified}
        outcome = "unchanged" if raw is None else "fresh"
        if raw is None and now_ms - (one.expanded_ms or 0) >= READ_AGAIN_MS:
            raw = await self._source(one)
        if raw is None or form is None:
            await self._note(one, **values)
            return outcome
        entries = await read_source(raw, form, one.name, now_ms)
        text = raw.decode("utf-8-sig")
        values |= {"source": text, "source_form": form, "expanded_ms": now_ms, "updated_ms": now_ms}
        async with self._store.writing() as connection:
            changed = calendars.update().where(_unchanged(one)).values(values)
            if (await connection.execute(changed)).rowcount:
                await replace_entries(connection, one.name, entries)
        return outcome

    async def _source(self, one: Due) -> bytes | None:
        async with self._store.reading() as connection:
            query = select(calendars.c.source).where(calendars.c.name == one.name)
            text = (await connection.execute(query)).scalar_one_or_none()
        return None if text is None else text.encode()

    async def _note(self, one: Due, **values: object) -> None:
        async with self._store.writing() as connection:
            await connection.execute(calendars.update().where(_unchanged(one)).values(values))


def _unchanged(one: Due) -> ColumnElement[bool]:
    """Whether a calendar still has the URL, and the text, that were found: operators may change both."""
    read_then = calendars.c.expanded_ms.is_not_distinct_from(one.expanded_ms)
    return (calendars.c.name == one.name) & calendars.c.url.is_not_distinct_from(one.url) & read_then
