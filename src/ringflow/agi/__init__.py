"""The FastAGI wire: bytes to values without I/O, the session on top, and the server that Asterisk calls."""

from ringflow.agi.reply import Reply
from ringflow.agi.request import AgiRequest
from ringflow.agi.server import AgiSettings, FastAgiServer
from ringflow.agi.session import AgiSession
from ringflow.agi.wire import AgiParser, command_line

__all__ = [
    "AgiParser",
    "AgiRequest",
    "AgiSession",
    "AgiSettings",
    "FastAgiServer",
    "Reply",
    "command_line",
]
