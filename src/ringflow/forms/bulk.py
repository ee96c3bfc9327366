"""The form of what a bulk action did."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.accounts.bulk_actions import BulkDone


@dataclass(frozen=True, slots=True)
class BulkForm:
    """How many rows were changed or deleted, and how many stayed as they were; in a dry run would be."""

    changed: int
    deleted: int
    passed_over: int
    dry_run: bool


def bulk_form(done: BulkDone) -> BulkForm:
    """Return what was done, or would be."""
    return BulkForm(done.changed, done.deleted, done.passed_over, done.dry_run)
