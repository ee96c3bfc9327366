"""The forms of operators, their roles and their API tokens."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import tzinfo
from typing import Any

from ringflow.accounts.access.passkeys import Passkey
from ringflow.accounts.access.password_links import PasswordLink
from ringflow.accounts.access.second_factor import FactorState
from ringflow.accounts.access.sessions import Session, SessionRules
from ringflow.accounts.operators import Operator
from ringflow.accounts.roles import Role
from ringflow.accounts.tokens import Token
from ringflow.moments import Moment, last_day
from ringflow.rights import Right


@dataclass(frozen=True, slots=True)
class OperatorForm:
    """An operator. `password_set_at` null: it has no password, and acts by tokens and scripts only."""

    name: str
    role: str
    enabled: bool
    notes: str
    password_set_at: Moment | None
    created_at: Moment
    email: str | None
    script_used_at: Moment | None


@dataclass(frozen=True, slots=True)
class PasswordLinkForm:
    """A link by which somebody sets a password, once. `operator` null: the first operator is made by it."""

    kind: str
    operator: str | None
    link_expires_at: Moment


@dataclass(frozen=True, slots=True)
class NewPasswordLinkForm:
    """A link that was just made; it is never shown again."""

    link: str
    kind: str
    operator: str | None
    link_expires_at: Moment


@dataclass(frozen=True, slots=True)
class RoleForm:
    """A role and its rights."""

    name: str
    rights: tuple[str, ...]
    built_in: bool
    notes: str


@dataclass(frozen=True, slots=True)
class TokenForm:
    """An API token. `role` and `rights` null: it may do all that its operator may."""

    operator: str
    name: str
    starts_with: str
    role: str | None
    rights: tuple[str, ...] | None
    created_at: Moment
    expires: str | None
    last_used_at: Moment | None
    last_used_from: str | None
    revoked_at: Moment | None


@dataclass(frozen=True, slots=True)
class NewTokenForm:
    """An API token that was just made, with its text, which is never shown again."""

    secret: str
    operator: str
    name: str
    starts_with: str
    role: str | None
    rights: tuple[str, ...] | None
    created_at: Moment
    expires: str | None


@dataclass(frozen=True, slots=True)
class SessionForm:
    """A session of an operator who has signed in."""

    id: int
    operator: str
    device: str
    address: str
    created_at: Moment
    last_used_at: Moment
    ends_at: Moment
    by_passkey: bool
    own: bool


@dataclass(frozen=True, slots=True)
class SignedInForm:
    """Who has signed in, and what they may do. `second_factor_missing`: nothing, until they have one."""

    operator: str
    role: str
    rights: tuple[str, ...]
    second_factor: bool
    second_factor_missing: bool
    session: SessionForm


@dataclass(frozen=True, slots=True)
class SecondFactorForm:
    """How it stands with an operator's second factor. `second_factor_at` null: there is none."""

    second_factor_at: Moment | None
    recovery_codes_left: int


@dataclass(frozen=True, slots=True)
class EnrolmentForm:
    """A second factor that is to be confirmed by a code; neither is ever shown again."""

    totp_secret: str
    otpauth_url: str


@dataclass(frozen=True, slots=True)
class RecoveryCodesForm:
    """Codes that stand in for the second factor, each once; they are never shown again."""

    recovery_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PasskeysForm:
    """Whether operators can sign in with passkeys, and of which domain these are."""

    takes_passkeys: bool
    domain: str


@dataclass(frozen=True, slots=True)
class PasskeyOptionsForm:
    """What the browser is to be given that asks an authenticator."""

    public_key: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PasskeyForm:
    """A passkey of an operator."""

    id: int
    name: str
    synced: bool
    created_at: Moment
    last_used_at: Moment | None


def passkey_form(passkey: Passkey) -> PasskeyForm:
    """Return a passkey as it is shown."""
    return PasskeyForm(
        passkey.id, passkey.name, passkey.synced, Moment(passkey.created_ms), _moment(passkey.used_ms)
    )


def second_factor_form(state: FactorState) -> SecondFactorForm:
    """Return how it stands with a second factor, as it is shown."""
    return SecondFactorForm(_moment(state.since_ms), state.recovery_codes)


def session_form(session: Session, rules: SessionRules, own: int | None) -> SessionForm:
    """Return a session as it is shown to whoever acts by the session `own`."""
    idle_ms, absolute_ms = session.used_ms + rules.idle_ms, session.created_ms + rules.absolute_ms
    return SessionForm(
        id=session.id,
        operator=session.operator,
        device=session.device,
        address=session.address,
        created_at=Moment(session.created_ms),
        last_used_at=Moment(session.used_ms),
        ends_at=Moment(min(idle_ms, absolute_ms)),
        by_passkey=session.passkey_id is not None,
        own=session.id == own,
    )


def signed_in_form(
    operator: Operator, rights: frozenset[Right], factor: FactorState, session: Session, rules: SessionRules
) -> SignedInForm:
    """Return who has signed in, as it is shown to themselves."""
    has_factor = factor.since_ms is not None
    return SignedInForm(
        operator=operator.name,
        role=operator.role,
        rights=tuple(sorted(rights)),
        second_factor=has_factor,
        second_factor_missing=not rules.lets_act(operator.role, factor.since_ms, session.passkey_id),
        session=session_form(session, rules, session.id),
    )


def operator_form(operator: Operator) -> OperatorForm:
    """Return an operator as it is shown."""
    return OperatorForm(
        name=operator.name,
        role=operator.role,
        enabled=operator.enabled,
        notes=operator.notes,
        password_set_at=_moment(operator.password_set_ms),
        created_at=Moment(operator.created_ms),
        email=operator.email,
        script_used_at=_moment(operator.script_used_ms),
    )


def password_link_form(link: PasswordLink) -> PasswordLinkForm:
    """Return what a link is for, as it is shown to whoever has it."""
    return PasswordLinkForm(link.kind.value, link.operator, Moment(link.expires_ms))


def new_password_link_form(link: PasswordLink, url: str) -> NewPasswordLinkForm:
    """Return a link that was just made."""
    return NewPasswordLinkForm(url, link.kind.value, link.operator, Moment(link.expires_ms))


def role_form(role: Role) -> RoleForm:
    """Return a role as it is shown."""
    return RoleForm(role.name, tuple(sorted(role.rights)), role.built_in, role.notes)


def token_form(token: Token, zone: tzinfo) -> TokenForm:
    """Return a token as it is shown to an operator in this time zone."""
    return TokenForm(
        operator=token.operator,
        name=token.name,
        starts_with=token.starts_with,
        role=token.role,
        rights=token.rights,
        created_at=Moment(token.created_ms),
        expires=last_day(token.expires_ms, zone),
        last_used_at=_moment(token.last_used_ms),
        last_used_from=token.last_used_from,
        revoked_at=_moment(token.revoked_ms),
    )


def new_token_form(token: Token, secret: str, zone: tzinfo) -> NewTokenForm:
    """Return a token that was just made, with its text."""
    shown = token_form(token, zone)
    names = [field.name for field in fields(NewTokenForm) if field.name != "secret"]
    return NewTokenForm(secret, **{name: getattr(shown, name) for name in names})


def _moment(time_ms: int | None) -> Moment | None:
    return None if time_ms is None else Moment(time_ms)
