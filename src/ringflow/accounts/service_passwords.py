"""Service passwords: what a customer keys besides a PIN where a flow asks for it. Digits, as PINs are."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.cards.pin import MAX_PIN_DIGITS, MIN_PIN_DIGITS, draw_pins
from ringflow.accounts.directory_changes import lock_directory
from ringflow.accounts.fields import check_range
from ringflow.accounts.peppers import Peppers
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Unknown
from ringflow.store.caller_tables import service_passwords

DEFAULT_PASSWORD_DIGITS = 6


@dataclass(frozen=True, slots=True)
class ServicePassword:
    """That a customer has one: how many digits, and since when."""

    customer_id: int
    digits: int
    set_ms: int


_COLUMNS = tuple(service_passwords.c[name] for name in ServicePassword.__slots__)


async def find_password(connection: AsyncConnection, customer_id: int) -> ServicePassword | None:
    """What is known of the customer's password; None: it has none."""
    query = select(*_COLUMNS).where(service_passwords.c.customer_id == customer_id)
    row = (await connection.execute(query)).one_or_none()
    return ServicePassword(*row) if row is not None else None


async def set_password(
    actor: Actor, customer_id: int, digits: int, peppers: Peppers
) -> tuple[ServicePassword, str]:
    """Give a customer a new password in the place of any other; it is not shown again. Raises `Refused`."""
    await lock_directory(actor)
    check_range(digits, MIN_PIN_DIGITS, MAX_PIN_DIGITS, "digits")
    await customers.show(actor.connection, customer_id)
    old = await find_password(actor.connection, customer_id)
    (password,) = draw_pins(1, digits)
    row = {
        "customer_id": customer_id,
        "password_digest": peppers.newest.digest(password_message(customer_id, password)),
        "pepper": peppers.newest.version,
        "digits": digits,
        "set_ms": actor.now_ms,
    }
    await _delete(actor, customer_id)
    await actor.connection.execute(service_passwords.insert().values(row))
    made = ServicePassword(customer_id, digits, actor.now_ms)
    await note(actor, Verb.PASSWORD, f"customer {customer_id}", old, made)
    return made, password


async def remove_password(actor: Actor, customer_id: int) -> ServicePassword:
    """Take a customer's password away; gives what was known of it. Raises `Refused` where there is none."""
    await lock_directory(actor)
    await customers.show(actor.connection, customer_id)
    old = await find_password(actor.connection, customer_id)
    if old is None:
        raise Unknown(
            "service_password.unknown",
            f"customer {customer_id} has no service password",
            customer=customer_id,
        )
    await _delete(actor, customer_id)
    await note(actor, Verb.PASSWORD, f"customer {customer_id}", old, None)
    return old


def password_message(customer_id: int, password: str) -> str:
    """What is digested of a password."""
    return f"ringflow-service-password-v1\n{customer_id}\n{password}"


async def _delete(actor: Actor, customer_id: int) -> None:
    mine = service_passwords.c.customer_id == customer_id
    await actor.connection.execute(service_passwords.delete().where(mine))
