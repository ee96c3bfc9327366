"""Customers' logins and tokens over HTTP, as operators set them."""

from __future__ import annotations

from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.customer_access import logins, tokens
from ringflow.accounts.customer_access.logins import LOGINS, LoginFilter, new_password_hash
from ringflow.accounts.customer_access.tokens import CUSTOMER_TOKENS
from ringflow.actor import Actor, Principal
from ringflow.forms.customer_access import (
    CustomerTokenForm,
    LoginForm,
    NewCustomerTokenForm,
    customer_token_form,
    login_form,
    new_customer_token_form,
)
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("customers", "/customers/{customer}", "The accounts that pay.")


class NewLogin(Input):
    """By what a customer is to sign in."""

    email: str = Field(max_length=320)
    password: str = Field(max_length=1000)


class LoginPassword(Input):
    """The password in the place of the present one."""

    password: str = Field(max_length=1000)


class NewCustomerToken(Input):
    """A token that is to be made for a customer's own program."""

    name: str
    """What it is for."""
    expires: AwareDatetime | None = None
    """From when on it opens nothing; null: never."""


class CustomerTokenQuery(Input):
    """Which tokens."""

    ended: bool = False
    """Those too that are revoked or over."""


@RESOURCE.get(Right.CUSTOMERS_READ, "/logins", listing=LOGINS)
async def list_customer_logins(
    connection: AsyncConnection, customer: int, asked: PageRequest
) -> Page[LoginForm]:
    """List the e-mail addresses with which a customer signs in."""
    await customers.show(connection, customer)
    return (await logins.page(connection, LoginFilter(customer), asked)).map(login_form)


@RESOURCE.post(Right.CUSTOMERS_CHANGE, "/logins")
async def add_customer_login(
    services: Services, principal: Principal, customer: int, body: NewLogin
) -> LoginForm:
    """Let a customer sign in with an e-mail address and a password."""
    kept = await new_password_hash(services.customers.passwords, body.password, body.email)
    async with services.opener(principal)() as actor:
        return login_form(await logins.add(actor, customer, body.email, kept))


@RESOURCE.put(Right.CUSTOMERS_CHANGE, "/logins/{email}/password")
async def put_customer_password(
    services: Services, principal: Principal, customer: int, email: str, body: LoginPassword
) -> LoginForm:
    """Give a login another password. All that was signed in with the old one ends."""
    kept = await new_password_hash(services.customers.passwords, body.password, email)
    async with services.opener(principal)() as actor:
        login = await logins.show(actor.connection, email, customer)
        return login_form(await logins.set_password(actor, login, kept))


@RESOURCE.delete(Right.CUSTOMERS_CHANGE, "/logins/{email}")
async def delete_customer_login(actor: Actor, customer: int, email: str) -> None:
    """Take a login away, and end all that was signed in with it."""
    await logins.delete(actor, await logins.show(actor.connection, email, customer))


@RESOURCE.get(Right.CUSTOMERS_READ, "/tokens", listing=CUSTOMER_TOKENS)
async def list_customer_tokens(
    connection: AsyncConnection,
    services: Services,
    customer: int,
    query: CustomerTokenQuery,
    asked: PageRequest,
) -> Page[CustomerTokenForm]:
    """List the devices that a customer is signed in by, and the tokens of its programs."""
    await customers.show(connection, customer)
    page = await tokens.page(connection, customer, asked, ended_too=query.ended, now_ms=services.now_ms())
    return page.map(customer_token_form)


@RESOURCE.post(Right.CUSTOMERS_CHANGE, "/tokens")
async def add_customer_token(
    services: Services, principal: Principal, customer: int, body: NewCustomerToken
) -> NewCustomerTokenForm:
    """Make a token for a customer's own program. Its text is in this answer, and never shown again.

    It takes no Idempotency-Key: the text would have to be kept.
    """
    async with services.opener(principal)() as actor:
        expires_ms = milliseconds(body.expires)
        return new_customer_token_form(*await tokens.add_program(actor, customer, body.name, expires_ms))


@RESOURCE.delete(Right.CUSTOMERS_CHANGE, "/tokens/{token}")
async def revoke_customer_token(actor: Actor, customer: int, token: int) -> None:
    """End a customer's device or program: it opens nothing from now on."""
    await tokens.revoke(actor, customer, token)
