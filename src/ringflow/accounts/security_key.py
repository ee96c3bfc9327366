"""The security key of a call (X-CX-Sec): it vouches for a customer, on a server, at a time.

The format, byte for byte, with a test vector: docs/security-key.md.

    key       = "v1." seconds "." mac
    seconds   = decimal digits, no leading zero: seconds since 1970 (UTC)
    mac       = 64 lower-case hexadecimal digits: HMAC-SHA256 (RFC 2104, FIPS 180-4) of the message
    message   = "ringflow-cx-sec-v1" LF customer LF server LF seconds     (ASCII)
"""

from __future__ import annotations

import hmac
import re

from ringflow.config import Config
from ringflow.errors import Refused
from ringflow.secret import read_secret

DEFAULT_MAX_AGE_S = 300
DEFAULT_SKEW_S = 30

_KEY = re.compile(r"v1\.(0|[1-9][0-9]{0,14})\.([0-9a-f]{64})", re.ASCII)
_SERVER = re.compile(r"[!-~]{1,255}", re.ASCII)


def configured_keys(config: Config) -> SecurityKeys:
    """Keys with the secret that the configuration names. Raises `StartError` when there is none."""
    named = config.impersonation
    file = config.path(named.key_file) if named.key_file else None
    return SecurityKeys(
        read_secret(named.key_env, file, "the key that signs X-CX-Sec", "ringflow key generate")
    )


class SecurityKeys:
    """Makes and verifies keys with one secret, of which the UTF-8 bytes are the HMAC key."""

    def __init__(self, secret: str) -> None:
        # Keyed once: a copy takes half the time of keying anew.
        self._keyed = hmac.new(secret.encode(), digestmod="sha256")

    def make(self, customer_id: int, server: str, at_s: int) -> str:
        """The key for a customer on a server at a time. Raises `Refused` for a server that has no name."""
        return f"v1.{at_s}.{self._mac(customer_id, server, at_s)}"

    def verify(
        self,
        text: str,
        customer_id: int,
        server: str,
        now_s: int,
        max_age_s: int = DEFAULT_MAX_AGE_S,
        skew_s: int = DEFAULT_SKEW_S,
    ) -> None:
        """Raise `Refused` unless the key is genuine and its time is right.

        Right is from `max_age_s` ago to `skew_s` ahead, both included. Which of the two is wrong is said only
        of a genuine key; any other is forged, whatever time it claims.
        """
        match = _KEY.fullmatch(text)
        if match is None:
            raise Refused("malformed key: it is not v1.SECONDS.64-HEXADECIMAL-DIGITS")
        at_s = int(match[1])
        if not hmac.compare_digest(match[2], self._mac(customer_id, server, at_s)):
            raise Refused("forged key: another secret, customer, server or time has signed it")
        if at_s < now_s - max_age_s:
            raise Refused(f"expired key: {now_s - at_s} s old, at most {max_age_s} s are allowed")
        if at_s > now_s + skew_s:
            raise Refused(f"key from the future: {at_s - now_s} s ahead, at most {skew_s} s are allowed")

    def _mac(self, customer_id: int, server: str, at_s: int) -> str:
        if not _SERVER.fullmatch(server):
            raise Refused("server: write a name of 1 to 255 visible ASCII characters")
        message = f"ringflow-cx-sec-v1\n{customer_id}\n{server}\n{at_s}"
        mac = self._keyed.copy()
        mac.update(message.encode("ascii"))
        return mac.hexdigest()
