"""What Asterisk says of a call before the first command: the `agi_*` headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from ringflow.agi.reply import shown
from ringflow.errors import ProtocolViolation

REQUIRED_HEADERS = ("agi_channel", "agi_uniqueid", "agi_extension")
"""Always sent by setup_env (res/res_agi.c); without them there is no call to serve."""

OLD_LINE_BYTES = 2048
NEW_LINE_BYTES = 8192
"""AGI_BUF_LEN before and since "res_agi: Increase AGI command buffer size from 2K to 8K" (PR 1318)."""

_NEW_LINE_SINCE = (22, 10)
"""The version on which a long line was measured; some earlier ones have it too, and lose little here."""

KNOWN_VERSIONS = 16
"""Versions of Asterisk whose longest line is remembered."""

_PRESENTATION_BITS = 0x60
_RESTRICTED = 0x20
# Values of the Privacy header that are about who calls (RFC 3323 and 3325).
_PRIVATE = frozenset({"id", "user", "header"})
_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """One incoming call. All text comes from the network: the CLI and the names above all are hostile.

    Raises `ProtocolViolation` when a header that every call has is missing or cannot be read.
    """

    headers: Mapping[str, str]
    """All headers by their full names (`agi_channel`), in the order in which they came; read-only."""

    def __post_init__(self) -> None:
        for name in REQUIRED_HEADERS:
            if not self.headers.get(name):
                raise ProtocolViolation(f"Asterisk: the header {name} is missing")
        presentation = self.headers.get("agi_callingpres", "0")
        if not (presentation.isascii() and presentation.isdecimal() and len(presentation) <= 3):
            raise ProtocolViolation(f"Asterisk: agi_callingpres is {shown(presentation)}")
        object.__setattr__(self, "headers", MappingProxyType(dict(self.headers)))

    @property
    def channel(self) -> str:
        """The caller's channel, such as `PJSIP/carrier-00000001`."""
        return self.headers["agi_channel"]

    @property
    def endpoint(self) -> str:
        """Where the call came from: `carrier` of `PJSIP/carrier-00000001`; the whole name of odd ones."""
        name = self.channel.partition("/")[2].rpartition("-")[0]
        return name or self.channel

    @property
    def unique_id(self) -> str:
        """Asterisk's identifier of that channel."""
        return self.headers["agi_uniqueid"]

    @property
    def extension(self) -> str:
        """The number dialled: the DID, without the parameters that may follow it in a SIP URI.

        Asterisk leaves those of `sip:18005550100;npdi@...` where they are (`ignore_uri_user_options`).
        """
        return self.headers["agi_extension"].partition(";")[0]

    @property
    def caller_id(self) -> str | None:
        """The calling number (CLI), or None where the caller sent none."""
        return self._known("agi_callerid")

    @property
    def presentation(self) -> int:
        """The presentation and screening octet of the caller's number (Q.951; Asterisk's AST_PRES_*)."""
        return int(self.headers.get("agi_callingpres", "0"))

    @property
    def is_withheld(self) -> bool:
        """Whether the caller asked that the number be withheld: by the presentation (32 to 35), or in SIP.

        Asterisk makes a restricted presentation of a Privacy header beside P-Asserted-Identity alone
        (set_id_from_pai in res_pjsip_caller_id.c), so the dialplan hands the header on.
        """
        if self.presentation & _PRESENTATION_BITS == _RESTRICTED:
            return True
        wanted = self.headers.get("agi_arg_4", "").lower().split(";")
        return any(one.strip() in _PRIVATE for one in wanted)

    @property
    def script(self) -> str:
        """What follows the slash in ``agi://host:port/script``."""
        return self.headers.get("agi_network_script", "")

    @property
    def arguments(self) -> tuple[str, ...]:
        """The further arguments of `AGI()`, from `agi_arg_1` on."""
        found: list[str] = []
        while (value := self.headers.get(f"agi_arg_{len(found) + 1}")) is not None:
            found.append(value)
        return tuple(found)

    @property
    def max_line_bytes(self) -> int:
        """A command with its line end must be shorter than this, by `agi_version`.

        Asterisk runs the rest of a longer line as a command of its own (run_agi), so whoever wrote a long
        value would write a command. A version that cannot be read counts as old.
        """
        return _max_line_bytes(self.headers.get("agi_version", ""))

    def _known(self, name: str) -> str | None:
        value = self.headers.get(name, "")
        return None if value in ("", "unknown") else value


@lru_cache(KNOWN_VERSIONS)
def _max_line_bytes(version: str) -> int:
    numbers = _VERSION.match(version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < _NEW_LINE_SINCE:
        return OLD_LINE_BYTES
    return NEW_LINE_BYTES
