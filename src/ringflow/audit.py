"""The audit log: what operators changed, with before and after, in the same transaction as the change.

A row is never changed nor deleted; triggers of the database see to it. A change that is rolled back takes its
row with it, and one that is committed has it.
"""

from __future__ import annotations

import getpass
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Refused
from ringflow.plain_text import plain
from ringflow.store.audit_tables import audit_log

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MAX_OPERATOR = 200
MASKED = "****"

Facts: TypeAlias = "Mapping[str, object] | DataclassInstance | None"
"""A thing as it was or is: its fields by name. None: it was not there."""

_WORDS = re.compile(r"[a-z0-9]+")
_SECRET_WORDS = frozenset(
    {"pin", "pins", "code", "password", "passwd", "secret", "token", "auth", "authorization", "digest"}
    | {"pepper", "key", "apikey", "sec"}
)


@dataclass(frozen=True, slots=True)
class Act:
    """One operator at work in one transaction, at one time (milliseconds since 1970). Raises `Refused`."""

    connection: AsyncConnection
    operator: str
    now_ms: int

    def __post_init__(self) -> None:
        if not self.operator.strip():
            raise Refused("a change needs its operator's name: --operator NAME, or RINGFLOW_OPERATOR")
        if len(self.operator) > MAX_OPERATOR or not self.operator.isprintable():
            raise Refused(
                f"operator `{plain(self.operator)}`: write one line of at most {MAX_OPERATOR} printable "
                "characters"
            )


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `before` None: `subject` was made; `after` None: it is gone."""

    id: int
    at_ms: int
    operator: str
    verb: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


async def note(act: Act, verb: str, subject: str, before: Facts, after: Facts) -> None:
    """Tell that `act.operator` did `verb` to `subject` (`customer 42`), within its transaction.

    Text under a name that speaks of a PIN, a key or another secret (`X-Api-Key`) is masked.
    """
    await note_many(act, verb, [(subject, before, after)])


async def note_many(act: Act, verb: str, entries: Sequence[tuple[str, Facts, Facts]]) -> None:
    """Tell the same of many subjects at once: each with what it was before and is after."""
    rows = [
        {
            "at_ms": act.now_ms,
            "operator": act.operator,
            "verb": verb,
            "subject": subject,
            "before": _plain(before),
            "after": _plain(after),
        }
        for subject, before, after in entries
    ]
    await act.connection.execute(audit_log.insert(), rows)


async def list_entries(
    connection: AsyncConnection,
    *,
    since_ms: int | None = None,
    operator: str | None = None,
    subject: str | None = None,
    limit: int,
) -> list[Entry]:
    """The newest changes, newest first. `subject`: how it begins (`customer`, `DID 1800`)."""
    log = audit_log.c
    query = select(*(log[name] for name in Entry.__slots__)).order_by(log.id.desc()).limit(limit)
    if since_ms is not None:
        query = query.where(log.at_ms >= since_ms)
    if operator is not None:
        query = query.where(log.operator == operator)
    if subject is not None:
        query = query.where(log.subject.startswith(subject, autoescape=True))
    return [Entry(*row) for row in await connection.execute(query)]


def login_name() -> str:
    """Who runs this process, for whom no other name was given."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not be in its list of users.
        return f"uid {os.getuid()}"


def _plain(facts: Facts) -> dict[str, Any] | None:
    if facts is None:
        return None
    fields = asdict(facts) if is_dataclass(facts) else facts
    plain: dict[str, Any] = json.loads(json.dumps(fields, default=str))
    return _masked(plain)


def _masked(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _masked(value)
        if isinstance(value, dict)
        else MASKED
        if isinstance(value, str) and _SECRET_WORDS & set(_WORDS.findall(name.lower()))
        else value
        for name, value in fields.items()
    }
