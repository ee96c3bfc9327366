"""A loaded call flow: its slots, and where each exit leads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ringflow.flows.header import AppSettings
from ringflow.flows.slot import APP_PREFIX, RETURN_PREFIX, Slot


class End(Enum):
    """The ways a flow's graph ends without another slot."""

    FINISHED = "finished"
    """The main exit of the last slot: the app returns by `done`, or the call ends well."""
    HANGUP = "hangup"
    """`on: {exit: hangup}`: the author chose to end the call there."""
    UNMAPPED = "unmapped"
    """Another exit that leads nowhere: the app returns by it, or the call ends and the log says by which."""


@dataclass(frozen=True, slots=True)
class ToApp:
    """On to the first slot of another app."""

    app: str


@dataclass(frozen=True, slots=True)
class Return:
    """Back to the slot that called the app, which ends by this exit; without one, the call ends by it."""

    exit: str


ON_HANGUP = "on_hangup:"
"""What the labels of the slots begin with that run after the caller is gone."""

Step = int | ToApp | Return | End
"""An integer: on to a slot of the same flow, by its index."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One app. `revision` is a short hash of its file: a call keeps the revision it began with.

    `on_hangup` are the slots that run after the caller is gone, a flow of their own, whose labels begin with
    `label_prefix`.
    """

    app: str
    title: str
    slots: tuple[Slot, ...]
    path: str
    revision: str
    settings: AppSettings = field(default_factory=AppSettings)
    on_hangup: Flow | None = None
    label_prefix: str = ""

    def index_of(self, slot_id: str) -> int | None:
        """The index of the slot with this id."""
        return next((index for index, slot in enumerate(self.slots) if slot.id == slot_id), None)

    def index_of_label(self, label: str) -> int | None:
        """The index of the slot that is named so in transcripts and records: see `label`."""
        return next((index for index in range(len(self.slots)) if self.label(index) == label), None)

    def step(self, index: int, exit_name: str) -> Step:
        """Return where an exit of a slot leads. The flow must have passed `check`."""
        slot = self.slots[index]
        target = slot.targets.get(exit_name)
        if target is None:
            if exit_name != slot.main_exit:
                return End.UNMAPPED
            target = "hangup" if slot.ends_call else "next"
        if target == "hangup":
            return End.HANGUP
        if target == "next":
            return index + 1 if index + 1 < len(self.slots) else End.FINISHED
        if target.startswith(APP_PREFIX):
            return ToApp(target.removeprefix(APP_PREFIX))
        if target.startswith(RETURN_PREFIX):
            return Return(target.removeprefix(RETURN_PREFIX))
        return self._index_there(target)

    def error_step(self) -> int | ToApp | None:
        """Where the call goes on when a slot fails; None where the app does not say."""
        target = self.settings.on_error
        if target is None:
            return None
        if target.startswith(APP_PREFIX):
            return ToApp(target.removeprefix(APP_PREFIX))
        return self._index_there(target)

    def _index_there(self, slot_id: str) -> int:
        found = self.index_of(slot_id)
        if found is None:
            raise KeyError(f"{self.app}: no slot has the id {slot_id}")
        return found

    def label(self, index: int) -> str:
        """How a slot is named in transcripts and logs: its id, or its type, with its place in the flow."""
        slot = self.slots[index]
        return f"{self.label_prefix}{slot.id or f'{slot.slot}[{index + 1}]'}"
