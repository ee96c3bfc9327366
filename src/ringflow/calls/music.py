"""Music on hold for a caller who is in no talk, by class, for a time or until a key.

Asterisk plays another class where one is missing, or none, and says so in its log only
(local_ast_moh_start in res_musiconhold.c). So the class is looked for in musiconhold.conf first.
"""

from __future__ import annotations

from ringflow.agi.session import COMMAND_TIMEOUT_S, AgiSession
from ringflow.calls.clock import Clock
from ringflow.errors import CommandRefused, RingflowError

START, STOP = "StartMusicOnHold", "StopMusicOnHold"


class NoMusic(RingflowError):
    """Asterisk has no such music."""


async def play_music(session: AgiSession, clock: Clock, music_class: str, length_ms: int, keys: str) -> str:
    """Play music for so long, or to one of `keys`, which is returned. Raises `NoMusic`, `ChannelGone`."""
    mode = await session.get_full_variable(f"${{AST_CONFIG(musiconhold.conf,{music_class},mode)}}")
    if not mode:
        raise NoMusic(
            f"musiconhold.conf has no class {music_class}, or Asterisk has no func_config to read it"
        )
    try:
        await session.execute(START, music_class)
    except CommandRefused as error:
        raise NoMusic("Asterisk has no res_musiconhold") from error
    key = await _listen(session, clock, length_ms, keys)
    await session.execute(STOP)
    return key


async def _listen(session: AgiSession, clock: Clock, length_ms: int, keys: str) -> str:
    ends_ms = clock.monotonic_ms() + length_ms
    while (left_ms := ends_ms - clock.monotonic_ms()) > 0:
        reply = await session.command(
            "WAIT FOR DIGIT", str(left_ms), timeout_s=left_ms / 1000 + COMMAND_TIMEOUT_S
        )
        if reply.key and reply.key in keys:
            return reply.key
    return ""
