"""The forms of customers' logins and tokens, and of what a sign-in gives."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.accounts.customer_access.logins import Login
from ringflow.accounts.customer_access.tokens import CustomerToken, Secrets
from ringflow.moments import Moment


@dataclass(frozen=True, slots=True)
class LoginForm:
    """By which e-mail address a customer signs in."""

    id: int
    customer: int
    email: str
    password_set_at: Moment
    created_at: Moment


@dataclass(frozen=True, slots=True)
class CustomerTokenForm:
    """By what a customer's device or program acts. `kind`: `sign_in` or `program`."""

    id: int
    customer: int
    kind: str
    name: str
    email: str | None
    card: str | None
    address: str | None
    operator: str
    created_at: Moment
    last_used_at: Moment | None
    ends_at: Moment | None
    revoked_at: Moment | None


@dataclass(frozen=True, slots=True)
class NewCustomerTokenForm(CustomerTokenForm):
    """The same, just made, with its text, which is never shown again."""

    secret: str


@dataclass(frozen=True, slots=True)
class SignInForm:
    """What a sign-in gives: the two tokens, until when each is good, and whose they are."""

    id: int
    customer: int
    access_token: str
    access_ends_at: Moment
    refresh_token: str
    refresh_ends_at: Moment


def login_form(login: Login) -> LoginForm:
    """Return a login as it is shown."""
    return LoginForm(
        id=login.id,
        customer=login.customer_id,
        email=login.email,
        password_set_at=Moment(login.password_set_ms),
        created_at=Moment(login.created_ms),
    )


def customer_token_form(token: CustomerToken) -> CustomerTokenForm:
    """Return a customer's token as operators see it."""
    return CustomerTokenForm(
        id=token.id,
        customer=token.customer_id,
        kind=token.kind,
        name=token.name,
        email=token.login,
        card=token.card_id,
        address=token.address,
        operator=token.made_by,
        created_at=Moment(token.created_ms),
        last_used_at=moment(token.last_used_ms),
        ends_at=moment(token.ends_ms),
        revoked_at=moment(token.revoked_ms),
    )


def new_customer_token_form(token: CustomerToken, secret: str) -> NewCustomerTokenForm:
    """Return a token that was just made, with its text."""
    shown = customer_token_form(token)
    fields = {name: getattr(shown, name) for name in CustomerTokenForm.__dataclass_fields__}
    return NewCustomerTokenForm(**fields, secret=secret)


def sign_in_form(drawn: Secrets) -> SignInForm:
    """Return what a sign-in gave."""
    return SignInForm(
        id=drawn.token.id,
        customer=drawn.token.customer_id,
        access_token=drawn.access,
        access_ends_at=Moment(drawn.access_expires_ms),
        refresh_token=drawn.refresh,
        refresh_ends_at=Moment(drawn.refresh_expires_ms),
    )


def moment(time_ms: int | None) -> Moment | None:
    """Return a time that there may be."""
    return None if time_ms is None else Moment(time_ms)
