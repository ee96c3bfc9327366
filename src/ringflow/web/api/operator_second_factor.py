"""The second factor of a sign-in, over HTTP.

What shows a secret takes no `Actor`: an answer that is kept for repetitions would keep the secret.
"""

from __future__ import annotations

from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import operators
from ringflow.accounts.access import second_factor
from ringflow.actor import Actor, Principal
from ringflow.forms.operator import (
    EnrolmentForm,
    RecoveryCodesForm,
    SecondFactorForm,
    second_factor_form,
)
from ringflow.rights import Audience, Right
from ringflow.web.api.operator_sessions import ABOUT, Typed
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

OWN = Resource("sign-in", "/session/second-factor", ABOUT)
OF_OTHERS = Resource("sign-in", "/operators/{operator}/second-factor", ABOUT)


class OwnPassword(Input):
    """One's own password, once more."""

    password: Typed


class FactorCode(Input):
    """A code that the authenticator shows."""

    code: Typed


@OWN.get(Audience.SESSION)
async def show_own_second_factor(connection: AsyncConnection, principal: Principal) -> SecondFactorForm:
    """Return whether one has a second factor, and how many recovery codes are left."""
    return second_factor_form(await second_factor.state(connection, principal.name))


@OWN.post(Audience.SESSION)
async def enrol_own_second_factor(
    services: Services, principal: Principal, body: OwnPassword
) -> EnrolmentForm:
    """Begin to use an authenticator: returns its secret, once.

    No sign-in needs it before a code confirms it.
    """
    await services.sign_in.confirm_password(principal, body.password)
    async with services.opener(principal)() as actor:
        begun = await second_factor.enrol(actor, principal.name, services.sign_in.peppers())
    return EnrolmentForm(begun.secret, begun.url)


@OWN.post(Audience.SESSION, ":confirm")
async def confirm_own_second_factor(
    services: Services, principal: Principal, body: FactorCode
) -> RecoveryCodesForm:
    """Have one's sign-ins need the authenticator from now on: returns recovery codes, once.

    One's other sessions end.
    """
    async with services.opener(principal)() as actor:
        codes = await second_factor.confirm(actor, principal.name, body.code, services.sign_in.peppers)
    return RecoveryCodesForm(tuple(codes))


@OWN.post(Audience.SESSION, ":renew-codes")
async def renew_own_recovery_codes(
    services: Services, principal: Principal, body: OwnPassword
) -> RecoveryCodesForm:
    """Return new recovery codes, once; those of before open nothing."""
    await services.sign_in.confirm_password(principal, body.password)
    async with services.opener(principal)() as actor:
        return RecoveryCodesForm(tuple(await second_factor.renew_recovery_codes(actor, principal.name)))


@OWN.post(Audience.SESSION, ":turn-off", status=HTTPStatus.NO_CONTENT)
async def turn_off_own_second_factor(services: Services, principal: Principal, body: OwnPassword) -> None:
    """Have one's sign-ins need the password alone. Refused where the role must have a second factor."""
    await services.sign_in.confirm_password(principal, body.password)
    async with services.opener(principal)() as actor:
        await second_factor.remove_own(actor, services.sign_in.rules)


@OF_OTHERS.post(Right.OPERATORS_CHANGE, ":reset", status=HTTPStatus.NO_CONTENT)
async def reset_second_factor(actor: Actor, operator: str) -> None:
    """Take away the second factor of an operator who has lost it. The operator's sessions end."""
    await operators.changeable(actor, operator)
    await second_factor.remove(actor, operator)
