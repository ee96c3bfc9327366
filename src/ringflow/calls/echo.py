"""A caller hears what he says, by Asterisk's `Echo`, for a time and until a key.

`Echo` itself has no limit and knows one key, `#`. So it runs at the other end of a Local channel, in the
dialplan's context `ringflow-echo`, and `Dial` ends it: by its limit (L), or by a key (H with FEATUREMAP).
"""

from __future__ import annotations

from contextlib import suppress

from ringflow.agi.session import COMMAND_TIMEOUT_S, AgiSession
from ringflow.calls.end_key import DISCONNECT
from ringflow.errors import ChannelGone, CommandRefused, RingflowError

ECHO = "Local/s@ringflow-echo/n"
NO_ECHO = "Local/none@ringflow-echo/n"
"""The same where the dialplan is older: no such extension."""
ANSWER_S = 5


class NoEcho(RingflowError):
    """Asterisk has no echo: the dialplan is older, or has no `Echo`."""


async def echo(session: AgiSession, place: str, end_key: str, longest_ms: int) -> None:
    """Let the caller hear himself until `end_key` (empty: no key), or `#`, or for so long.

    `place`: what is dialled, `ECHO`. Raises `NoEcho`, `ChannelGone`.
    """
    if end_key:
        await session.set_variable(DISCONNECT, end_key)
    arguments = f"{place},{ANSWER_S},g{'H' if end_key else ''}L({longest_ms})"
    reply = await session.execute(
        "Dial", arguments, hangup_is_data=True, timeout_s=longest_ms / 1000 + ANSWER_S + COMMAND_TIMEOUT_S
    )
    status = await session.get_full_variable("${DIALSTATUS}")
    if reply.result == "-1" or session.hung_up:
        raise ChannelGone("result")
    # What is known of this channel's end is nothing of the next leg's.
    with suppress(CommandRefused):
        await session.execute("HangupCauseClear")
    if status != "ANSWER":
        raise NoEcho("the dialplan has no `ringflow-echo`, or Asterisk no app_echo; see `asterisk config`")
