"""A text that is another by now than the one that its writer saw."""

from __future__ import annotations

from enum import StrEnum

from ringflow.errors import Conflict


class ConflictKind(StrEnum):
    """What has changed since a writer looked."""

    FILE = "file"
    """The file on disk."""
    PUBLICATION = "publication"
    """What is published: another writer was there first."""
    DRAFT = "draft"
    """The draft."""


class FlowConflict(Conflict):
    """Another text is there than the one that a writer wants to replace; it stays.

    `seen` is the revision that the writer saw, `found` the one that is there; None: no text.
    """

    def __init__(self, kind: ConflictKind, app: str, seen: str | None, found: str | None, text: str) -> None:
        self.kind, self.app, self.seen, self.found = kind, app, seen, found
        super().__init__("flow.changed_meanwhile", text, (), changed=kind, flow=app, seen=seen, found=found)


def shown_revision(revision: str | None) -> str:
    """A revision in words."""
    return "no text" if revision is None else f"revision {revision}"
