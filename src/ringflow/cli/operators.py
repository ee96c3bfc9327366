"""Who does what a command does, for the audit log and the books."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.actor import login_name

Operator = Annotated[
    str,
    typer.Option(
        "--operator",
        metavar="NAME",
        envvar="RINGFLOW_OPERATOR",
        default_factory=login_name,
        show_default="your login name",
        help="Who does this, for the audit log.",
    ),
]
"""An option of every command that changes something. Its default is here: put it before those with one."""
