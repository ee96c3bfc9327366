"""Which Asterisk a manager link leads to.

The dialplan keeps an identity in AstDB, and says it with every call.
"""

from __future__ import annotations

import structlog

from ringflow.ami.actions import ApplicationTarget
from ringflow.ami.link import AmiLink, LinkState

log = structlog.get_logger("ringflow.ami")

IDENTITY_VARIABLE = "RINGFLOW_ASTERISK"
"""A global variable of Asterisk's; the dialplan sets it with the first call, or when asked by `MAKE`."""

MAKE = "Local/make@ringflow-asterisk/n"
MAKE_S = 5.0
NOT_SAID = (
    "this Asterisk does not say which it is: run `ringflow asterisk config` again, load the modules that it "
    "names, and `dialplan reload`"
)


class AsteriskIdentity:
    """Of the Asterisk at the other end of a link: another one, perhaps, each time that the link comes up."""

    def __init__(self, link: AmiLink) -> None:
        self._link = link
        self._known = ""
        self._connection = 0
        self._complained = False

    async def current(self) -> str:
        """The identity, asked once for each connection; empty while there is none or no link.

        Raises what the manager interface raises.
        """
        if self._link.state is not LinkState.UP:
            return ""
        if self._connection != self._link.connections:
            return await self.ask()
        return self._known

    async def ask(self) -> str:
        """The identity, asked now. Raises `LinkDown`, `PeerSilent`, `CommandRefused`."""
        connection = self._link.connections
        identity = await self._link.get_global(IDENTITY_VARIABLE)
        if not identity:
            await self._link.originate(MAKE, ApplicationTarget("NoOp"), timeout_s=MAKE_S)
            identity = await self._link.get_global(IDENTITY_VARIABLE)
        if not identity and not self._complained:
            log.error("no identity of Asterisk", detail=NOT_SAID)
        self._complained = not identity
        self._known, self._connection = identity, connection
        return identity
