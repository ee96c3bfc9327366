"""`ringflow completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]

from ringflow.cli import COMPLETE_VARIABLE


class Shell(StrEnum):
    """The shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print a script for a shell, which completes commands and options.

    For bash: eval "$(ringflow completion bash)" in ~/.bashrc.
    """
    typer.echo(get_completion_script(prog_name="ringflow", complete_var=COMPLETE_VARIABLE, shell=shell.value))
