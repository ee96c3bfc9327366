"""Playing one sound to a caller, and telling a missing file from a caller who is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import structlog

from ringflow.agi.session import PROMPT_TIMEOUT_S, AgiSession

MissingMend: TypeAlias = Callable[[str], str]
"""What to do about a sound, by the name that Asterisk was told, which Asterisk does not have."""

log = structlog.get_logger("ringflow.calls")


def in_other_folder(sound: str) -> str:
    """Return what to do where it is only known that Asterisk has no such sound."""
    return "see `sounds.asterisk_prefix`"


async def play_sound(session: AgiSession, sound: str, mend: MissingMend = in_other_folder) -> bool:
    """Play a sound to its end, keys ignored; False when Asterisk has no such file. Raises `ChannelGone`."""
    return await play_until(session, sound, "", mend=mend) is not None


async def play_until(
    session: AgiSession,
    sound: str,
    keys: str,
    *,
    sample_offset: int = 0,
    mend: MissingMend = in_other_folder,
) -> str | None:
    """Play a sound to its end or to one of `keys`: the key, or an empty text; None: there is no such file.

    `sample_offset`: where to begin, in samples of 1/8000 s. Raises `ChannelGone`.

    `STREAM FILE` answers -1 to both a hang-up and a missing file (handle_streamfile in res_agi.c). Only a
    living channel has a status; for a dead one `CHANNEL STATUS` is a 511.
    """
    offset = (str(sample_offset),) if sample_offset else ()
    reply = await session.command(
        "STREAM FILE", sound, keys, *offset, hangup_is_data=True, timeout_s=PROMPT_TIMEOUT_S
    )
    if reply.result != "-1":
        return reply.key
    await session.command("CHANNEL STATUS")
    log.error("prompt missing in Asterisk", sound=sound, mend=mend(sound))
    return None
