"""The slot types there are: every file of the package `ringflow.slots` is one, named by the file."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType

from ringflow.errors import StartError
from ringflow.flows.slot import Slot

# By name only: slots/ stands above flows/, and is found, not imported.
SLOTS_PACKAGE = "ringflow.slots"


@cache
def slot_types(package: str = SLOTS_PACKAGE) -> Mapping[str, type[Slot]]:
    """Every slot type by its name, sorted. Raises `StartError` for a file that does not hold exactly one."""
    found = {
        name: _the_type_in(import_module(f"{package}.{name}"))
        for name in sorted(info.name for info in pkgutil.iter_modules(import_module(package).__path__))
    }
    return MappingProxyType(found)


def _the_type_in(module: ModuleType) -> type[Slot]:
    types = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Slot) and value.__module__ == module.__name__
    ]
    if len(types) != 1:
        names = ", ".join(one.__name__ for one in types) or "none"
        raise StartError(f"{module.__file__} must define exactly one slot type, it defines: {names}")
    return types[0]
