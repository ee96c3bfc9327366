"""Problem details (RFC 9457): what an answer says of a request that was not carried out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ringflow.errors import DocumentError, Refused, RingflowError
from ringflow.web.rest.refusals import phrase_of, status_of

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:ringflow:"
"""What stands before a code in `type`: the code's row on docs/errors.md says what it means."""


_SETTING = re.compile("‹([a-z_-]+)›")
_PARAMETERS = {"map": "columns", "set": "values"}
"""What a setting of sheets is called here, where it is not called as services call it."""


MOST_PROBLEMS = 1000
"""So many faults of a file are named: one with more is most likely another file."""
MOST_IN_WORDS = 20


def problem(error: RingflowError) -> dict[str, Any]:
    """Return the body: `type`, `title`, `status`, `detail`, `code`, `fields`, and the single errors.

    `errors` has an entry for each wrong field: `pointer` is a JSON pointer (RFC 6901) into the body, or the
    name of a parameter.
    """
    status = status_of(error)
    body: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{error.code}",
        "title": phrase_of(status),
        "status": status.value,
        "detail": _with_parameters(str(error)),
        "code": error.code,
        "fields": dict(error.fields),
    }
    if isinstance(error, DocumentError):
        body["problems"] = [
            {**asdict(one), "what": _with_parameters(one.what), "mend": _with_parameters(one.mend)}
            for one in error.problems[:MOST_PROBLEMS]
        ]
        body["problem_count"] = len(error.problems)
        if len(error.problems) > MOST_IN_WORDS:
            first = "\n".join(map(str, error.problems[:MOST_IN_WORDS]))
            more = f"\nand {len(error.problems) - MOST_IN_WORDS} more"
            body["detail"] = _with_parameters(first) + more
    elif isinstance(error, Refused):
        each = error.each
        if len(each) > 1 or any(one.at for one in each):
            body["errors"] = [_single(one) for one in each]
    return body


def pointer(at: Sequence[str]) -> str:
    """Return the JSON pointer that leads along these names and places in lists."""
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in at)


def _single(error: Refused) -> dict[str, Any]:
    return {
        "pointer": pointer(error.at),
        "code": error.code,
        "message": _with_parameters(str(error)),
        "fields": dict(error.fields),
    }


def _with_parameters(text: str) -> str:
    """Return a text of a service with the settings that it names as parameters: ‹map› is `columns`."""
    return _SETTING.sub(lambda match: f"`{_PARAMETERS.get(match[1], match[1])}`", text)
