"""Printing how two texts differ, for `flow diff` and `script diff`."""

from __future__ import annotations

import typer

from ringflow.flows.text_difference import TextDifference


def print_difference(found: TextDifference) -> None:
    """Print the lines of the diff; where there are none, say on stderr that the texts are the same."""
    for line in found.diff:
        typer.echo(line)
    if not found.diff:
        typer.echo(f"no difference: both are {found.new_revision}", err=True)
