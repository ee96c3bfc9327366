"""How an operator registers a passkey, and signs in with one.

There is nothing to guess, so no budget of tries is needed: a wrong answer says nothing of any operator, and
nobody can lock another out. Every challenge is taken once, whatever comes of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Row

from ringflow.accounts import roles
from ringflow.accounts.access import devices, passkeys, sessions, webauthn_checks
from ringflow.accounts.access.passkeys import NewPasskey
from ringflow.accounts.access.secret_text import new_secret
from ringflow.accounts.access.sessions import SessionRules
from ringflow.accounts.access.sign_in import SIGN_IN, SignedIn, may_note_failure
from ringflow.accounts.access.webauthn_checks import NotProven, RelyingParty
from ringflow.actor import Principal, PrincipalKind, acting
from ringflow.audit import Verb, note
from ringflow.errors import Forbidden, Refused
from ringflow.store import Store


class PasskeySignIn:
    """Registers passkeys, and lets operators in with them. Methods raise `StoreGone`."""

    def __init__(
        self, store: Store, country: str, rules: SessionRules, now_ms: Callable[[], int], party: RelyingParty
    ) -> None:
        self.rules = rules
        self.party = party
        self._store = store
        self._country = country
        self._now_ms = now_ms

    @property
    def is_on(self) -> bool:
        """Whether passkeys can be used here."""
        return webauthn_checks.is_installed()

    async def begin_registration(self, operator: str) -> dict[str, Any]:
        """Return what an authenticator is asked, to make a passkey for an operator."""
        self._require()
        challenge = new_secret()
        async with self._store.writing() as connection:
            number = await passkeys.operator_id(connection, operator)
            known = await passkeys.credentials_of(connection, number)
            await passkeys.remember_challenge(connection, challenge, number, self._now_ms())
        return webauthn_checks.registration_options(self.party, challenge, operator, number, known)

    async def check_registration(self, operator: str, credential: Mapping[str, Any]) -> NewPasskey:
        """Return the passkey that an authenticator has made for an operator. Raises `Refused`."""
        self._require()
        try:
            challenge = webauthn_checks.challenge_in(credential)
            async with self._store.writing() as connection:
                number = await passkeys.operator_id(connection, operator)
                fresh = await passkeys.take_challenge(connection, challenge, number, self._now_ms())
            if not fresh:
                raise NotProven("its challenge is too old, was used already, or is another operator's")
            # Some hundred microseconds for most keys, and more for what somebody made up.
            return await asyncio.to_thread(
                webauthn_checks.check_registration, credential, challenge, self.party
            )
        except NotProven as error:
            what = f"the passkey cannot be registered: {error}; begin again"
            raise Refused("passkey.not_made", what, ("credential",)) from error

    async def begin_sign_in(self) -> dict[str, Any]:
        """Return what the passkeys of whoever wants to sign in are asked."""
        self._require()
        challenge = new_secret()
        async with self._store.writing() as connection:
            await passkeys.remember_challenge(connection, challenge, None, self._now_ms())
        return webauthn_checks.sign_in_options(self.party, challenge)

    async def sign_in(
        self, credential: Mapping[str, Any], address: str, agent: str, device: str | None
    ) -> SignedIn:
        """Begin a session of the operator whose passkey has answered.

        Raises `Forbidden` in the same words for every answer that proves nothing, and `passkey.copied` for a
        passkey whose counter tells that there are two of it.
        """
        self._require()
        row: Row[Any] | None = None
        try:
            challenge = webauthn_checks.challenge_in(credential)
            async with self._store.writing() as connection:
                fresh = await passkeys.take_challenge(connection, challenge, None, self._now_ms())
                row = await passkeys.find(connection, str(credential["id"]))
            if not fresh or row is None or not row.enabled:
                raise NotProven("too late, unknown, or its operator is disabled")
            count = await asyncio.to_thread(
                webauthn_checks.check_sign_in,
                credential,
                challenge,
                self.party,
                row.public_key,
                row.operator_id,
            )
        except NotProven as error:
            await self._note_failure(row, address, {"device": agent})
            raise _refused() from error
        if webauthn_checks.is_copied(row.sign_count, count):
            facts = {"device": agent, "copied": True, "counter_before": row.sign_count, "counter": count}
            await self._note_failure(row, address, facts)
            what = f"the passkey `{row.name}` may have been copied: its counter did not go on"
            raise Forbidden("passkey.copied", f"{what}; sign in another way, and remove it")
        return await self._begin(row, count, address, agent, device)

    async def _begin(
        self, row: Row[Any], count: int, address: str, agent: str, device: str | None
    ) -> SignedIn:
        now_ms = self._now_ms()
        async with self._store.reading() as connection:
            rights = (await roles.show(connection, row.role)).rights
        who = Principal(PrincipalKind.OPERATOR, row.operator, rights, address=address)
        signed_in = None
        async with acting(self._store, who, self._country, now_ms) as actor:
            # It may have been revoked, or used somewhere else, while the signature was checked.
            same = await passkeys.count_use(actor.connection, row.id, row.sign_count, count, now_ms)
            if same:
                begun, text = await sessions.begin(
                    actor, row.operator_id, agent, address, self.rules, passkey_id=row.id
                )
                kept = await devices.remember(actor.connection, row.operator_id, device, now_ms)
                facts = {"session": begun.id, "device": begun.device, "passkey": row.name}
                await note(actor, Verb.SIGN_IN, f"operator {row.operator}", None, facts)
                signed_in = SignedIn(begun, text, kept)
        if signed_in is None:
            raise _refused()
        return signed_in

    async def _note_failure(self, row: Row[Any] | None, address: str, facts: Mapping[str, object]) -> None:
        now_ms = self._now_ms()
        if not await may_note_failure(self._store, now_ms):
            return
        who = Principal(SIGN_IN.kind, SIGN_IN.name, address=address)
        async with acting(self._store, who, self._country, now_ms) as actor:
            subject = "an unknown passkey" if row is None else f"passkey {row.id} of {row.operator}"
            await note(actor, Verb.SIGN_IN_FAILED, subject, None, facts)

    def _require(self) -> None:
        if not self.is_on:
            raise Refused(
                "passkey.off", "this server takes no passkeys: it lacks the extra `ringflow[passkeys]`"
            )


def _refused() -> Forbidden:
    text = "the passkey is not known here, or its answer came too late; begin again, or sign in another way"
    return Forbidden("passkey.refused", text)
