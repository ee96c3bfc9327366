"""Changes to the directory (customers, CLIs, DIDs, trunks): one transaction at a time, each in the audit log.

The directory gets a new revision only if something changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import select

from ringflow.actor import CONFIGURATION, Actor
from ringflow.audit import Facts, Verb, note_many
from ringflow.errors import Conflict
from ringflow.store.tables import directory_revision

Source = Literal["operator", "config"]
MAX_INTEGER = 2**31 - 1


async def lock_directory(actor: Actor) -> None:
    """Make other changes to the directory wait until this transaction ends.

    What a change has checked then stays true until it commits. Every function that changes the directory
    begins with this.
    """
    if actor.directory_locked:
        return
    await actor.connection.execute(select(directory_revision.c.revision).with_for_update())
    actor.directory_locked = True


async def note_change(actor: Actor, verb: Verb, subject: str, before: Facts, after: Facts) -> None:
    """Record a change that was made: in the audit log, and for servers, which read the directory again."""
    await note_changes(actor, verb, [(subject, before, after)])


async def note_changes(actor: Actor, verb: Verb, entries: Sequence[tuple[str, Facts, Facts]]) -> None:
    """Record the same change of many subjects, each with before and after."""
    await note_many(actor, verb, entries)
    if actor.directory_changed:
        return
    newer = directory_revision.update().values(revision=directory_revision.c.revision + 1)
    await actor.connection.execute(newer)
    actor.directory_changed = True


def source_of(actor: Actor) -> Source:
    """Return whose rows this actor makes: those of `config.yaml`, or everyone else's."""
    return "config" if actor.principal == CONFIGURATION else "operator"


def refuse_foreign(actor: Actor, source: Source, noun: str) -> None:
    """Raise `Refused` for a row of the other source: this actor must not change it."""
    own = source_of(actor)
    if source == own:
        return
    if own == "operator":
        raise Conflict(
            "row.declared", f"{noun} is declared in config.yaml; change it there and restart", name=noun
        )
    raise Conflict(
        "row.made_by_command",
        f"{noun} was already made by an operator; delete it there, or take it out of config.yaml",
        name=noun,
    )
