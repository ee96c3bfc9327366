"""What a command that failed prints on standard error: a line for each fault, or JSON for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from ringflow.cli.hints import hint, with_options
from ringflow.errors import DocumentError, Refused, RingflowError


def print_failure(error: RingflowError, as_json: bool) -> None:
    """Print an error with the hint of the command line."""
    if as_json:
        print(json.dumps(failure_object(error), indent=2, default=str), file=sys.stderr)
        return
    for line in failure_lines(error):
        print(line, file=sys.stderr)


def failure_lines(error: RingflowError) -> list[str]:
    """Return the lines for people."""
    if isinstance(error, DocumentError):
        return [with_options(str(problem)) for problem in error.problems]
    each = error.each if isinstance(error, Refused) else (error,)
    return [with_options(f"ringflow: {one}") + (f"; {more}" if (more := hint(one)) else "") for one in each]


def failure_object(error: RingflowError) -> dict[str, object]:
    """Return the object for programs: `code`, `message` and `fields`, and what there is of the rest.

    `at` leads to the wrong field, `hint` is for people at the command line, `problems` are those of a file,
    and `errors` the single ones where there are several.
    """
    found: dict[str, object] = {
        "code": error.code,
        "message": with_options(str(error)),
        "fields": dict(error.fields),
    }
    if isinstance(error, DocumentError):
        found["problems"] = [
            {**asdict(one), "what": with_options(one.what), "mend": with_options(one.mend)}
            for one in error.problems
        ]
    elif isinstance(error, Refused):
        if error.at:
            found["at"] = list(error.at)
        if len(error.each) > 1:
            found["errors"] = [failure_object(one) for one in error.each]
    if more := hint(error):
        found["hint"] = more
    return found
