"""The options by which DIDs and trunks name scripts."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.cli.empty_options import EMPTY, text_or_none
from ringflow.errors import Refused
from ringflow.plain_text import plain

ScriptTimeout = Annotated[
    str | None,
    typer.Option(
        "--script-timeout", metavar="SECONDS|none", help="How long it may take; none: as configured."
    ),
]
ScriptVars = Annotated[
    str | None,
    typer.Option("--script-vars", metavar="JSON|none", help="What it is given as vars: a JSON object."),
]
HangupScript = Annotated[
    str | None,
    typer.Option(
        "--hangup-script", metavar="NAME|none", help="The script that is told of each call that is over."
    ),
]
HangupScriptTimeout = Annotated[
    str | None,
    typer.Option(
        "--hangup-script-timeout", metavar="SECONDS|none", help="How long it may take; none: as configured."
    ),
]
HangupScriptVars = Annotated[
    str | None,
    typer.Option(
        "--hangup-script-vars", metavar="JSON|none", help="What it is given as vars: a JSON object."
    ),
]


def given_text(text: str | None) -> str | None:
    """Return the text of an option; none where it is not given or `none`."""
    return text_or_none(text) if text is not None else None


def seconds_or_none(text: str | None, option: str) -> float | None:
    """Return the seconds of an option; none where it is not given or `none`. Raises `Refused`."""
    if text is None or text == EMPTY:
        return None
    try:
        return float(text)
    except ValueError:
        what = f"{option} {plain(text)} is no number of seconds; write one such as 0.5, or {EMPTY}"
        raise Refused("option.malformed", what, option=option) from None
