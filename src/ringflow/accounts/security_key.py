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
from collections.abc import Callable
from dataclasses import dataclass, field

from ringflow.config import Config
from ringflow.errors import Refused, StartError
from ringflow.secret import MIN_SECRET_BYTES, SecretFile, read_secret

DEFAULT_MAX_AGE_S = 300
DEFAULT_SKEW_S = 30

_KEY = re.compile(r"v1\.(0|[1-9][0-9]{0,14})\.([0-9a-f]{64})", re.ASCII)
_SERVER = re.compile(r"[!-~]{1,255}", re.ASCII)


PURPOSE = "the key that signs X-CX-Sec"
MADE_BY = "ringflow key generate"
FIRST_VERSION = "v1"
_RING = re.compile(r"# key ring, ([A-Za-z0-9_.-]{1,32}) signs", re.ASCII)
_LINE = re.compile(r"([A-Za-z0-9_.-]{1,32}):([!-~]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Secrets by version, oldest first: `signs` is the version that new keys are made with, all verify."""

    secrets: dict[str, str] = field(repr=False)
    signs: str = FIRST_VERSION

    def text(self) -> str:
        """What `parse_ring` reads."""
        lines = [f"# key ring, {self.signs} signs"]
        lines += [f"{version}:{secret}" for version, secret in self.secrets.items()]
        return "\n".join(lines) + "\n"


def parse_ring(text: str, purpose: str = PURPOSE) -> KeyRing:
    """The ring that a text holds; one without a ring's first line is a single secret as a whole.

    Raises `StartError`, which names the wrong line and never quotes it.
    """
    head, *lines = text.strip().splitlines()
    named = _RING.fullmatch(head)
    if named is None:
        return KeyRing({FIRST_VERSION: text.strip()})
    secrets: dict[str, str] = {}
    for number, line in enumerate(lines, 2):
        match = _LINE.fullmatch(line.strip())
        if match is None or match[1] in secrets or len(match[2]) < MIN_SECRET_BYTES:
            what = (
                f"is not version:secret, of {MIN_SECRET_BYTES} characters or more, with a version of its own"
            )
            raise StartError(f"{purpose}: line {number} {what}")
        secrets[match[1]] = match[2]
    if named[1] not in secrets:
        raise StartError(f"{purpose}: line 1 names version {named[1]}, which is on no line below")
    return KeyRing(secrets, named[1])


def configured_keys(config: Config) -> SecurityKeys:
    """Keys with the secrets that the configuration names. Raises `StartError` when there is none.

    A change of their file is taken over when a key is next made or verified.
    """
    named = config.impersonation
    path = config.path(named.key_file) if named.key_file else None
    file = SecretFile(named.key_env, path, PURPOSE, MADE_BY)
    ring = parse_ring(read_secret(named.key_env, path, PURPOSE, MADE_BY))
    return SecurityKeys(ring, lambda: file.exchanged(parse_ring))


class SecurityKeys:
    """Makes keys with one secret and verifies with all of a ring; their UTF-8 bytes are the HMAC keys."""

    def __init__(self, secret: str | KeyRing, exchanged: Callable[[], KeyRing | None] = lambda: None) -> None:
        self._exchanged = exchanged
        self._use(secret if isinstance(secret, KeyRing) else KeyRing({FIRST_VERSION: secret}))

    def _use(self, ring: KeyRing) -> None:
        # Keyed once: a copy takes half the time of keying anew.
        keyed = {name: hmac.new(one.encode(), digestmod="sha256") for name, one in ring.secrets.items()}
        self._signing = keyed[ring.signs]
        self._verifying = list(keyed.values())

    def _take_over(self) -> None:
        ring = self._exchanged()
        if ring is not None:
            self._use(ring)

    def make(self, customer_id: int, server: str, at_s: int) -> str:
        """The key for a customer on a server at a time. Raises `Refused` for a server that has no name."""
        self._take_over()
        return f"v1.{at_s}.{_mac(self._signing, customer_id, server, at_s)}"

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
            raise Refused(
                "security_key.malformed", "malformed key: it is not v1.SECONDS.64-HEXADECIMAL-DIGITS"
            )
        at_s = int(match[1])
        self._take_over()
        macs = [_mac(keyed, customer_id, server, at_s) for keyed in self._verifying]
        if not any(hmac.compare_digest(match[2], mac) for mac in macs):
            raise Refused(
                "security_key.forged", "forged key: another secret, customer, server or time has signed it"
            )
        if at_s < now_s - max_age_s:
            raise Refused(
                "security_key.expired",
                f"expired key: {now_s - at_s} s old, at most {max_age_s} s are allowed",
                age_s=now_s - at_s,
                most_s=max_age_s,
            )
        if at_s > now_s + skew_s:
            raise Refused(
                "security_key.from_the_future",
                f"key from the future: {at_s - now_s} s ahead, at most {skew_s} s are allowed",
                ahead_s=at_s - now_s,
                most_s=skew_s,
            )


def _mac(keyed: hmac.HMAC, customer_id: int, server: str, at_s: int) -> str:
    if not _SERVER.fullmatch(server):
        raise Refused(
            "security_key.malformed_server", "server: write a name of 1 to 255 visible ASCII characters"
        )
    mac = keyed.copy()
    mac.update(f"ringflow-cx-sec-v1\n{customer_id}\n{server}\n{at_s}".encode("ascii"))
    return mac.hexdigest()
