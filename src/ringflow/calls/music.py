"""Music on hold for a caller who is in no talk, by class.

Asterisk plays another class where one is missing, or none, and says so in its log only
(local_ast_moh_start in res_musiconhold.c). So the class is looked for in musiconhold.conf first.
"""

from __future__ import annotations

from ringflow.agi.session import AgiSession
from ringflow.errors import CommandRefused, RingflowError

START, STOP = "StartMusicOnHold", "StopMusicOnHold"


class NoMusic(RingflowError):
    """Asterisk has no such music."""


async def start_music(session: AgiSession, music_class: str) -> None:
    """Begin to play music, until `stop_music`. Raises `NoMusic`, `ChannelGone`."""
    await look_for_class(session, music_class)
    try:
        await session.execute(START, music_class)
    except CommandRefused as error:
        raise NoMusic("Asterisk has no res_musiconhold") from error


async def look_for_class(session: AgiSession, music_class: str) -> None:
    """Raise `NoMusic` where Asterisk has no such class, or nobody can tell; `ChannelGone`."""
    mode = await session.get_full_variable(f"${{AST_CONFIG(musiconhold.conf,{music_class},mode)}}")
    if not mode:
        raise NoMusic(f"musiconhold.conf has no class {music_class}, or there is no func_config to read it")


async def stop_music(session: AgiSession) -> None:
    """End the music. Raises `ChannelGone`."""
    await session.execute(STOP)
