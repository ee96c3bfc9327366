"""What authenticators are asked and how their answers are checked (W3C Web Authentication, level 2).

The library that reads their answers is an extra: `pip install ringflow[passkeys]`.
"""

from __future__ import annotations

import base64
import binascii
import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ringflow.accounts.access.passkeys import NewPasskey
from ringflow.config import Config

NAME = "Ringflow"
TIMEOUT_MS = 120_000


class NotProven(Exception):
    """An authenticator's answer that proves nothing, and why."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks: the domain that passkeys belong to, and the one origin whose pages may ask for them."""

    domain: str
    origin: str

    @classmethod
    def configured(cls, config: Config) -> RelyingParty:
        """Return the one of the configuration: that of `sign_in.url`, else this machine's own."""
        url = config.sign_in.url or f"http://localhost:{config.http.port if config.http else 80}"
        parts = urlsplit(url)
        default = {"http": 80, "https": 443}.get(parts.scheme)
        host = parts.hostname or ""
        port = "" if parts.port in (None, default) else f":{parts.port}"
        origin = f"{parts.scheme}://{host}{port}"
        return cls(config.sign_in.passkey_domain or host, origin)


def is_installed() -> bool:
    """Return whether the extra is there."""
    return importlib.util.find_spec("webauthn") is not None


def registration_options(
    party: RelyingParty, challenge: str, operator: str, number: int, known: Sequence[str]
) -> dict[str, Any]:
    """Return what `navigator.credentials.create` is given, as JSON. `known`: an operator's other passkeys."""
    return {
        "rp": {"id": party.domain, "name": NAME},
        # No name, nor anything that tells who it is: an authenticator may show it to anybody.
        "user": {"id": _encoded(_handle(number)), "name": operator, "displayName": operator},
        "challenge": _encoded(challenge.encode()),
        # Ed25519, ECDSA with P-256, RSA.
        "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in (-8, -7, -257)],
        "timeout": TIMEOUT_MS,
        "excludeCredentials": [{"type": "public-key", "id": one} for one in known],
        "authenticatorSelection": {
            "residentKey": "required", "requireResidentKey": True, "userVerification": "required",
        },
        "attestation": "none",
    }  # fmt: skip


def sign_in_options(party: RelyingParty, challenge: str) -> dict[str, Any]:
    """Return what `navigator.credentials.get` is given, as JSON. It names no passkey, so it tells none."""
    return {
        "rpId": party.domain,
        "challenge": _encoded(challenge.encode()),
        "timeout": TIMEOUT_MS,
        "userVerification": "required",
    }


def challenge_in(credential: Mapping[str, Any]) -> str:
    """Return the challenge that an answer is to. Raises `NotProven`."""
    try:
        said = json.loads(_decoded(credential["response"]["clientDataJSON"]))
        if said.get("crossOrigin") is True or "topOrigin" in said:
            raise NotProven("it was asked for by a page within another site's")
        return _decoded(said["challenge"]).decode("ascii")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, binascii.Error) as error:
        raise NotProven("it has no readable client data") from error


def check_registration(credential: Mapping[str, Any], challenge: str, party: RelyingParty) -> NewPasskey:
    """Return the passkey that an authenticator has made. Raises `NotProven`."""
    import webauthn

    try:
        made = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge.encode(),
            expected_rp_id=party.domain,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as error:
        raise NotProven(str(error)) from error
    return NewPasskey(
        _encoded(made.credential_id),
        made.credential_public_key,
        made.sign_count,
        made.credential_backed_up,
    )


def check_sign_in(
    credential: Mapping[str, Any], challenge: str, party: RelyingParty, public_key: bytes, number: int
) -> int:
    """Return the counter of a passkey that has proved itself for an operator. Raises `NotProven`."""
    import webauthn

    handle = credential["response"].get("userHandle")
    if handle is not None and handle != _encoded(_handle(number)):
        raise NotProven("it is of another operator")
    try:
        done = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge.encode(),
            expected_rp_id=party.domain,
            expected_origin=party.origin,
            credential_public_key=public_key,
            # `is_copied` compares it once the signature is known to be good: anybody can write a number.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:
        raise NotProven(str(error)) from error
    return done.new_sign_count


def is_copied(before: int, after: int) -> bool:
    """Return whether a counter shows that a passkey exists twice (section 6.1.1).

    Passkeys that are synced between devices do not count: theirs stays 0.
    """
    return (before > 0 or after > 0) and after <= before


def _handle(number: int) -> bytes:
    return f"operator {number}".encode()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
