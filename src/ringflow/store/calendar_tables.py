"""The tables of operators' calendars and of what operators say about opening hours.

Times are milliseconds since 1970: UTC where an entry is `absolute`, else what the clocks of the schedule's
own zone show, as if it were UTC: a holiday is a day wherever one is.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from ringflow.store.tables import metadata

# `url` NULL: operators keep it by hand. `source` is the text that entries were read from, the last good one,
# in the form that `source_form` names; `expanded_ms`: when it was read, since what repeats is known for some
# years only. `fetched_ms`: when `url` last gave a good copy, or said that there is no newer one; `tried_ms`:
# when it was last asked, 0 for at once; `problem`: what was wrong then. `etag` and `modified` are the
# server's.
calendars = Table(
    "calendars",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text),
    Column("notes", Text, nullable=False),
    Column("source_form", Text),
    Column("source", Text),
    Column("expanded_ms", BigInteger),
    Column("fetched_ms", BigInteger),
    Column("tried_ms", BigInteger, nullable=False),
    Column("problem", Text, nullable=False),
    Column("etag", Text),
    Column("modified", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    CheckConstraint("source_form IN ('ics', 'days')", name="source_form"),
    CheckConstraint("(source IS NULL) = (source_form IS NULL)", name="source"),
)

# `by_hand`: added one by one; the others are those of the calendar's source.
calendar_entries = Table(
    "calendar_entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("calendar", Text, ForeignKey("calendars.name"), nullable=False),
    Column("absolute", Boolean, nullable=False),
    Column("begins_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("by_hand", Boolean, nullable=False),
    CheckConstraint("begins_ms < ends_ms", name="length"),
    Index("ix_calendar_entries_ends", "calendar", "absolute", "ends_ms"),
    Index("ix_calendar_entries_begins", "calendar", "begins_ms", "id"),
    sqlite_autoincrement=True,
)

# By name: what schedules with this `override` do until `until_ms`, NULL for until further notice. A row that
# is over stays until the next one replaces it.
schedule_overrides = Table(
    "schedule_overrides",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("until_ms", BigInteger),
    Column("operator", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("set_ms", BigInteger, nullable=False),
)
