"""Who acts: the same value for the command line, the REST API, callers and the server itself.

A `Principal` is somebody who was recognised, with what they may do. An `Actor` is a principal in one
transaction, at one time and in one country: every function that changes something takes one.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import Forbidden, Refused
from ringflow.moments import system_now_ms
from ringflow.plain_text import plain
from ringflow.rights import ALL_RIGHTS, Access, Audience, Right
from ringflow.store import Store

MAX_NAME = 200


class PrincipalKind(StrEnum):
    """What somebody who acts is."""

    OPERATOR = "operator"
    TOKEN = "token"  # noqa: S105 -- a kind, not a secret
    """A program with an operator's API token."""
    CUSTOMER = "customer"
    """A customer, or a customer's program. It has no right: it reaches only what is its own."""
    SCRIPT = "script"
    """A script of an operator's that runs in a call."""
    CALLER = "caller"
    SYSTEM = "system"
    """The server itself, such as when it applies what `config.yaml` declares."""


_KINDS_OF: Mapping[Audience, frozenset[PrincipalKind]] = {
    Audience.OPERATOR: frozenset({PrincipalKind.OPERATOR, PrincipalKind.TOKEN}),
    Audience.SESSION: frozenset({PrincipalKind.OPERATOR}),
    Audience.CUSTOMER: frozenset({PrincipalKind.CUSTOMER}),
}
_WORDS_OF: Mapping[Audience, str] = {
    Audience.OPERATOR: "operators, with a token or a session of their own",
    Audience.SESSION: "operators who have signed in, and no token",
    Audience.CUSTOMER: "customers, with a token of their own",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was recognised, and what they may do. Raises `Refused` for a name that cannot be kept.

    `name` is an operator's, or `customer 42`; `token` the name of the token that a program acts by.
    `credential_id` is the ID of the token or the session by which a request was recognised, never its
    secret; `address` is where the request came from. `customer_id` is a customer's own number.
    """

    kind: PrincipalKind
    name: str
    rights: frozenset[Right] = frozenset()
    token: str | None = None
    credential_id: str | None = None
    address: str | None = None
    customer_id: int | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise Refused("operator.nameless", "a change needs the name of who makes it")
        if len(self.name) > MAX_NAME or not self.name.isprintable():
            raise Refused(
                "operator.malformed_name",
                f"operator `{plain(self.name)}`: write one line of at most {MAX_NAME} printable characters",
                operator=self.name,
            )

    def require(self, access: Access) -> None:
        """Raise `Forbidden` where they do not have a right, or are not of an audience."""
        if isinstance(access, Audience):
            if self.kind not in _KINDS_OF[access]:
                raise Forbidden(
                    "right.other_audience",
                    f"this is for {_WORDS_OF[access]}; {self.name} is none of them",
                    audience=access.value,
                )
        elif access not in self.rights:
            raise Forbidden(
                "right.missing", f"{self.name} does not have the right {access.value}", right=access.value
            )


CONFIGURATION = Principal(PrincipalKind.SYSTEM, "config.yaml", ALL_RIGHTS)
"""Who applies what the configuration declares."""
CALLER = Principal(PrincipalKind.CALLER, "by the caller")
"""Who redeems a card by telephone, as the books name them: the customer is in the entry's own fields."""


def shell_operator(name: str) -> Principal:
    """Return who runs a command. Whoever can read the database's address has all rights already."""
    return Principal(PrincipalKind.OPERATOR, name, ALL_RIGHTS)


def customer_principal(customer_id: int, credential_id: str, token: str | None = None) -> Principal:
    """Return a customer, by the ID of what it acts by; `token` is the name of its program's token."""
    return Principal(
        PrincipalKind.CUSTOMER,
        f"customer {customer_id}",
        token=token,
        credential_id=credential_id,
        customer_id=customer_id,
    )


@dataclass(slots=True)
class Actor:
    """A principal in one transaction. `country` reads national numbers; `now_ms` is since 1970.

    The two fields about the directory belong to `accounts.directory_changes`.
    """

    principal: Principal
    connection: AsyncConnection
    country: str
    now_ms: int
    directory_locked: bool = field(default=False, init=False)
    directory_changed: bool = field(default=False, init=False)

    def require(self, right: Right) -> None:
        """Raise `Forbidden` where the principal does not have a right."""
        self.principal.require(right)


Made = TypeVar("Made")
Transaction: TypeAlias = Callable[[Callable[[Actor], Awaitable[Made]]], Awaitable[Made]]
"""Carries a change out in a transaction of its own, and returns what the change does."""

Opener: TypeAlias = Callable[[], AbstractAsyncContextManager[Actor]]
"""Begins a transaction in which somebody acts: for work that takes more than one."""


@asynccontextmanager
async def acting(
    store: Store, principal: Principal, country: str, now_ms: int | None = None
) -> AsyncIterator[Actor]:
    """Begin a transaction in which a principal acts. Nothing is kept when the block raises.

    `now_ms` None: the time of the system's clock.
    """
    async with store.writing() as connection:
        yield Actor(principal, connection, country, system_now_ms() if now_ms is None else now_ms)


def login_name() -> str:
    """Return who runs this process, for whom no other name was given."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not be in its list of users.
        return f"uid {os.getuid()}"
