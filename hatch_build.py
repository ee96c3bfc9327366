"""Puts the shipped flows, prompts and demo into the wheel, for `ringflow init` of an installed Ringflow."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("app_flows", "sounds", "config.yaml")


class ShippedFiles(BuildHookInterface[Any]):
    """Adds `ringflow/shipped/` to a wheel. An editable installation reads the checkout instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch before a wheel is built; `version` is `standard` or `editable`."""
        if version != "editable":
            build_data["force_include"].update({name: f"ringflow/shipped/{name}" for name in SHIPPED})
