"""Which Asterisk a call is on: its dialplan says so with every call (docs/architecture.md).

Names of channels and unique IDs of two Asterisks may be the same, so what is kept of a call carries this
identity.
"""

from __future__ import annotations

import re

from ringflow.agi.request import AgiRequest

_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,63}")


def asterisk_of_call(request: AgiRequest) -> str:
    """The identity of the Asterisk that the call is on; empty where its dialplan does not say one."""
    return plain_identity(request.headers.get("agi_arg_3", ""))


def plain_identity(text: str) -> str:
    """The identity as it was said, or nothing where it is none."""
    return text if _IDENTITY.fullmatch(text) else ""
