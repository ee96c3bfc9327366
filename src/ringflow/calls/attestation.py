"""What the network says of a calling number by STIR/SHAKEN, as the headers of the INVITE have it.

A switch that has verified the signature of a call says so by the parameter `verstat` of P-Asserted-Identity
or From (3GPP TS 24.229, 7.2A.20; ATIS-1000082), with the level of attestation behind it, or by the header
P-Attestation-Indicator. It is as true as the trunk that sent it.
"""

from __future__ import annotations

import re

from pydantic import JsonValue

from ringflow.agi.session import AgiSession
from ringflow.errors import CommandRefused

_HEADERS = ("P-Asserted-Identity", "From", "P-Attestation-Indicator")
_EXPRESSION = "|".join(f"${{PJSIP_HEADER(read,{name})}}" for name in _HEADERS)
_VERSTAT = re.compile(
    r";\s*verstat=\"?(TN-Validation-Passed|TN-Validation-Failed|No-TN-Validation)(?:-([ABC]))?", re.I
)
_INDICATOR = re.compile(r"\|\s*([ABC])\s*$", re.I)
_WORDS = {one.lower(): one for one in ("TN-Validation-Passed", "TN-Validation-Failed", "No-TN-Validation")}


async def read_attestation(session: AgiSession) -> JsonValue:
    """Return `verstat` and `level` (A, B or C), each None where it is not said; None: nothing is said.

    One command, for PJSIP channels only.
    """
    if not session.request.channel.startswith("PJSIP/"):
        return None
    try:
        headers = await session.get_full_variable(_EXPRESSION)
    except CommandRefused:
        return None
    return attestation_in(headers or "")


def attestation_in(headers: str) -> JsonValue:
    """Return the same of the three headers, with a `|` between them. They come from outside."""
    verstat, indicator = _VERSTAT.search(headers), _INDICATOR.search(headers)
    if verstat is None and indicator is None:
        return None
    level = (verstat[2] if verstat is not None else None) or (indicator[1] if indicator is not None else None)
    return {
        "verstat": _WORDS[verstat[1].lower()] if verstat is not None else None,
        "level": level.upper() if level is not None else None,
    }
