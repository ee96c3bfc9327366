"""Slot `lookup`: gets what an earlier call has kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ringflow.calls.json_value import UnusableValue
from ringflow.flows.kept_value import (
    FAILED,
    UNKNOWN,
    KeptValueSlot,
    NotKept,
    Unidentified,
    kept_values,
    why_not,
)
from ringflow.flows.slot import DONE, VariableName
from ringflow.flows.template import TextError
from ringflow.scripts.run import CallRefused
from ringflow.store import StoreGone

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Lookup(KeptValueSlot):
    """Sets a variable to what an earlier call, or a script, has kept under a key."""

    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, "none", UNKNOWN, FAILED)

    result: VariableName
    """The variable that gets it."""

    def sets(self) -> Mapping[str, frozenset[str]]:
        """What is kept, where there is something."""
        return {DONE: frozenset({self.result})}

    async def run(self, call: Call) -> str:
        """Look for it."""
        try:
            key = self.whole_key(call)
            found = await kept_values(call).get(key, call.now_ms())
            if found is not None:
                call.variables.store(self.result, found, secret=self.is_secret(call))
        except Unidentified:
            return UNKNOWN
        except (NotKept, TextError, CallRefused, StoreGone, UnusableValue) as error:
            call.note("not_looked_up", why_not(error))
            return FAILED
        return DONE if found is not None else "none"
