"""The telephones that are open on a server, counted and ended as feeds of events are."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from ringflow.web.rest.event_feed import OpenFeeds
from ringflow.web.rest.refusals import RETRY_AFTER_S, RequestRefused

MOST_TELEPHONES = 10
"""How many telephones a server has at once: a call of each takes a thread, and what a real call takes."""
MOST_TELEPHONES_OF_ONE = 3


@dataclass(slots=True)
class OpenTelephones(OpenFeeds):
    """The telephones of a server."""

    most: int = MOST_TELEPHONES
    most_of_one: int = MOST_TELEPHONES_OF_ONE
    what: str = "telephones"

    def refusal(self, text: str) -> RequestRefused:
        """Return what is raised where there are too many."""
        again = {"Retry-After": str(RETRY_AFTER_S)}
        return RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, "telephone.no_more", text, (), again)
