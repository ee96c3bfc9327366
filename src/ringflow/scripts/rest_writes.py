"""What `cxRest` writes: each method of a resource with its right, by the functions that commands use too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import JsonValue

from ringflow.accounts import clis, customers, dids
from ringflow.accounts.cards.alteration import CardChanges, Selection, alter, disable, enable
from ringflow.accounts.cards.card import show_card
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.actor import Actor
from ringflow.ledger.credit_limits import set_debit_limit
from ringflow.ledger.movement import Kind
from ringflow.ledger.payment_orders import PaymentOrder, move, movement_key, read_amount
from ringflow.ledger.payments import Purpose
from ringflow.rights import Right
from ringflow.scripts.rest_fields import (
    CUSTOMER,
    MICROS,
    Asked,
    card_row,
    cli_row,
    customer_row,
    did_row,
    needed,
    number_in,
)
from ringflow.scripts.rest_reads import STATUSES

Write = Callable[[Actor, Asked], Awaitable[dict[str, JsonValue]]]


async def _post_cli(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    asked.check_fields("cli", "number", "pattern", "notes", *CUSTOMER)
    customer_id, notes = needed(asked.customer_id, "company_id"), asked.text("notes") or ""
    if (pattern := asked.text("pattern")) is not None:
        return cli_row(await clis.add_pattern(actor, customer_id, pattern, notes))
    number = needed(asked.key or asked.text("cli", "number"), "cli")
    return cli_row(await clis.add_number(actor, customer_id, number, notes))


def _cli_text(asked: Asked) -> str:
    return needed(asked.key or asked.text("cli", "number", "id"), "cli")


async def _put_cli(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    asked.check_fields("cli", "number", "id", "notes", *CUSTOMER)
    changes: dict[str, Any] = {}
    if (customer_id := asked.customer_id) is not None:
        changes["customer_id"] = customer_id
    if (notes := asked.text("notes")) is not None:
        changes["notes"] = notes
    return cli_row(await clis.alter(actor, _cli_text(asked), **changes))


async def _delete_cli(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    asked.check_fields("cli", "number", "id")
    return cli_row(await clis.delete(actor, _cli_text(asked)))


def _customer_changes(asked: Asked) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: asked.text(name)
        for name in ("name", "caller_id", "language", "currency")
        if name in asked.given
    }
    if (status := asked.one_of("status", STATUSES)) is not None:
        changes["status"] = status
    if "channels" in asked.given:
        changes["channels"] = asked.number("channels")
    return changes


async def _post_customer(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    asked.check_fields("id", "name", "status", "currency", "channels", "caller_id", "language")
    number = asked.number("id")
    number = await customers.next_id(actor) if number is None else number
    return customer_row(await customers.add(actor, Customer(number, **_customer_changes(asked))))


def _customer_number(asked: Asked) -> int:
    number = number_in(asked.key) if asked.key is not None else asked.number("id", *CUSTOMER)
    return needed(number, "id")


async def _put_customer(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    asked.check_fields(
        *("id", "name", "status", "currency", "channels", "caller_id", "language", "debit_limit", *CUSTOMER)
    )
    number = _customer_number(asked)
    changes = _customer_changes(asked)
    # What a customer may owe is no field of its own: it may be changed of one that config.yaml declares.
    changed = (
        await customers.alter(actor, number, **changes)
        if changes
        else await customers.show(actor.connection, number)
    )
    if (limit := asked.text("debit_limit")) is not None:
        actor.principal.require(Right.MONEY_MOVE)
        micros = await read_amount(actor, number, limit, signed=True, at="debit_limit")
        account, _ = reversed(await set_debit_limit(actor, number, micros))
        return customer_row(changed) | {"debit_limit": account.debit_limit_micros / MICROS}
    return customer_row(changed)


async def _delete_customer(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    asked.check_fields("id", *CUSTOMER)
    number = _customer_number(asked)
    gone = await customers.show(actor.connection, number)
    await customers.delete(actor, number)
    return customer_row(gone)


def _did_changes(asked: Asked) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if (app := asked.text("app", "destination")) is not None:
        changes["app"] = app
    if (identify := asked.one_of("identify", ("cli", "none"))) is not None:
        changes["identify"] = identify
    if (enabled := asked.flag("enabled")) is not None:
        changes["enabled"] = enabled
    if any(name in asked.given for name in CUSTOMER):
        changes["customer_id"] = asked.customer_id
    if "channels" in asked.given:
        changes["channels"] = asked.number("channels")
    return changes


_DID_FIELDS = ("did", "number", "id", "app", "destination", "identify", "enabled", "channels", *CUSTOMER)


def _did_number(asked: Asked) -> str:
    return needed(asked.key or asked.text("did", "number", "id"), "did")


async def _post_did(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    asked.check_fields(*_DID_FIELDS)
    number = _did_number(asked)
    changes = _did_changes(asked)
    needed(changes.get("app"), "app")
    return did_row(await dids.add(actor, Did(number, **changes)))


async def _put_did(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    asked.check_fields(*_DID_FIELDS)
    number = _did_number(asked)
    return did_row(await dids.alter(actor, number, **_did_changes(asked)))


async def _delete_did(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    asked.check_fields("did", "number", "id")
    return did_row(await dids.delete(actor, _did_number(asked)))


async def _put_card(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    """Disable or enable a card, or change its template. What a card is worth is money, and stays."""
    asked.check_fields("id", "status", "template_id")
    chosen = Selection((needed(asked.key or asked.text("id"), "id"),))
    if (template := asked.number("template_id")) is not None:
        await alter(actor, chosen, CardChanges(customer_id=template))
    match asked.one_of("status", ("available", "enabled", "disabled")):
        case "disabled":
            await disable(actor, chosen)
        case "available" | "enabled":
            await enable(actor, chosen)
    return card_row(await show_card(actor.connection, chosen.ids[0]))


async def _post_payment(actor: Actor, asked: Asked) -> dict[str, JsonValue]:
    """Move money: a payment that came in, or one that goes back where it is below zero."""
    asked.check_fields("total", "amount", "description", "reason", "status", "key", *CUSTOMER)
    asked.one_of("status", ("completed",))
    number, total = needed(asked.customer_id, "company_id"), needed(asked.text("total", "amount"), "total")
    is_back = total.startswith("-")
    order = PaymentOrder(Kind.PAY_OUT if is_back else Kind.PAY_IN, number, total.removeprefix("-"))
    reason = asked.text("description", "reason") or "script"
    purpose = Purpose(movement_key(asked.text("key"), "script"), reason)
    posted = await move(actor, order, purpose)
    return {
        "id": posted.id,
        "company_id": number,
        "total": float(total),
        "description": reason,
        "status": "Completed",
        "again": posted.again,
    }


WRITES: Mapping[str, tuple[Right, Write]] = {
    "post cli": (Right.CUSTOMERS_CHANGE, _post_cli),
    "put cli": (Right.CUSTOMERS_CHANGE, _put_cli),
    "delete cli": (Right.CUSTOMERS_CHANGE, _delete_cli),
    "post customer": (Right.CUSTOMERS_CHANGE, _post_customer),
    "put customer": (Right.CUSTOMERS_CHANGE, _put_customer),
    "delete customer": (Right.CUSTOMERS_CHANGE, _delete_customer),
    "post did": (Right.DIDS_CHANGE, _post_did),
    "put did": (Right.DIDS_CHANGE, _put_did),
    "delete did": (Right.DIDS_CHANGE, _delete_did),
    "put card": (Right.CARDS_CHANGE, _put_card),
    "post payment": (Right.MONEY_MOVE, _post_payment),
}
"""By method and name. Each is one transaction: all of it is kept, or nothing."""


async def write(actor: Actor, asked: Asked, work: Write) -> JsonValue:
    """Carry it out. A row without a status of its own has the one that scripts look for."""
    row = await work(actor, asked)
    return {"status": "OK", **row}
