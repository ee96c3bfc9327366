"""Who may ask, over HTTP: operators, roles and tokens."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import operators, roles, tokens
from ringflow.accounts.operators import OPERATORS, OperatorFilter
from ringflow.accounts.tokens import TOKENS, TokenFilter
from ringflow.forms.operator import (
    OperatorForm,
    RoleForm,
    TokenForm,
    operator_form,
    role_form,
    token_form,
)
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.reading import Input
from ringflow.web.rest.services import Services

OPERATORS_KNOWN = Resource("access", "/operators", "Who may act, and what they may do.")
ROLES_KNOWN = Resource("access", "/roles", "Who may act, and what they may do.")
TOKENS_KNOWN = Resource("access", "/tokens", "Who may act, and what they may do.")


class OperatorQuery(Input):
    """Which operators."""

    role: str | None = None
    enabled: bool | None = None
    q: str | None = None
    """A part of the name or of the notes."""


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


@OPERATORS_KNOWN.get(Right.OPERATORS_READ, "/{operator}")
async def show_operator(connection: AsyncConnection, operator: str) -> OperatorForm:
    """Return an operator."""
    return operator_form(await operators.show(connection, operator))


@ROLES_KNOWN.get(Right.OPERATORS_READ, "/{role}")
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
