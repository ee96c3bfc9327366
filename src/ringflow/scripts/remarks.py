"""What a call's record has of the scripts that ran for it."""

from __future__ import annotations

from collections.abc import Sequence

from ringflow.scripts.run import LogLine, ScriptFailed

MAX_REMARK = 300

Remark = tuple[str, str]
"""A word, and what there is to say."""


def console_remarks(name: str, lines: Sequence[LogLine]) -> list[Remark]:
    """Return what a script wrote with `console`."""
    return [("console", f"{name}: {line.level}: {line.text}"[:MAX_REMARK]) for line in lines]


def refused_remark(error: ScriptFailed) -> Remark:
    """Return that a script refused what it was asked about, and where it says so."""
    return ("script", f"{error.place} refused the call: {error.what}"[:MAX_REMARK])


def failed_remark(error: ScriptFailed) -> Remark:
    """Return why a script gave nothing that can be used, with its place."""
    return ("script_failed", str(error)[:MAX_REMARK])
