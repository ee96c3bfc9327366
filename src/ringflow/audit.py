"""The audit log: what operators changed, with before and after, in the same transaction as the change.

A row is never changed nor deleted; triggers of the database see to it. A change that is rolled back takes its
row with it, and one that is committed has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.store.audit_tables import audit_log
from ringflow.store.conditions import begins_with, contains
from ringflow.store.page_filters import Filters, OwnIndex, since_until
from ringflow.store.pages import Listing, Page, PageRequest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MASKED = "****"

Facts: TypeAlias = "Mapping[str, object] | DataclassInstance | None"
"""A thing as it was or is: its fields by name. None: it was not there."""

_SECRET_WORD = re.compile(
    r"(?<![a-z0-9])(pins?|codes?|passwords?|passwd|secrets?|tokens?|auth|authorization|digests?|peppers?|keys?"
    r"|apikey|sec)(?![a-z0-9])"
)


class Verb(StrEnum):
    """What was done to a subject. Money's are named as the kinds of movements are."""

    ADD = "add"
    SET = "set"
    DELETE = "delete"
    IMPORT = "import"
    ENABLE = "enable"
    DISABLE = "disable"
    PASSWORD = "password"  # noqa: S105 -- a verb, not a secret
    """An operator's password was set or taken away."""
    SIGN_IN = "sign in"
    SIGN_IN_FAILED = "sign in failed"
    SIGN_OUT = "sign out"
    SECOND_FACTOR = "second factor"
    """An operator's second factor was turned on or off, or its recovery codes were made anew."""
    LINK = "link"
    """A link was made by which somebody sets a password."""
    REVOKE = "revoke"
    ORIGINATE = "originate"
    """A call was asked for, at a customer's expense."""
    GENERATE = "generate"
    """A batch of cards or vouchers was made."""
    DISCARD = "discard"
    """What was made of an unfinished batch was removed."""
    CHANGE = "change"
    """Cards were changed; whatever else is changed is `set`."""
    REDEEM = "redeem"
    REFRESH = "refresh"
    """A calendar was fetched from its URL at an operator's wish."""
    SAVE = "save"
    """A draft of a flow was saved."""
    PUBLISH = "publish"
    ROLL_BACK = "roll back"
    ASSIGN = "assign"
    UNASSIGN = "unassign"
    DEFAULT = "default"
    """A rate card became its currency's default."""
    LIMIT = "limit"
    PAY_IN = "pay_in"
    PAY_OUT = "pay_out"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"
    CARD = "card"
    REFUND = "refund"
    EXPORT = "export"
    """A recording of a caller was taken out."""
    READ = "read"
    """Values that may be credentials were read. Neither `before` nor `after` has them."""
    CANCEL = "cancel"
    """A job was cancelled."""
    ORDER = "order"
    """A call in progress was hung up, redirected or played a prompt."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `before` None: `subject` was made; `after` None: it is gone.

    `acted_as` is a `PrincipalKind`, `token` the name of the token that acted, `credential` its ID or the
    session's, `address` where the request came from. They are None for commands, and in entries of earlier
    versions.
    """

    id: int
    at_ms: int
    operator: str
    acted_as: str | None
    token: str | None
    credential: str | None
    address: str | None
    verb: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


async def note(actor: Actor, verb: Verb, subject: str, before: Facts, after: Facts) -> None:
    """Record that the actor did `verb` to `subject` (`customer 42`), within its transaction.

    Text under a name that speaks of a PIN, a key or another secret (`X-Api-Key`) is masked, at any depth.
    """
    await note_many(actor, verb, [(subject, before, after)])


async def note_many(actor: Actor, verb: Verb, entries: Sequence[tuple[str, Facts, Facts]]) -> None:
    """Record the same of many subjects at once, each with what it was before and is after."""
    rows = [
        {
            "at_ms": actor.now_ms,
            "operator": actor.principal.name,
            "acted_as": actor.principal.kind.value,
            "token": actor.principal.token,
            "credential": actor.principal.credential_id,
            "address": actor.principal.address,
            "verb": verb.value,
            "subject": subject,
            "before": _plain(before),
            "after": _plain(after),
        }
        for subject, before, after in entries
    ]
    await actor.connection.execute(audit_log.insert(), rows)


ENTRIES = Listing("entries of the audit log", {"at": (audit_log.c.at_ms, audit_log.c.id)}, first="-at")


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which changes: those that fit all given. Times are milliseconds since 1970, `until_ms` excluded.

    `subject`: how it begins (`customer`, `DID 1800`); `search`: a part of it.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    operator: str | None = None
    verb: str | None = None
    subject: str | None = None
    search: str | None = None


async def entry_page(connection: AsyncConnection, wanted: EntryFilter, asked: PageRequest) -> Page[Entry]:
    """Read a page of changes."""
    log = audit_log.c
    own = ((log.operator, wanted.operator), (log.verb, wanted.verb))
    tried = []
    few = []
    if wanted.subject is not None:
        tried.append(begins_with(log.subject, wanted.subject))
        few.append(OwnIndex(log.id, select(log.id).where(*tried)))
    if wanted.search is not None:
        tried.append(contains(log.subject, wanted.search))
    filters = Filters(own, tried, few, between=since_until(log.at_ms, wanted.since_ms, wanted.until_ms))
    query = select(*(log[name] for name in Entry.__slots__))
    return await ENTRIES.page(connection, query, asked, lambda row: Entry(*row), filters)


def _plain(facts: Facts) -> dict[str, Any] | None:
    if facts is None:
        return None
    fields = asdict(facts) if is_dataclass(facts) else facts
    plain: dict[str, Any] = json.loads(json.dumps(fields, default=str))
    return {name: _masked(value, _names_secret(name)) for name, value in plain.items()}


def _masked(value: Any, secret: bool) -> Any:
    """Return a value of JSON with every text masked that is secret, or stands under a secret's name."""
    if isinstance(value, dict):
        return {name: _masked(one, secret or _names_secret(name)) for name, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, secret) for one in value]
    return MASKED if secret and isinstance(value, str) else value


def _names_secret(name: str) -> bool:
    return _SECRET_WORD.search(name.lower()) is not None
