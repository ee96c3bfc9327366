"""What calls have of one connection to Asterisk's manager interface."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.ami.link import AmiLink
from ringflow.calls.held_keys import HeldKeys
from ringflow.calls.manager_keys import ManagerKeys
from ringflow.calls.manager_talks import ManagerTalks
from ringflow.calls.talking import Talks


@dataclass(frozen=True, slots=True)
class Manager:
    """Who hears keys, and who reaches talks in progress, while `Dial` keeps the session busy."""

    held_keys: HeldKeys
    talks: Talks

    @classmethod
    def on(cls, link: AmiLink) -> Manager:
        """By this link, up or not."""
        return cls(ManagerKeys(link), ManagerTalks(link))
