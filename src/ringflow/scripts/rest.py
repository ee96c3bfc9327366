"""`cxRest`: the resources of the API that scripts were written for, over the services of this one.

Each request acts as the operator whom the script names, with the rights of that operator's role, and is
carried out by the functions that commands and `/api/v1` use: what they refuse is refused here, and changes
are in the audit log under the operator's name. Rows have the field names of that API (`company_id`) and ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import clis, customers, dids, operators, roles
from ringflow.accounts.cards.card import Card, card_page, find_card
from ringflow.accounts.cards.card import Filter as CardFilter
from ringflow.accounts.clis import Cli, CliFilter
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did, DidFilter
from ringflow.actor import Actor, Principal, PrincipalKind, acting
from ringflow.errors import Conflict, Forbidden, Refused, Unknown
from ringflow.ledger.account import read_account
from ringflow.rights import Right
from ringflow.scripts.run import CallRefused, one_line
from ringflow.store import Store
from ringflow.store.pages import PageRequest
from ringflow.store.record_tables import call_records
from ringflow.wording import known_words

MAX_ROWS = 500
MICROS = 1_000_000

Given = Mapping[str, JsonValue]
Read = Callable[[AsyncConnection, str | None, Given, str, int], Awaitable[JsonValue]]
Write = Callable[[Actor, str | None, Given], Awaitable[JsonValue]]


class Rest:
    """Carries out what scripts ask of the API."""

    def __init__(self, store: Store, country: str) -> None:
        self._store = store
        self._country = country

    async def request(self, script: str, given: Given, now_ms: int) -> JsonValue:
        """Return what a request gives. Raises `CallRefused`."""
        method, path = str(given.get("method")), str(given.get("resource") or "").strip("/")
        wanted = given.get("given")
        query = wanted if isinstance(wanted, dict) else {}
        resource, _, key = path.partition("/")
        try:
            principal = await self._principal(given.get("user"), script)
            if method == "get":
                right, read = _find(_READS, resource, "read")
                principal.require(right)
                async with self._store.reading() as connection:
                    found: JsonValue = await read(connection, key or None, query, self._country, now_ms)
                    return found
            right, write = _find(_WRITES, f"{method} {resource}", "write")
            principal.require(right)
            async with acting(self._store, principal, self._country, now_ms) as actor:
                done: JsonValue = await write(actor, key or None, query)
            return done
        except Unknown as error:
            raise CallRefused(error.code, str(error), 404) from None
        except Forbidden as error:
            raise CallRefused(error.code, str(error), 403) from None
        except Conflict as error:
            raise CallRefused(error.code, str(error), 409) from None
        except Refused as error:
            raise CallRefused(error.code, str(error)) from None

    async def _principal(self, user: JsonValue, script: str) -> Principal:
        name = user if isinstance(user, str) else ""
        async with self._store.reading() as connection:
            operator = await operators.find(connection, name)
            if operator is None or not operator.enabled:
                shown = one_line(name, 64)
                mend = "make it with `ringflow operator add`, with the role that the script needs"
                raise CallRefused("script.no_user", f"cxRest: there is no API user {shown}; {mend}", 401)
            rights = (await roles.show(connection, operator.role)).rights
        return Principal(PrincipalKind.SCRIPT, operator.name, rights, token=f"script {script}")


def _find(table: Mapping[str, tuple[Right, Any]], name: str, what: str) -> tuple[Right, Any]:
    found = table.get(name)
    if found is None:
        known = known_words(sorted(table))
        raise CallRefused("script.no_resource", f"cxRest: cannot {what} {one_line(name, 50)}; {known}", 404)
    return found


def _number(value: JsonValue, name: str) -> int | None:
    """Return a whole number that may be written as text; None where it is missing."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18:
        return int(value)
    raise CallRefused("script.malformed", f"cxRest: {name} is no number")


