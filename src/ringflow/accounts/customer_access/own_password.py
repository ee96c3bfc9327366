"""Passwords that customers change themselves."""

from __future__ import annotations

from sqlalchemy import select

from ringflow.accounts.customer_access import logins
from ringflow.accounts.customer_access.sign_in import CustomerSignIn
from ringflow.accounts.passwords import Passwords
from ringflow.actor import Actor, Opener
from ringflow.errors import Conflict
from ringflow.store.customer_access_tables import customer_tokens


async def change_password(
    opener: Opener,
    sign_in: CustomerSignIn,
    passwords: Passwords,
    token_id: int,
    password: str,
    new_password: str,
    address: str,
) -> None:
    """Give the login that a token was signed in by another password, and end its other devices.

    The present one is compared under the same limits as at a sign-in. Raises `Refused`.
    """
    async with opener() as actor:
        login = await _login_of(actor, token_id)
    await sign_in.check_password(login.email, password, address)
    kept = await logins.new_password_hash(passwords, new_password, login.email)
    async with opener() as actor:
        await logins.set_password(actor, await _login_of(actor, token_id), kept, keep_token=token_id)


async def _login_of(actor: Actor, token_id: int) -> logins.Login:
    columns = select(*logins.COLUMNS).join(customer_tokens, customer_tokens.c.login_id == logins.COLUMNS[0])
    row = (await actor.connection.execute(columns.where(customer_tokens.c.id == token_id))).one_or_none()
    if row is None:
        raise Conflict(
            "customer_login.not_signed_in_by",
            "a password is changed by who is signed in with one, and this token was made otherwise",
        )
    return logins.Login(*row)
