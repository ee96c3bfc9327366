"""Requests that come again with the same Idempotency-Key: done once, and answered alike for a day.

The answer is kept in the transaction of the change. Whoever repeats a request whose answer was lost, by a
crash or on the way, gets the first one's, from any server of the database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Made, Opener, Principal, Transaction
from ringflow.errors import Refused
from ringflow.store.statement import Statement
from ringflow.web.rest.refusals import RequestRefused

KEPT_MS = 86_400_000
MAX_KEY = 200

_BEGIN = Statement(
    "INSERT INTO api_answers (principal, key, request, status, headers, body, made_ms) "
    "VALUES (:principal, :key, :request, 0, '', '', :now_ms) "
    "ON CONFLICT (principal, key) DO NOTHING RETURNING key",
    principal="text",
    key="text",
    request="text",
    now_ms="bigint",
)
_FIND = Statement(
    "SELECT request, status, headers, body FROM api_answers WHERE principal = :principal AND key = :key",
    principal="text",
    key="text",
)
_KEEP = Statement(
    "UPDATE api_answers SET status = :status, headers = :headers, body = :body "
    "WHERE principal = :principal AND key = :key",
    principal="text",
    key="text",
    status="bigint",
    headers="text",
    body="text",
)
_FORGET = Statement("DELETE FROM api_answers WHERE made_ms < :before_ms", before_ms="bigint")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, its body in JSON (None: it has none) and its headers."""

    status: int
    body: str | None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request with a key. `request`: a digest of its method, its path with parameters, and its body."""

    key: str
    request: str

    @classmethod
    def read(cls, key: str, method: str, path: str, body: bytes) -> Repeatable:
        """Read the header's value. Raises `Refused` for one that is no key."""
        if not key or len(key) > MAX_KEY or not (key.isascii() and key.isprintable()):
            raise Refused(
                "request.malformed_key",
                f"an Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters",
                most=MAX_KEY,
            )
        digest = hashlib.sha256(b"\0".join((method.encode(), path.encode(), body)))
        return cls(key, digest.hexdigest())

    async def earlier(self, actor: Actor) -> Answer | None:
        """Return the answer that was given to it; None where it came for the first time.

        Until the transaction ends, whoever sends it again waits. Raises `RequestRefused` where the key
        belongs to another request.
        """
        who = keys_of(actor.principal)
        await _FORGET.run(actor.connection, before_ms=actor.now_ms - KEPT_MS)
        begun = await _BEGIN.run(
            actor.connection, principal=who, key=self.key, request=self.request, now_ms=actor.now_ms
        )
        if begun:
            return None
        (row,) = await _FIND.run(actor.connection, principal=who, key=self.key)
        return self._answer_of(row)

    def _answer_of(self, row: Row[Any]) -> Answer:
        request, status, headers, body = tuple(row)
        if request != self.request:
            raise RequestRefused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "request.key_reused",
                "this Idempotency-Key belongs to another request; a new request needs a new key",
                key=self.key,
            )
        return Answer(status, body or None, json.loads(headers))

    async def found(self, connection: AsyncConnection, principal: Principal) -> Answer | None:
        """Return the answer that was given to it, outside of a change. Raises as `earlier`."""
        rows = await _FIND.run(connection, principal=keys_of(principal), key=self.key)
        return self._answer_of(rows[0]) if rows else None

    async def keep(self, actor: Actor, answer: Answer) -> None:
        """Keep the answer, in the transaction of what was done."""
        await _KEEP.run(
            actor.connection,
            principal=keys_of(actor.principal),
            key=self.key,
            status=answer.status,
            headers=json.dumps(answer.headers),
            body=answer.body or "",
        )


def keys_of(principal: Principal) -> str:
    """Return whose keys these are.

    Two programs of one operator or customer do not share theirs, and a token has none of an earlier token of
    its name. All devices of one customer, and all sessions of one operator, are the same person's.
    """
    credential = principal.credential_id if principal.token is not None else None
    return json.dumps([principal.kind.value, principal.name, principal.token, credential])


class AnsweredBefore(Exception):
    """The request came before: nothing was done, and this is the answer that it had then."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__("answered before")


@dataclass(frozen=True, slots=True)
class Once:
    """For a handler whose change is a part of what it does: once for the request's key, if it has one.

    `answer` makes the answer of a form that the handler is about to return.
    """

    opener: Opener
    again: Repeatable | None
    answer: Callable[[object], Answer]

    def transaction(self, form: Callable[[Made], object]) -> Transaction[Made]:
        """Return what carries a change out, of which the handler then returns this form."""

        async def carry_out(change: Callable[[Actor], Awaitable[Made]]) -> Made:
            async with self.opener() as actor:
                earlier = await self.again.earlier(actor) if self.again is not None else None
                if earlier is not None:
                    raise AnsweredBefore(earlier)
                made = await change(actor)
                if self.again is not None:
                    await self.again.keep(actor, self.answer(form(made)))
                return made

        return carry_out
