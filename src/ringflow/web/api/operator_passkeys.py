"""Passkeys of operators, over HTTP: one's own, those of others, and signing in with one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import operators
from ringflow.accounts.access import passkeys
from ringflow.accounts.access.passkeys import PASSKEYS
from ringflow.actor import Actor, Principal
from ringflow.forms.operator import (
    PasskeyForm,
    PasskeyOptionsForm,
    PasskeysForm,
    SignedInForm,
    passkey_form,
)
from ringflow.rights import Audience, Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.operator_sessions import (
    ABOUT,
    DEVICE_COOKIE,
    Typed,
    keep_session,
)
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.cookies import Cookies
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.sender import Sender
from ringflow.web.rest.services import Services

SIGN_IN = Resource("sign-in", "/session/passkey", ABOUT)
OWN = Resource("sign-in", "/session/passkeys", ABOUT)
OF_OTHERS = Resource("sign-in", "/operators/{operator}/passkeys", ABOUT)

Encoded = Annotated[str, Field(max_length=20_000, pattern="^[A-Za-z0-9_-]*$")]
"""Bytes as base64url."""
CredentialId = Annotated[str, Field(min_length=1, max_length=1400, pattern="^[A-Za-z0-9_-]+$")]


class _FromBrowser(BaseModel):
    """What a browser makes of an authenticator's answer. It may say more than is asked for."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class MadeResponse(_FromBrowser):
    """What an authenticator says of a passkey that it made."""

    clientDataJSON: Encoded  # noqa: N815 -- as browsers call it
    attestationObject: Encoded  # noqa: N815


class MadeCredential(_FromBrowser):
    """A passkey that was made: `PublicKeyCredential.toJSON()`."""

    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: str
    response: MadeResponse


class ProvenResponse(_FromBrowser):
    """What an authenticator signed."""

    clientDataJSON: Encoded  # noqa: N815
    authenticatorData: Encoded  # noqa: N815
    signature: Encoded
    userHandle: Encoded | None = None  # noqa: N815


class ProvenCredential(_FromBrowser):
    """A passkey that has answered: `PublicKeyCredential.toJSON()`."""

    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: str
    response: ProvenResponse


class PasskeyOrder(Input):
    """One's own password, once more."""

    password: Typed


class NewOwnPasskey(Input):
    """A passkey that an authenticator has made, and how one calls it."""

    name: Typed
    credential: MadeCredential


class PasskeyPatch(Input):
    """Another name for a passkey."""

    name: Typed


class PasskeyAnswer(Input):
    """What an authenticator answered."""

    credential: ProvenCredential


@SIGN_IN.get(None)
async def show_passkey_sign_in(services: Services) -> PasskeysForm:
    """Return whether operators can sign in with passkeys here, and of which domain they are."""
    return PasskeysForm(services.passkeys.is_on, services.passkeys.party.domain)


@SIGN_IN.post(None, ":begin")
async def begin_passkey_sign_in(services: Services) -> PasskeyOptionsForm:
    """Begin to sign in with a passkey: returns what `navigator.credentials.get` is given.

    The challenge in it holds for five minutes, once.
    """
    return PasskeyOptionsForm(await services.passkeys.begin_sign_in())


@SIGN_IN.post(None)
async def sign_in_with_passkey(
    services: Services, sender: Sender, cookies: Cookies, body: PasskeyAnswer
) -> SignedInForm:
    """Sign in with a passkey alone: the answer sets the cookie of a session.

    The passkey has to have verified who holds it, by a PIN or a fingerprint: it is both factors.
    """
    credential = body.credential.model_dump(exclude_none=True)
    device = cookies.get(DEVICE_COOKIE)
    done = await services.passkeys.sign_in(credential, sender.address, sender.agent, device)
    return await keep_session(services, cookies, done)


@OWN.get(Audience.SESSION, listing=PASSKEYS)
async def list_own_passkeys(
    connection: AsyncConnection, principal: Principal, asked: PageRequest
) -> Page[PasskeyForm]:
    """List the own passkeys."""
    return (await passkeys.page(connection, principal.name, asked)).map(passkey_form)


@OWN.post(Audience.SESSION, ":begin")
async def begin_own_passkey(
    services: Services, principal: Principal, body: PasskeyOrder
) -> PasskeyOptionsForm:
    """Begin to register a passkey: returns what `navigator.credentials.create` is given."""
    await services.sign_in.confirm_password(principal, body.password)
    return PasskeyOptionsForm(await services.passkeys.begin_registration(principal.name))


@OWN.post(Audience.SESSION)
async def add_own_passkey(services: Services, principal: Principal, body: NewOwnPasskey) -> PasskeyForm:
    """Register a passkey that an authenticator has made: one can sign in with it from now on."""
    passkeys.check_name(body.name)
    credential: dict[str, Any] = body.credential.model_dump()
    made = await services.passkeys.check_registration(principal.name, credential)
    async with services.opener(principal)() as actor:
        return passkey_form(await passkeys.add(actor, body.name, made))


@OWN.get(Audience.SESSION, "/{passkey}", tagged=True)
async def show_own_passkey(connection: AsyncConnection, principal: Principal, passkey: int) -> PasskeyForm:
    """Return one of the own passkeys."""
    return passkey_form(await passkeys.show(connection, principal.name, passkey))


@OWN.patch(Audience.SESSION, "/{passkey}")
async def rename_own_passkey(actor: Actor, passkey: int, match: IfMatch, body: PasskeyPatch) -> PasskeyForm:
    """Give one of the own passkeys another name."""
    operator = actor.principal.name
    match.require(passkey_form(await passkeys.show(actor.connection, operator, passkey)))
    return passkey_form(await passkeys.rename(actor, operator, passkey, body.name))


@OWN.delete(Audience.SESSION, "/{passkey}")
async def remove_own_passkey(actor: Actor, passkey: int) -> None:
    """Remove one of the own passkeys: it opens nothing, and the sessions that it has begun end."""
    await passkeys.revoke(actor, actor.principal.name, passkey)


@OF_OTHERS.get(Right.OPERATORS_CHANGE, listing=PASSKEYS)
async def list_operator_passkeys(
    connection: AsyncConnection, operator: str, asked: PageRequest
) -> Page[PasskeyForm]:
    """List the passkeys of an operator."""
    await operators.show(connection, operator)
    return (await passkeys.page(connection, operator, asked)).map(passkey_form)


@OF_OTHERS.delete(Right.OPERATORS_CHANGE, "/{passkey}")
async def revoke_operator_passkey(actor: Actor, operator: str, passkey: int) -> None:
    """Revoke a passkey of an operator who has lost it: the sessions that it has begun end."""
    await operators.changeable(actor, operator)
    await passkeys.revoke(actor, operator, passkey)
