"""Who may ask, over HTTP: operators, roles and tokens."""

from __future__ import annotations

from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import operators, roles, tokens
from ringflow.accounts.operators import OPERATORS, Operator, OperatorChanges, OperatorFilter
from ringflow.accounts.roles import Role, RoleChanges
from ringflow.accounts.tokens import TOKENS, TokenFilter, TokenPlan
from ringflow.actor import Actor, Principal
from ringflow.forms.operator import (
    NewTokenForm,
    OperatorForm,
    RoleForm,
    TokenForm,
    new_token_form,
    operator_form,
    role_form,
    token_form,
)
from ringflow.rights import Audience, Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.expiry import expiry_ms
from ringflow.web.api.period import LastDay
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch, unchanged
from ringflow.web.rest.services import Services

OPERATORS_KNOWN = Resource("access", "/operators", "Who may act, and what they may do.")
ROLES_KNOWN = Resource("access", "/roles", "Who may act, and what they may do.")
TOKENS_KNOWN = Resource("access", "/tokens", "Who may act, and what they may do.")
OWN_TOKENS = Resource("access", "/own/tokens", "Who may act, and what they may do.")


class OperatorQuery(Input):
    """Which operators."""

    role: str | None = None
    enabled: bool | None = None
    q: str | None = None
    """A part of the name or of the notes."""


class NewOperator(Input):
    """An operator that acts by tokens. `POST /invitations` makes one that signs in."""

    name: str
    role: str
    notes: str = ""
    email: str | None = None


class OperatorPatch(Patch):
    """What is to be changed of an operator: the fields that are there."""

    role: str = unchanged()
    notes: str = unchanged()
    email: str | None = unchanged()


class NewRole(Input):
    """A role that is to be made."""

    name: str
    rights: list[str]
    notes: str = ""


class RolePatch(Patch):
    """What is to be changed of a role. `rights`: all that it has then."""

    rights: list[str] = unchanged()
    notes: str = unchanged()


class NewOwnToken(Input):
    """A token that is to be made. At most one of `role` and `rights` narrows what its operator may do."""

    name: str
    role: str | None = None
    rights: list[str] | None = None
    expires: LastDay | None = None
    """The last day on which it is good; null: it is good until it is revoked."""


class NewToken(NewOwnToken):
    """A token of an operator that is to be made."""

    operator: str


class OwnTokenQuery(Input):
    """Which of one's own tokens."""

    revoked: bool = False
    """Those too that are revoked."""
    q: str | None = None
    """A part of the name."""


class TokenQuery(Input):
    """Which tokens."""

    operator: str | None = None
    revoked: bool = False
    """Those too that are revoked."""
    q: str | None = None
    """A part of the name."""


@OPERATORS_KNOWN.get(Right.OPERATORS_READ, listing=OPERATORS)
async def list_operators(
    connection: AsyncConnection, query: OperatorQuery, asked: PageRequest
) -> Page[OperatorForm]:
    """List operators."""
    wanted = OperatorFilter(query.role, query.enabled, query.q)
    return (await operators.page(connection, wanted, asked)).map(operator_form)


@OPERATORS_KNOWN.post(Right.OPERATORS_CHANGE)
async def add_operator(actor: Actor, body: NewOperator) -> OperatorForm:
    """Add an operator without a password, for a program that acts by tokens."""
    wanted = Operator(body.name, body.role, notes=body.notes, email=body.email)
    return operator_form(await operators.add(actor, wanted, None))


@OPERATORS_KNOWN.patch(Right.OPERATORS_CHANGE, "/{operator}")
async def alter_operator(actor: Actor, operator: str, match: IfMatch, body: OperatorPatch) -> OperatorForm:
    """Change the fields that the body has. Nobody gives or takes away rights that they do not have."""
    match.require(operator_form(await operators.changeable(actor, operator)))
    changes: OperatorChanges = body.changes()  # type: ignore[assignment]
    return operator_form(await operators.alter(actor, operator, **changes))


@OPERATORS_KNOWN.post(Right.OPERATORS_CHANGE, "/{operator}:disable", status=HTTPStatus.OK)
async def disable_operator(actor: Actor, operator: str) -> OperatorForm:
    """Let an operator act no more: its sessions end, and its tokens do not work until it is enabled again."""
    return operator_form(await operators.set_enabled(actor, operator, enabled=False))


@OPERATORS_KNOWN.post(Right.OPERATORS_CHANGE, "/{operator}:enable", status=HTTPStatus.OK)
async def enable_operator(actor: Actor, operator: str) -> OperatorForm:
    """Let a disabled operator act again."""
    return operator_form(await operators.set_enabled(actor, operator, enabled=True))


@OPERATORS_KNOWN.get(Right.OPERATORS_READ, "/{operator}", tagged=True)
async def show_operator(connection: AsyncConnection, operator: str) -> OperatorForm:
    """Return an operator."""
    return operator_form(await operators.show(connection, operator))


