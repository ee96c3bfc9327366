"""Customers over HTTP."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.customer_overview import CUSTOMERS, CustomerFilter, customer_page, overview
from ringflow.accounts.customers import Customer, CustomerChanges
from ringflow.accounts.directory_changes import lock_directory
from ringflow.actor import Actor
from ringflow.config import CustomerStatus
from ringflow.forms.customer import (
    CustomerDetailForm,
    CustomerForm,
    customer_detail_form,
    customer_form,
)
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch, unchanged
from ringflow.web.rest.services import Services

RESOURCE = Resource("customers", "/customers", "The accounts that pay.")


class CustomerQuery(Input):
    """Which customers."""

    q: str | None = None
    """An id, or a part of a name in any capitals."""
    status: CustomerStatus | None = None
    currency: str | None = None
    source: Literal["operator", "config"] | None = None


class NewCustomer(Input):
    """A customer that is to be made."""

    id: int | None = None
    """The number that it is to have; else the one after the highest."""
    name: str = ""
    status: CustomerStatus = "active"
    currency: str = "USD"
    channels: int | None = None
    """How many calls at once; null: no limit."""
    caller_id: str | None = None
    language: str | None = None


class CustomerPatch(Patch):
    """What is to be changed of a customer: the fields that are there."""

    name: str = unchanged()
    status: CustomerStatus = unchanged()
    channels: int | None = unchanged()
    caller_id: str | None = unchanged()
    language: str | None = unchanged()


class CustomerDeletion(Input):
    """What is deleted with a customer."""

    cascade: bool = False
    """Its CLIs and DIDs too."""


@RESOURCE.get(Right.CUSTOMERS_READ, listing=CUSTOMERS)
async def list_customers(
    connection: AsyncConnection, query: CustomerQuery, asked: PageRequest
) -> Page[CustomerForm]:
    """List customers, each with its balance."""
    wanted = CustomerFilter(query.q, query.status, query.currency, query.source)
    page = await customer_page(connection, wanted, asked)
    return page.map(lambda one: customer_form(*one))


@RESOURCE.post(Right.CUSTOMERS_CHANGE)
async def add_customer(actor: Actor, services: Services, body: NewCustomer) -> CustomerDetailForm:
    """Make a customer."""
    fields = body.model_dump()
    customer_id = fields.pop("id")
    if customer_id is None:
        customer_id = await customers.next_id(actor)
    made = await customers.add(actor, Customer(customer_id, **fields))
    return await _detail(actor.connection, services, made.id)


@RESOURCE.get(Right.CUSTOMERS_READ, "/{customer}", tagged=True)
async def show_customer(connection: AsyncConnection, services: Services, customer: int) -> CustomerDetailForm:
    """Return a customer with its credit and what belongs to it."""
    return await _detail(connection, services, customer)


@RESOURCE.patch(Right.CUSTOMERS_CHANGE, "/{customer}")
async def alter_customer(
    actor: Actor, services: Services, customer: int, match: IfMatch, body: CustomerPatch
) -> CustomerDetailForm:
    """Change the fields that the body has; the others stay."""
    await lock_directory(actor)
    match.require(await _detail(actor.connection, services, customer))
    changes: CustomerChanges = body.changes()  # type: ignore[assignment]
    await customers.alter(actor, customer, **changes)
    return await _detail(actor.connection, services, customer)


@RESOURCE.delete(Right.CUSTOMERS_CHANGE, "/{customer}")
async def delete_customer(
    actor: Actor, services: Services, customer: int, match: IfMatch, query: CustomerDeletion
) -> None:
    """Delete a customer that has no history; with `cascade` its CLIs and DIDs too."""
    await lock_directory(actor)
    match.require(await _detail(actor.connection, services, customer))
    await customers.delete(actor, customer, cascade=query.cascade)


async def _detail(connection: AsyncConnection, services: Services, customer_id: int) -> CustomerDetailForm:
    return customer_detail_form(await overview(connection, customer_id, services.now_ms()))
