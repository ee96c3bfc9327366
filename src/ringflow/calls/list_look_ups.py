"""Operators' lists as a call sees them: whether a value stands in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringflow.errors import RingflowError
from ringflow.plain_text import plain
from ringflow.store import StoreGone

if TYPE_CHECKING:
    from ringflow.calls.world import CallWorld


class ListUnavailable(RingflowError):
    """A list that cannot be asked: there is none of this name, or the database does not answer."""


class ListLookUps:
    """Looks values up in operators' lists, each in one indexed query."""

    def __init__(self, world: CallWorld) -> None:
        self._world = world

    async def contains(self, name: str, text: str) -> bool:
        """Whether a text, or the number that it is, stands in a list now. Raises `ListUnavailable`."""
        lists = self._world.value_lists
        if lists is None:
            raise ListUnavailable(f"no list is kept here, so not {plain(name)} either")
        try:
            found = await lists.contains(name, text, round(self._world.clock.now_s() * 1000))
        except StoreGone as error:
            raise ListUnavailable(f"list {plain(name)}: {error}") from error
        if found is None:
            raise ListUnavailable(f"there is no list {plain(name)}")
        return found