@ROLES_KNOWN.get(Right.OPERATORS_READ)
async def list_roles(connection: AsyncConnection) -> Page[RoleForm]:
    """List all roles: those that are always there, then the others by name."""
    return Page([role_form(one) for one in await roles.every(connection)], None)


@ROLES_KNOWN.post(Right.OPERATORS_CHANGE)
async def add_role(actor: Actor, body: NewRole) -> RoleForm:
    """Make a role, of rights that whoever makes it has."""
    return role_form(await roles.add(actor, Role(body.name, roles.read_rights(body.rights), body.notes)))


@ROLES_KNOWN.patch(Right.OPERATORS_CHANGE, "/{role}")
async def alter_role(actor: Actor, role: str, match: IfMatch, body: RolePatch) -> RoleForm:
    """Change the fields that the body has. Whoever has the role has the new rights with the next request."""
    match.require(role_form(await roles.changeable(actor, role)))
    changes: RoleChanges = body.changes()  # type: ignore[assignment]
    if "rights" in changes:
        changes["rights"] = roles.read_rights(changes["rights"])
    return role_form(await roles.alter(actor, role, **changes))


@ROLES_KNOWN.delete(Right.OPERATORS_CHANGE, "/{role}")
async def delete_role(actor: Actor, role: str, match: IfMatch) -> None:
    """Delete a role that nobody has."""
    match.require(role_form(await roles.changeable(actor, role)))
    await roles.delete(actor, role)


@ROLES_KNOWN.get(Right.OPERATORS_READ, "/{role}", tagged=True)
async def show_role(connection: AsyncConnection, role: str) -> RoleForm:
    """Return a role with its rights."""
    return role_form(await roles.show(connection, role))


@TOKENS_KNOWN.get(Right.OPERATORS_READ, listing=TOKENS)
async def list_tokens(
    connection: AsyncConnection, services: Services, query: TokenQuery, asked: PageRequest
) -> Page[TokenForm]:
    """List tokens, each by what it starts with."""
    page = await tokens.page(connection, TokenFilter(query.operator, query.revoked, query.q), asked)
    return page.map(lambda one: token_form(one, services.config.zone))


@TOKENS_KNOWN.get(Right.OPERATORS_READ, "/{token}")
async def show_token(connection: AsyncConnection, services: Services, token: str) -> TokenForm:
    """Return a token, by what it starts with."""
    return token_form(await tokens.show(connection, token), services.config.zone)


@TOKENS_KNOWN.post(Right.OPERATORS_CHANGE)
async def add_token(services: Services, principal: Principal, body: NewToken) -> NewTokenForm:
    """Make a token of an operator. Its text is shown now, and never again.

    It has no right that whoever makes it lacks. It takes no Idempotency-Key, because the text would be kept
    with the answer: who lost it makes another, and revokes this one.
    """
    return await _made(services, principal, body, body.operator)


@TOKENS_KNOWN.post(Right.OPERATORS_CHANGE, "/{token}:revoke", status=HTTPStatus.OK)
async def revoke_token(actor: Actor, services: Services, token: str) -> TokenForm:
    """End a token. It opens nothing from then on."""
    return token_form(await tokens.revoke(actor, token), services.config.zone)


@OWN_TOKENS.get(Audience.OPERATOR, listing=TOKENS)
async def list_operators_own_tokens(
    connection: AsyncConnection,
    services: Services,
    principal: Principal,
    query: OwnTokenQuery,
    asked: PageRequest,
) -> Page[TokenForm]:
    """List one's own tokens, each by what it starts with, with when and from where it was used last."""
    page = await tokens.page(connection, TokenFilter(principal.name, query.revoked, query.q), asked)
    return page.map(lambda one: token_form(one, services.config.zone))


@OWN_TOKENS.post(Audience.OPERATOR)
async def add_operators_own_token(
    services: Services, principal: Principal, body: NewOwnToken
) -> NewTokenForm:
    """Make a token of one's own. Its text is shown now, and never again.

    A program that makes one by its own token gives it no more rights, and no longer life, than that has.
    """
    return await _made(services, principal, body, principal.name)


@OWN_TOKENS.post(Audience.OPERATOR, "/{token}:revoke", status=HTTPStatus.OK)
async def revoke_operators_own_token(actor: Actor, services: Services, token: str) -> TokenForm:
    """End a token of one's own. It opens nothing from then on."""
    found = await tokens.show_own(actor, token)
    return token_form(await tokens.revoke(actor, found.starts_with), services.config.zone)


async def _made(services: Services, principal: Principal, body: NewOwnToken, of: str) -> NewTokenForm:
    zone = services.config.zone
    rights = None if body.rights is None else roles.read_rights(body.rights)
    plan = TokenPlan(of, body.name, body.role, rights, expiry_ms(body.expires, zone))
    async with services.opener(principal)() as actor:
        token, secret = await tokens.add(actor, plan)
    return new_token_form(token, secret, zone)
