"""Requests that come again with the same Idempotency-Key: done once, and answered alike for a day.

The answer is kept in the transaction of the change. Whoever repeats a request whose answer was lost, by a
crash or on the way, gets the first one's, from any server of the database.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from http import HTTPStatus

from ringflow.actor import Actor
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
        who = principal_of(actor)
        await _FORGET.run(actor.connection, before_ms=actor.now_ms - KEPT_MS)
        begun = await _BEGIN.run(
            actor.connection, principal=who, key=self.key, request=self.request, now_ms=actor.now_ms
        )
        if begun:
            return None
        found = await _FIND.run(actor.connection, principal=who, key=self.key)
        request, status, headers, body = tuple(found[0])
        if request != self.request:
            raise RequestRefused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "request.key_reused",
                "this Idempotency-Key belongs to another request; a new request needs a new key",
                key=self.key,
            )
        return Answer(status, body or None, json.loads(headers))

    async def keep(self, actor: Actor, answer: Answer) -> None:
        """Keep the answer, in the transaction of what was done."""
        await _KEEP.run(
            actor.connection,
            principal=principal_of(actor),
            key=self.key,
            status=answer.status,
            headers=json.dumps(answer.headers),
            body=answer.body or "",
        )


def principal_of(actor: Actor) -> str:
    """Return whose keys these are: two programs of one operator do not share theirs."""
    principal = actor.principal
    return json.dumps([principal.kind.value, principal.name, principal.token])
