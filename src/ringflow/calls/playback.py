"""Playing one sound to a caller, and telling a missing file from a caller who is gone."""

from __future__ import annotations

import structlog

from ringflow.agi.session import PROMPT_TIMEOUT_S, AgiSession

log = structlog.get_logger("ringflow.calls")


async def play_sound(session: AgiSession, sound: str) -> bool:
    """Play a sound to its end, keys ignored; False when Asterisk has no such file. Raises `ChannelGone`.

    `STREAM FILE` answers -1 to both a hang-up and a missing file (handle_streamfile in res_agi.c). Only a
    living channel has a status; for a dead one `CHANNEL STATUS` is a 511.
    """
    reply = await session.command("STREAM FILE", sound, "", hangup_is_data=True, timeout_s=PROMPT_TIMEOUT_S)
    if reply.result != "-1":
        return True
    await session.command("CHANNEL STATUS")
    log.error("prompt missing in Asterisk", sound=sound, mend="see `sounds.asterisk_prefix`")
    return False
