"""Signing in, over HTTP: the own session, and those of an operator."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import operators
from ringflow.accounts.access import second_factor, sessions
from ringflow.accounts.access.sessions import SESSIONS, own_session, session_id
from ringflow.accounts.access.sign_in import Attempt, SignedIn
from ringflow.accounts.operators import new_password_hash
from ringflow.actor import Actor, Principal
from ringflow.forms.operator import SessionForm, SignedInForm, session_form, signed_in_form
from ringflow.rights import Audience, Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.access.authentication import SESSION_COOKIE
from ringflow.web.rest.cookies import Cookies
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.sender import Sender
from ringflow.web.rest.services import Services

ABOUT = "How operators sign in and out."
OWN = Resource("sign-in", "/session", ABOUT)
OWN_SESSIONS = Resource("sign-in", "/sessions", ABOUT)
OF_OTHERS = Resource("sign-in", "/operators/{operator}/sessions", ABOUT)

DEVICE_COOKIE = "ringflow-device"
"""The cookie by which a browser is known from which an operator has signed in before."""
DEVICE_LASTS_S = 365 * 86_400

MAX_TYPED = 1000
Typed = Annotated[str, Field(max_length=MAX_TYPED)]


class Credentials(Input):
    """Who wants to sign in. `code`: of the second factor, or a recovery code, where the operator has one."""

    name: Typed
    password: Typed
    code: Typed | None = None


class PasswordChange(Input):
    """Another password for oneself."""

    password: Typed
    """The one that counts until now."""
    new_password: Typed


@OWN.post(None)
async def sign_in(services: Services, sender: Sender, cookies: Cookies, body: Credentials) -> SignedInForm:
    """Sign in: the answer sets the cookie of a session.

    Where the operator has a second factor and `code` is missing, the answer is 401 `login.code_needed`: ask
    for it, and send all three.
    """
    device = cookies.get(DEVICE_COOKIE)
    attempt = Attempt(body.name, body.password, body.code, sender.address, sender.agent, device)
    return await keep_session(services, cookies, await services.sign_in.sign_in(attempt))


@OWN.get(Audience.SESSION)
async def show_own_session(
    connection: AsyncConnection, services: Services, principal: Principal
) -> SignedInForm:
    """Return who has signed in, with role, rights and session."""
    return await _signed_in(connection, services, principal.name, own_session(principal))


@OWN.delete(Audience.SESSION)
async def sign_out(actor: Actor, cookies: Cookies) -> None:
    """Sign out: the session is over."""
    await sessions.end(actor, actor.principal.name, own_session(actor.principal))
    cookies.remove(SESSION_COOKIE)


@OWN.put(Audience.SESSION, "/password")
async def change_operators_own_password(
    services: Services, principal: Principal, cookies: Cookies, body: PasswordChange
) -> None:
    """Give oneself another password: all other sessions end."""
    await services.sign_in.confirm_password(principal, body.password)
    kept = await new_password_hash(services.sign_in.passwords, body.new_password, principal.name)
    async with services.opener(principal)() as actor:
        await operators.set_own_password(actor, kept)


@OWN_SESSIONS.get(Audience.SESSION, listing=SESSIONS)
async def list_own_sessions(
    connection: AsyncConnection, services: Services, principal: Principal, asked: PageRequest
) -> Page[SessionForm]:
    """List the own sessions, each with its device."""
    return await _page(connection, services, principal, principal.name, asked)


@OWN_SESSIONS.delete(Audience.SESSION)
async def end_own_other_sessions(actor: Actor) -> None:
    """End all own sessions but this one."""
    await sessions.end_others(actor, actor.principal.name)


@OWN_SESSIONS.delete(Audience.SESSION, "/{session}")
async def end_own_session(actor: Actor, session: int) -> None:
    """End one of the own sessions."""
    await sessions.end(actor, actor.principal.name, session)


@OF_OTHERS.get(Right.OPERATORS_CHANGE, listing=SESSIONS)
async def list_operator_sessions(
    connection: AsyncConnection, services: Services, principal: Principal, operator: str, asked: PageRequest
) -> Page[SessionForm]:
    """List the sessions of an operator, each with its device."""
    await operators.show(connection, operator)
    return await _page(connection, services, principal, operator, asked)


@OF_OTHERS.delete(Right.OPERATORS_CHANGE)
async def end_operator_sessions(actor: Actor, operator: str) -> None:
    """End all sessions of an operator, but never the one that asks."""
    await operators.changeable(actor, operator)
    await sessions.end_others(actor, operator)


@OF_OTHERS.delete(Right.OPERATORS_CHANGE, "/{session}")
async def end_operator_session(actor: Actor, operator: str, session: int) -> None:
    """End a session of an operator."""
    await operators.changeable(actor, operator)
    await sessions.end(actor, operator, session)


async def keep_session(services: Services, cookies: Cookies, done: SignedIn) -> SignedInForm:
    """Have the browser keep a session that was begun, and return who has signed in."""
    cookies.set(SESSION_COOKIE, done.text, services.config.sign_in.absolute_s)
    cookies.set(DEVICE_COOKIE, done.device, DEVICE_LASTS_S)
    async with services.store.reading() as connection:
        return await _signed_in(connection, services, done.session.operator, done.session.id)


async def _page(
    connection: AsyncConnection, services: Services, principal: Principal, operator: str, asked: PageRequest
) -> Page[SessionForm]:
    rules, own = services.sign_in.rules, session_id(principal)
    page = await sessions.page(connection, operator, rules, services.now_ms(), asked)
    return page.map(lambda one: session_form(one, rules, own))


async def _signed_in(connection: AsyncConnection, services: Services, name: str, number: int) -> SignedInForm:
    rules = services.sign_in.rules
    operator = await operators.show(connection, name)
    factor = await second_factor.state(connection, name)
    session = await sessions.show(connection, name, number)
    rights = await sessions.rights_of(connection, operator.role, factor.since_ms, rules, session.passkey_id)
    return signed_in_form(operator, rights, factor, session, rules)