def _text(value: JsonValue, name: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= 500:
        return str(value)
    raise CallRefused("script.malformed", f"cxRest: {name} is no text")


def _customer_id(given: Given) -> int | None:
    for name in ("company_id", "customer_id", "customer"):
        if name in given:
            return _number(given[name], name)
    return None


def _needed(value: Any, name: str) -> Any:
    if value is None:
        raise CallRefused("script.malformed", f"cxRest: {name} is missing")
    return value


def _limit(given: Given) -> PageRequest:
    limit = _number(given.get("_limit"), "_limit") or MAX_ROWS
    return PageRequest(max(1, min(limit, MAX_ROWS)))


def _cli_row(cli: Cli) -> dict[str, JsonValue]:
    return {
        "id": cli.id,
        "cli": cli.number if cli.number is not None else cli.pattern,
        "is_pattern": cli.pattern is not None,
        "company_id": cli.customer_id,
        "customer_id": cli.customer_id,
        "notes": cli.notes,
    }


def _customer_row(customer: Customer) -> dict[str, JsonValue]:
    return {
        "id": customer.id,
        "company_id": customer.id,
        "name": customer.name,
        "status": customer.status,
        "currency": customer.currency,
        "channels": customer.channels,
        "caller_id": customer.caller_id,
        "language": customer.language,
    }


def _did_row(did: Did) -> dict[str, JsonValue]:
    return {
        "id": did.number,
        "did": did.number,
        "number": did.number,
        "app": did.app,
        "identify": did.identify,
        "company_id": did.customer_id,
        "customer_id": did.customer_id,
        "enabled": did.enabled,
        "channels": did.channels,
        "script": did.script,
    }


def _card_row(card: Card) -> dict[str, JsonValue]:
    return {
        "id": card.id,
        "status": card.status,
        "company_id": card.redeemed_by,
        "customer_id": card.redeemed_by,
        "template_id": card.customer_id,
        "batch": card.batch,
        "credit": card.credit_micros / MICROS,
        "currency": card.currency,
    }


async def _get_cli(
    connection: AsyncConnection, key: str | None, given: Given, country: str, now_ms: int
) -> JsonValue:
    """A number is found as it identifies callers: however it is written."""
    wanted = key or _text(given.get("cli"), "cli")
    customer_id = _customer_id(given)
    if wanted is not None:
        found = await clis.find(connection, wanted, country)
        rows = [found] if found is not None else []
    else:
        wanted_rows = CliFilter(customer_id, search=_text(given.get("s"), "s"))
        rows = list((await clis.page(connection, wanted_rows, _limit(given))).items)
    return [_cli_row(one) for one in rows if customer_id in (None, one.customer_id)]


async def _get_customer(
    connection: AsyncConnection, key: str | None, given: Given, country: str, now_ms: int
) -> JsonValue:
    number = _number(key, "id") if key else _number(given.get("id"), "id") or _customer_id(given)
    if key:
        return _customer_row(await customers.show(connection, number or 0))
    if number is not None:
        found = await customers.find(connection, number)
        return [_customer_row(found)] if found is not None else []
    query = select(*customers.COLUMNS).order_by(customers.COLUMNS[0]).limit(_limit(given).limit)
    name = _text(given.get("name"), "name")
    if name is not None:
        query = query.where(customers.COLUMNS[1] == name)
    return [_customer_row(Customer(*row)) for row in await connection.execute(query)]


async def _get_did(
    connection: AsyncConnection, key: str | None, given: Given, country: str, now_ms: int
) -> JsonValue:
    wanted = key or _text(given.get("did"), "did") or _text(given.get("number"), "number")
    if wanted is not None:
        found = await dids.find(connection, wanted, country)
        return [_did_row(found)] if found is not None else []
    page = await dids.page(connection, DidFilter(customer_id=_customer_id(given)), _limit(given))
    return [_did_row(one) for one in page.items]


async def _get_card(
    connection: AsyncConnection, key: str | None, given: Given, country: str, now_ms: int
) -> JsonValue:
    wanted = key or _text(given.get("id"), "id")
    if wanted is not None:
        found = await find_card(connection, wanted)
        return [_card_row(found)] if found is not None else []
    page = await card_page(connection, CardFilter(redeemed_by=_customer_id(given)), _limit(given))
    return [_card_row(one) for one in page.items]


async def _get_balance(
    connection: AsyncConnection, key: str | None, given: Given, country: str, now_ms: int
) -> JsonValue:
    number = _needed(_number(key, "id") if key else _customer_id(given), "company_id")
    customer = await customers.show(connection, number)
    account = await read_account(connection, number, now_ms)
    balance = account.balance_micros if account is not None else 0
    available = account.available_micros if account is not None else 0
    return {
        "company_id": number,
        "currency": customer.currency,
        "credit": balance / MICROS,
        "balance": balance / MICROS,
        "available": available / MICROS,
        "debit_limit": account.debit_limit_micros / MICROS if account is not None else 0,
    }


async def _get_cdr(
    connection: AsyncConnection, key: str | None, given: Given, country: str, now_ms: int
) -> JsonValue:
    """Records of calls, the latest first."""
    columns = call_records.c
    query = (
        select(call_records).order_by(columns.started_ms.desc(), columns.call_id).limit(_limit(given).limit)
    )
    wanted = {"did": _text(given.get("did"), "did"), "cli": _text(given.get("cli"), "cli"), "call_id": key}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(columns[name] == value)
    if (customer_id := _customer_id(given)) is not None:
        query = query.where(columns.customer_id == customer_id)
    rows = (await connection.execute(query)).mappings()
    return [
        {
            "id": row["call_id"],
            "dt": row["started_ms"] // 1000,
            "started_ms": row["started_ms"],
            "duration": row["duration_ms"] / 1000,
            "did": row["did"],
            "cli": row["cli"],
            "company_id": row["customer_id"],
            "card_id": row["card_id"],
            "outcome": row["outcome"],
            "reason": row["reason"],
        }
        for row in rows
    ]


async def _post_cli(actor: Actor, key: str | None, given: Given) -> JsonValue:
    number = _needed(key or _text(given.get("cli"), "cli"), "cli")
    notes = _text(given.get("notes"), "notes") or ""
    return _cli_row(await clis.add_number(actor, _needed(_customer_id(given), "company_id"), number, notes))


async def _put_cli(actor: Actor, key: str | None, given: Given) -> JsonValue:
    changes: dict[str, Any] = {}
    if (customer_id := _customer_id(given)) is not None:
        changes["customer_id"] = customer_id
    if "notes" in given:
        changes["notes"] = _text(given["notes"], "notes") or ""
    return _cli_row(await clis.alter(actor, _needed(key or _text(given.get("cli"), "cli"), "cli"), **changes))


async def _delete_cli(actor: Actor, key: str | None, given: Given) -> JsonValue:
    return _cli_row(await clis.delete(actor, _needed(key or _text(given.get("cli"), "cli"), "cli")))


async def _put_customer(actor: Actor, key: str | None, given: Given) -> JsonValue:
    number = _needed(
        _number(key, "id") if key else _customer_id(given) or _number(given.get("id"), "id"), "id"
    )
    changes: dict[str, Any] = {}
    for name in ("name", "status", "caller_id", "language"):
        if name in given:
            changes[name] = _text(given[name], name)
    if "channels" in given:
        changes["channels"] = _number(given["channels"], "channels")
    return _customer_row(await customers.alter(actor, number, **changes))


async def _put_did(actor: Actor, key: str | None, given: Given) -> JsonValue:
    changes: dict[str, Any] = {}
    if "app" in given:
        changes["app"] = _text(given["app"], "app") or ""
    if isinstance(given.get("enabled"), bool):
        changes["enabled"] = given["enabled"]
    if "company_id" in given or "customer_id" in given:
        changes["customer_id"] = _customer_id(given)
    if "channels" in given:
        changes["channels"] = _number(given["channels"], "channels")
    return _did_row(await dids.alter(actor, _needed(key or _text(given.get("did"), "did"), "did"), **changes))


_READS: Mapping[str, tuple[Right, Read]] = {
    "cli": (Right.CUSTOMERS_READ, _get_cli),
    "customer": (Right.CUSTOMERS_READ, _get_customer),
    "card": (Right.CARDS_READ, _get_card),
    "did": (Right.DIDS_READ, _get_did),
    "cdr": (Right.CALLS_READ, _get_cdr),
    "balance": (Right.MONEY_READ, _get_balance),
}
_WRITES: Mapping[str, tuple[Right, Write]] = {
    "post cli": (Right.CUSTOMERS_CHANGE, _post_cli),
    "put cli": (Right.CUSTOMERS_CHANGE, _put_cli),
    "delete cli": (Right.CUSTOMERS_CHANGE, _delete_cli),
    "put customer": (Right.CUSTOMERS_CHANGE, _put_customer),
    "put did": (Right.DIDS_CHANGE, _put_did),
}
