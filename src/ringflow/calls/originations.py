"""Calls that Ringflow has Asterisk make: what is kept of each until the call records have it.

Asterisk is asked for a Local channel. Its one end dials, as any call of the customer's would; when the callee
has answered, its other end is in an app. Each end comes to Ringflow as a call of its own, on whichever server
of the database, and shows by its extension what it is: a prefix, and a token that nobody can guess.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.calls.json_value import JsonValue
from ringflow.errors import Unknown
from ringflow.plain_text import plain
from ringflow.store import Store
from ringflow.store.origination_tables import originations
from ringflow.store.record_tables import call_legs, call_records
from ringflow.store.statement import Statement

DIALS, IN_APP = "originate-", "originated-"
"""How the extensions begin of the end that dials, and of the end that comes to the app."""
_EXTENSION = re.compile(f"({DIALS}|{IN_APP})([0-9a-f]{{32}})")

BEGINS_WITHIN_MS = 60_000
"""How late after it was asked for a call may begin to dial."""
KEPT_MS = 7 * 86_400_000

FAILED = "failed"
"""The outcome of a call that Asterisk never began."""


class TargetKind(StrEnum):
    """What is called."""

    NUMBER = "number"
    URI = "uri"
    DEVICE = "device"


State = Literal["asked", "dialling", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class Origination:
    """A call that was asked for. `target` is a number in any form, a SIP URI, or an endpoint of Asterisk's.

    `trunk` None: by those that can dial it, in their order. Where it is not `charged` the house pays. The
    answered party comes to `app`, or to where `did` leads; neither: Asterisk itself plays something.
    `app_call_id` is that call. `outcome`: what became of the dialling, as a leg's status; None: it goes on.
    """

    call_id: str
    customer_id: int
    kind: TargetKind
    target: str
    trunk: str | None
    caller_id: str | None
    ring_s: int
    charged: bool
    app: str | None
    did: str | None
    variables: str
    asked_by: str
    asked_ms: int
    expires_ms: int
    state: State = "asked"
    app_call_id: str | None = None
    outcome: str | None = None

    def status(self, now_ms: int) -> str:
        """Return how far it has come, in a word."""
        if self.state == "asked" and self.expires_ms < now_ms:
            return FAILED
        return "answered" if self.state == "dialling" and self.app_call_id is not None else self.state

    @property
    def variables_of_app(self) -> Mapping[str, JsonValue]:
        """The variables with which the app begins."""
        found: dict[str, JsonValue] = json.loads(self.variables)
        return found


@dataclass(frozen=True, slots=True)
class End:
    """One of the two ends of a call's Local channel, as its extension names it."""

    dials: bool
    token: str

    @classmethod
    def read(cls, extension: str) -> End | None:
        """Return which end an extension is of; None for any other extension."""
        match = _EXTENSION.fullmatch(extension)
        return cls(match[1] == DIALS, match[2]) if match is not None else None


def new_token() -> str:
    """Return what the two ends of a call show."""
    return secrets.token_hex(16)


COLUMNS = tuple(one.name for one in fields(Origination))
_RETURNED = ", ".join(COLUMNS)
_BEGIN = Statement(
    "UPDATE originations SET state = 'dialling' WHERE token_digest = :digest AND state = 'asked' "  # noqa: S608
    f"AND expires_ms > :now_ms RETURNING {_RETURNED}",
    digest="text",
    now_ms="bigint",
)
_CONNECT = Statement(
    "UPDATE originations SET app_call_id = :app_call_id WHERE token_digest = :digest "  # noqa: S608
    f"AND state = 'dialling' AND app_call_id IS NULL RETURNING {_RETURNED}",
    digest="text",
    app_call_id="text",
)
_END = Statement(
    "UPDATE originations SET state = 'ended', outcome = :outcome WHERE call_id = :call_id "
    "AND state = 'dialling'",
    outcome="text",
    call_id="text",
)
_FAIL = Statement(
    "UPDATE originations SET state = 'failed', outcome = :outcome WHERE call_id = :call_id "
    "AND state = 'asked' RETURNING call_id",
    outcome="text",
    call_id="text",
)


async def keep(actor: Actor, asked: Origination, token: str) -> None:
    """Keep a call that is to be made."""
    connection = actor.connection
    await connection.execute(originations.delete().where(originations.c.asked_ms < actor.now_ms - KEPT_MS))
    values = {name: getattr(asked, name) for name in COLUMNS}
    await connection.execute(originations.insert().values(**values, token_digest=_digest(token)))


async def note_asked(actor: Actor, asked: Origination) -> None:
    """Tell the audit log who had a call made, and to whom."""
    facts = {
        "customer": asked.customer_id,
        asked.kind.value: asked.target,
        "trunk": asked.trunk,
        "app": asked.app,
        "did": asked.did,
        "charged": asked.charged,
    }
    await note(actor, Verb.ORIGINATE, f"call {asked.call_id}", None, facts)


async def show(connection: AsyncConnection, call_id: str) -> Origination:
    """Return a call that was asked for in the last week. Raises `Unknown`."""
    query = select(*(originations.c[name] for name in COLUMNS)).where(originations.c.call_id == call_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        text = f"call {plain(call_id)} was not asked for here, or longer ago than a week"
        raise Unknown("origination.unknown", text, call=call_id)
    asked = _read(row)
    return await _ended_by_record(connection, asked) if asked.state == "dialling" else asked


async def _ended_by_record(connection: AsyncConnection, asked: Origination) -> Origination:
    """Return a call that dials as ended where it is on record: its server died and could not say so."""
    last = select(call_legs.c.status).where(call_legs.c.call_id == call_records.c.call_id)
    last = last.order_by(call_legs.c.position.desc()).limit(1)
    query = select(call_records.c.outcome, last.scalar_subquery())
    found = (await connection.execute(query.where(call_records.c.call_id == asked.call_id))).one_or_none()
    return asked if found is None else replace(asked, state="ended", outcome=found[1] or found[0])


class Originations:
    """What calls and servers say of originations; each in a transaction of its own. Raises `StoreGone`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, token: str, now_ms: int) -> Origination | None:
        """Let the end that shows this token dial, once; None: there is nothing to dial any more."""
        return await self._changed(_BEGIN, digest=_digest(token), now_ms=now_ms)

    async def connect(self, token: str, app_call_id: str) -> Origination | None:
        """Let the end that shows this token come to its app, once, while its callee is there."""
        return await self._changed(_CONNECT, digest=_digest(token), app_call_id=app_call_id)

    async def end(self, call_id: str, outcome: str) -> None:
        """Say what became of the dialling."""
        async with self._store.writing() as connection:
            await _END.run(connection, outcome=outcome, call_id=call_id)

    async def fail(self, call_id: str) -> bool:
        """Give a call up, unless it dials: return whether it is given up."""
        async with self._store.writing() as connection:
            return bool(await _FAIL.run(connection, outcome=FAILED, call_id=call_id))

    async def find(self, call_id: str) -> Origination:
        """Return a call as it is now. Raises `Unknown`."""
        async with self._store.reading() as connection:
            return await show(connection, call_id)

    async def _changed(self, statement: Statement, **values: object) -> Origination | None:
        async with self._store.writing() as connection:
            rows = await statement.run(connection, None, **values)
        return _read(rows[0]) if rows else None


def _read(row: Any) -> Origination:
    values = dict(zip(COLUMNS, row, strict=True))
    return Origination(**{**values, "kind": TargetKind(values["kind"]), "charged": bool(values["charged"])})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
