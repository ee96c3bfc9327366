"""The lab as its commands find it: the options that they share, and its folder."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.config import load_config
from ringflow.lab import Lab

Release = Annotated[
    str | None,
    typer.Option(
        "--release", help="Whose Asterisk: forky has 22, bullseye 16.", show_default="forky on Debian"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def open_lab(release: str | None) -> Lab:
    """The lab of this project, below its state folder."""
    config = load_config()
    return Lab(config.path(config.state) / "lab", release)
