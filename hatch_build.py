"""Puts the shipped flows, prompts and demo into the wheel, for `ringflow init` of an installed Ringflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("app_flows", "sounds", "config.yaml")
LEFT_OUT = frozenset({"GENERATED", ".published"})
"""Inside of them: texts that calls of this checkout had spoken, and what was published here."""


class ShippedFiles(BuildHookInterface[Any]):
    """Adds `ringflow/shipped/` to a wheel. An editable installation reads the checkout instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch before a wheel is built; `version` is `standard` or `editable`."""
        if version != "editable":
            build_data["force_include"].update({name: f"ringflow/shipped/{name}" for name in self._shipped()})

    def _shipped(self) -> Iterator[str]:
        for name in SHIPPED:
            path = Path(self.root, name)
            inner = sorted(path.iterdir()) if path.is_dir() else [path]
            yield from (str(one.relative_to(self.root)) for one in inner if one.name not in LEFT_OUT)
