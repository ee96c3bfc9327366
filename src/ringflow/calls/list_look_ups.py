"""Operators' lists as a call sees them: whether a value is in one, and callers who put theirs there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringflow.errors import Refused, RingflowError
from ringflow.numbers import normalise_number
from ringflow.plain_text import plain
from ringflow.store import StoreGone

if TYPE_CHECKING:
    from ringflow.accounts.value_lists.look_up import ValueLists
    from ringflow.calls.world import CallWorld


class ListUnavailable(RingflowError):
    """A list that cannot be asked: there is none of this name, or the database does not answer."""


class ListLookUps:
    """Looks values up in operators' lists, each in one indexed query."""

    def __init__(self, world: CallWorld) -> None:
        self._world = world

    async def contains(self, name: str, text: str) -> bool:
        """Whether a text, or the number that it is, stands in a list now. Raises `ListUnavailable`."""
        try:
            found = await self._lists(name).contains(name, text, self._now_ms())
        except StoreGone as error:
            raise ListUnavailable(f"list {plain(name)}: {error}") from error
        if found is None:
            raise ListUnavailable(f"there is no list {plain(name)}")
        return found

    async def keep(self, name: str, number: str, notes: str) -> None:
        """Have the caller put a number on a list. Raises `ListUnavailable`."""
        try:
            await self._lists(name).keep(name, self._whole(name, number), notes, self._now_ms())
        except (Refused, StoreGone) as error:
            raise ListUnavailable(f"list {plain(name)}: {error}") from error

    async def drop(self, name: str, number: str) -> None:
        """Have the caller take a number off a list. Raises `ListUnavailable`."""
        try:
            await self._lists(name).drop(name, self._whole(name, number), self._now_ms())
        except (Refused, StoreGone) as error:
            raise ListUnavailable(f"list {plain(name)}: {error}") from error

    def _whole(self, name: str, number: str) -> str:
        """The number in E.164. What is keyed may have a `*` in it, which would block all that begin so."""
        whole = normalise_number(number, self._world.country)
        if whole is None:
            raise ListUnavailable(f"list {plain(name)}: {plain(number)} is no telephone number")
        return whole

    def _lists(self, name: str) -> ValueLists:
        lists = self._world.value_lists
        if lists is None:
            raise ListUnavailable(f"no list is kept here, so not {plain(name)} either")
        return lists

    def _now_ms(self) -> int:
        return round(self._world.clock.now_s() * 1000)
