"""What slots have in common that keep values from one call to another, or look for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from ringflow.flows.slot import Slot, SlotGroup
from ringflow.flows.template import Template
from ringflow.scripts.key_values import KeyValues

if TYPE_CHECKING:
    from ringflow.calls.call import Call

UNKNOWN, FAILED = "unknown", "failed"
_SCOPES = ("customer/", "cli/")
"""How the keys begin of what is kept for one customer, or one calling number."""


class NotKept(Exception):
    """Why a value can neither be kept nor be looked for."""


class Unidentified(Exception):
    """Nobody is known for whom a value could be kept."""


class KeptValueSlot(Slot):
    """A slot that keeps a value under a key, or looks for one."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.SERVICES
    needs_caller: ClassVar[bool] = False

    key: Template
    """The key: 1 to 150 characters. Scripts know it as `cxKV` does: as it is, or behind `customer/ID/` or
    `cli/NUMBER/`."""
    scope: Literal["global", "customer", "cli"] = "global"
    """Whether each customer, or each calling number, has a value of its own under this key."""

    def whole_key(self, call: Call) -> str:
        """The key in the database. Raises `Unidentified`, `NotKept` and `TextError`."""
        key = self.key.render(call.variables.visible)
        if not 1 <= len(key) <= 150 or not key.isprintable():
            raise NotKept(f"a key has 1 to 150 characters that can be printed, and this one has {len(key)}")
        if self.scope == "global":
            if key.startswith(_SCOPES):
                raise NotKept("a key for all may not begin with `customer/` or `cli/`")
            return key
        customer, cli = call.account.customer, call.account.cli
        if self.scope == "customer":
            if customer is None:
                raise Unidentified
            return f"{_SCOPES[0]}{customer.id}/{key}"
        if cli is None:
            raise Unidentified
        return f"{_SCOPES[1]}{cli}/{key}"

    def is_secret(self, call: Call) -> bool:
        """Whether a text of the slot names what no record may have."""
        return any(
            call.variables.is_secret(one.name) for _, text in self.templates() for one in text.references
        )


def kept_values(call: Call) -> KeyValues:
    """Return the values that are kept. Raises `NotKept` where there are none."""
    if call.kept_values is None:
        raise NotKept("no values are kept here")
    return call.kept_values


def why_not(error: Exception) -> str:
    """Return what a record has of an error; scripts are told it of `cxKV`, which flows do not know."""
    return re.sub(r"^cxKV[a-z.]*: ", "", str(error))
