"""An operator's order that schedules go by something else than their hours, judged by what flows have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from ringflow.actor import Actor
from ringflow.calendars import overrides
from ringflow.calendars.local_time import LocalTime
from ringflow.calendars.override_end import read_end
from ringflow.calendars.overrides import Override
from ringflow.errors import Refused, Unknown
from ringflow.flows.folder import FlowFolder
from ringflow.flows.overridden import Overridden, overridden
from ringflow.flows.slot import Slot
from ringflow.plain_text import plain
from ringflow.wording import did_you_mean, known_words


def overridable(folder: Path, types: Mapping[str, type[Slot]]) -> dict[str, Overridden]:
    """Return what flows of a folder let operators override, by name. Reads every file: not in an event loop.

    Raises `DocumentError` for a folder that cannot be read.
    """
    drafts, _ = FlowFolder(folder, types).drafts()
    return overridden(slot for draft in drafts.values() for slot in draft.slots if slot is not None)


async def put_override(
    actor: Actor,
    known: Mapping[str, Overridden],
    name: str,
    state: str,
    until: str,
    notes: str,
    timezone: str,
) -> Override:
    """Say what the schedules of a name do, until the end of the day or as `until` says, in their time zone.

    `timezone` is that of schedules that name none. Raises `Refused` for a name, an exit or an end that there
    is not.
    """
    found = _found(known, name, state)
    now = LocalTime.of(actor.now_ms / 1000, _zone(name, found, timezone))
    return await overrides.put(actor, name, state, read_end(until, now), notes)


def _found(known: Mapping[str, Overridden], name: str, state: str) -> Overridden:
    """The schedules of the name. Raises `Refused` where no flow has any, or none of them the exit."""
    if name not in known:
        mend = did_you_mean(name, known, f"there are: {known_words(known)}" if known else "")
        what = f"no schedule has `override: {plain(name)}`"
        raise Unknown("override.unknown", f"{what}; {mend}" if mend else what, name=name)
    if state not in known[name].exits:
        raise Refused(
            "override.unknown_exit",
            f"no schedule with `override: {name}` has the exit {plain(state)}; "
            f"they have: {known_words(known[name].exits)}",
            ("exit",),
            name=name,
            exit=state,
            exits=sorted(known[name].exits),
        )
    return known[name]


def _zone(name: str, found: Overridden, timezone: str) -> ZoneInfo:
    """The one time zone of the schedules. Raises `Refused` where they have several."""
    zones = {one or timezone for one in found.zones}
    if len(zones) > 1:
        raise Refused(
            "override.several_zones",
            f"the schedules with `override: {name}` are in several time zones ({known_words(zones)}), whose "
            "days end at different times; give each zone an override of its own",
            name=name,
            zones=sorted(zones),
        )
    return ZoneInfo(zones.pop())
