"""How customers sign in, and what they are signed in by."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.customer_access import tokens
from ringflow.accounts.customer_access.own_password import change_password
from ringflow.accounts.customer_access.tokens import CUSTOMER_TOKENS
from ringflow.actor import Actor, Principal
from ringflow.errors import Refused
from ringflow.forms.customer_access import SignInForm, sign_in_form
from ringflow.forms.own import OwnTokenForm, own_token_form
from ringflow.rights import Audience
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.me.customer import own_id, own_token_id
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.sender import Sender
from ringflow.web.rest.services import Services

TOKENS = Resource("me", "/me/tokens", "What is a customer's own, for its own programs.")
PASSWORD = Resource("me", "/me/password", "What is a customer's own, for its own programs.")


class SignInBody(Input):
    """Who signs in: `card` and `pin`, or `email` and `password`."""

    card: str | None = Field(None, max_length=64)
    pin: str | None = Field(None, max_length=64)
    email: str | None = Field(None, max_length=320)
    password: str | None = Field(None, max_length=1000)
    device: str | None = Field(None, max_length=200)
    """What the customer calls the device; null: what the program calls itself."""


class RefreshBody(Input):
    """What is exchanged."""

    refresh_token: str = Field(max_length=200)


class NewPassword(Input):
    """The present password, and the one in its place."""

    password: str = Field(max_length=1000)
    new_password: str = Field(max_length=1000)


@TOKENS.post(None)
async def sign_customer_in(services: Services, sender: Sender, body: SignInBody) -> SignInForm:
    """Sign a customer in, by card ID and PIN or by e-mail and password, for two tokens.

    The access token is good for 15 minutes; the refresh token, for 30 days, is exchanged for the next two. A
    card that was never used is redeemed by this, as by its first call.
    """
    sign_in, device = services.customers.sign_in, body.device if body.device is not None else sender.agent
    by_card = body.card is not None and body.pin is not None
    by_email = body.email is not None and body.password is not None
    some_of_both = None not in (body.card or body.pin, body.email or body.password)
    if by_card and not some_of_both:
        assert body.card is not None and body.pin is not None  # noqa: PT018 -- for the type checker
        return sign_in_form(await sign_in.by_card(body.card, body.pin, device, sender.address))
    if by_email and not some_of_both:
        assert body.email is not None and body.password is not None  # noqa: PT018 -- for the type checker
        return sign_in_form(await sign_in.by_email(body.email, body.password, device, sender.address))
    raise Refused("sign_in.incomplete", "write `card` and `pin`, or `email` and `password`")


@TOKENS.post(None, ":refresh")
async def refresh_customer_token(services: Services, body: RefreshBody) -> SignInForm:
    """Exchange a refresh token for two new tokens. It is good for this once.

    One that comes again ends what was signed in by it; for ten seconds it may, because an answer may be lost.
    """
    drawn = await tokens.refresh(
        services.store, body.refresh_token, services.config.country, services.now_ms()
    )
    return sign_in_form(drawn)


@TOKENS.get(Audience.CUSTOMER, listing=CUSTOMER_TOKENS)
async def list_own_tokens(
    connection: AsyncConnection, services: Services, principal: Principal, asked: PageRequest
) -> Page[OwnTokenForm]:
    """List the devices that are signed in, and the tokens of programs."""
    page = await tokens.page(connection, own_id(principal), asked, ended_too=False, now_ms=services.now_ms())
    return page.map(lambda one: own_token_form(one, own_token_id(principal)))


@TOKENS.delete(Audience.CUSTOMER, "/{token}")
async def revoke_own_token(actor: Actor, token: int) -> None:
    """End a device or a program: it is signed out. That which asks may be ended too."""
    await tokens.revoke(actor, own_id(actor.principal), token)


@PASSWORD.post(Audience.CUSTOMER, status=HTTPStatus.NO_CONTENT)
async def change_own_login_password(services: Services, principal: Principal, body: NewPassword) -> None:
    """Change the password of the login that the customer is signed in by, which ends its other devices."""
    await change_password(
        services.opener(principal),
        services.customers.sign_in,
        services.customers.passwords,
        own_token_id(principal),
        body.password,
        body.new_password,
        principal.address or "",
    )
