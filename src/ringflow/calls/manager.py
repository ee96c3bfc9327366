"""What calls have of one connection to Asterisk's manager interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringflow.errors import RingflowError

if TYPE_CHECKING:
    from ringflow.ami.link import AmiLink
    from ringflow.calls.held_keys import HeldKeys
    from ringflow.calls.prolonged_talk import Talks


async def _anywhere(asterisk: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Manager:
    """Who hears keys, and who reaches talks in progress, while `Dial` keeps the session busy."""

    held_keys: HeldKeys
    talks: Talks
    leads_to: Callable[[str], Awaitable[bool]] = field(default=_anywhere)
    """Whether the connection leads to this Asterisk: elsewhere the same names are other channels'."""

    @classmethod
    def on(cls, link: AmiLink) -> Manager:
        """By this link, up or not."""
        # Simulated calls have a manager without a link, and need not load these.
        from ringflow.ami.identity import AsteriskIdentity
        from ringflow.calls.manager_keys import ManagerKeys
        from ringflow.calls.manager_talks import ManagerTalks

        identity = AsteriskIdentity(link)

        async def leads_to(asterisk: str) -> bool:
            try:
                return bool(asterisk) and await identity.current() == asterisk
            except RingflowError:
                return False

        return cls(ManagerKeys(link), ManagerTalks(link), leads_to)
