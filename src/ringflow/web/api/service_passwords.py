"""Service passwords over HTTP: what customers key besides a PIN."""

from __future__ import annotations

from http import HTTPStatus

from ringflow.accounts import service_passwords
from ringflow.accounts.peppers import configured_peppers
from ringflow.accounts.service_passwords import DEFAULT_PASSWORD_DIGITS
from ringflow.actor import Actor, Principal
from ringflow.forms.caller_secret import NewServicePasswordForm, new_service_password_form
from ringflow.rights import Right
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("customers", "/customers/{customer}/service-password", "The accounts that pay.")


class NewPassword(Input):
    """A password that is to be made."""

    digits: int = DEFAULT_PASSWORD_DIGITS


@RESOURCE.post(Right.CUSTOMERS_CHANGE, status=HTTPStatus.CREATED)
async def make_service_password(
    services: Services, principal: Principal, customer: int, body: NewPassword
) -> NewServicePasswordForm:
    """Make a service password, in the place of any other. It is shown now, and never again.

    It takes no Idempotency-Key, because the password would be kept with the answer: who lost it makes
    another.
    """
    peppers = configured_peppers(services.config)
    async with services.opener(principal)() as actor:
        made = await service_passwords.set_password(actor, customer, body.digits, peppers)
    return new_service_password_form(*made)


@RESOURCE.delete(Right.CUSTOMERS_CHANGE, "")
async def remove_service_password(actor: Actor, customer: int) -> None:
    """Take a customer's service password away."""
    await service_passwords.remove_password(actor, customer)
