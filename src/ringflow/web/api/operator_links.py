"""Links by which somebody sets a password, over HTTP: made by operators, used by anyone who has one.

What shows a link takes no `Actor`: an answer that is kept for repetitions would keep the link.
"""

from __future__ import annotations

from http import HTTPStatus

from ringflow.accounts import operators
from ringflow.accounts.access import password_links
from ringflow.accounts.operators import Operator
from ringflow.actor import Principal
from ringflow.forms.operator import (
    NewPasswordLinkForm,
    OperatorForm,
    PasswordLinkForm,
    new_password_link_form,
    operator_form,
    password_link_form,
)
from ringflow.rights import Right
from ringflow.web.api.operator_sessions import ABOUT, DEVICE_COOKIE, DEVICE_LASTS_S, Typed
from ringflow.web.rest.cookies import Cookies
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.sender import Sender
from ringflow.web.rest.services import Services

FIRST = Resource("sign-in", "/setup", ABOUT)
LINKS = Resource("sign-in", "/password-links", ABOUT)
RESETS = Resource("sign-in", "/password-resets", ABOUT)
INVITATIONS = Resource("sign-in", "/invitations", ABOUT)
OF_OTHERS = Resource("sign-in", "/operators/{operator}/password-links", ABOUT)


class FirstOperator(Input):
    """The first operator. `token`: what stands behind the `#` of the link."""

    token: Typed
    name: Typed
    password: Typed


class LinkToken(Input):
    """What stands behind the `#` of a link."""

    token: Typed


class LinkPassword(Input):
    """A new password. `token`: what stands behind the `#` of the link."""

    token: Typed
    password: Typed


class ForgottenPassword(Input):
    """Whose password is forgotten: an operator's name, or the address of e-mail that is kept of one."""

    name: Typed


class Invitation(Input):
    """An operator that is to be made, and to set its own password."""

    name: Typed
    role: Typed
    notes: str = ""
    email: str | None = None


@FIRST.post(None)
async def set_up(services: Services, sender: Sender, cookies: Cookies, body: FirstOperator) -> OperatorForm:
    """Make the first operator, an admin, by the link that a server prints when nobody can sign in."""
    device = cookies.get(DEVICE_COOKIE)
    known = await services.links.set_up(body.token, body.name, body.password, sender.address, device)
    cookies.set(DEVICE_COOKIE, known, DEVICE_LASTS_S)
    async with services.store.reading() as connection:
        return operator_form(await operators.show(connection, body.name))


@LINKS.post(None, ":read", status=HTTPStatus.OK)
async def read_password_link(services: Services, body: LinkToken) -> PasswordLinkForm:
    """Return what a link is for. It stays good."""
    return password_link_form(await services.links.read(body.token))


@LINKS.post(None, ":use", status=HTTPStatus.NO_CONTENT)
async def use_password_link(services: Services, sender: Sender, cookies: Cookies, body: LinkPassword) -> None:
    """Set the password of the operator whose link it is, who then signs in with it."""
    device = cookies.get(DEVICE_COOKIE)
    known = await services.links.set_password(body.token, body.password, sender.address, device)
    cookies.set(DEVICE_COOKIE, known, DEVICE_LASTS_S)


@RESETS.post(None, status=HTTPStatus.NO_CONTENT)
async def ask_for_password_reset(services: Services, sender: Sender, body: ForgottenPassword) -> None:
    """Have a link sent by which a password is set, to the operator of this name or address of e-mail.

    The answer is the same whether or not there is one.
    """
    services.resets.ask(body.name, sender.address)


@INVITATIONS.post(Right.OPERATORS_CHANGE)
async def invite_operator(services: Services, principal: Principal, body: Invitation) -> NewPasswordLinkForm:
    """Add an operator; returns, once, a link by which it sets its password within a week."""
    wanted = Operator(body.name, body.role, notes=body.notes, email=body.email)
    async with services.opener(principal)() as actor:
        link, text = await password_links.invite(actor, wanted)
    return new_password_link_form(link, password_links.link_url(services.config, text))


@OF_OTHERS.post(Right.OPERATORS_CHANGE)
async def make_password_link(services: Services, principal: Principal, operator: str) -> NewPasswordLinkForm:
    """Return, once, a link by which an operator sets another password within an hour."""
    async with services.opener(principal)() as actor:
        link, text = await password_links.make_reset_link(actor, operator)
    return new_password_link_form(link, password_links.link_url(services.config, text))
