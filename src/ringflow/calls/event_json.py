"""Call events as JSON: what streams, webhooks and other servers of one database get.

Within one `VERSION` fields and types of events may be added. None is renamed, removed or given another
meaning.
"""

from __future__ import annotations

import re
from dataclasses import fields

from ringflow.calls import events
from ringflow.calls.outcome import Leg
from ringflow.moments import iso_utc
from ringflow.money import format_amount

VERSION = 1

_NAMES = {
    "customer_id": "customer",
    "card_id": "card",
    "sip": "reject_sip",
    "as_keyed": "dialled_as_keyed",
}
"""Fields that have another name in all forms."""

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_COMMON = frozenset(one.name for one in fields(events.CallEvent))


def event_json(event: events.CallEvent) -> dict[str, object]:
    """One event: version, type, call, place and time, and then what its type has.

    As in all forms (docs/json.md) amounts are decimal text with their currency beside them, times RFC 3339
    in UTC, lengths seconds; a customer is its id, a card its ID.
    """
    place = event.place
    return {
        "version": VERSION,
        "type": type_name(type(event)),
        "call_id": place.call_id,
        "number": event.number,
        "at": iso_utc(event.time_ms),
        "at_s": event.at_ms / 1000,
        "app": place.app,
        "revision": place.revision,
        "slot": place.slot or None,
        "depth": place.depth,
        **_own_fields(event),
    }


def type_name(kind: type[events.CallEvent]) -> str:
    """The name of a type of event, such as `leg_dialled`."""
    return _CAPITAL.sub("_", kind.__name__).lower()


def _own_fields(event: events.CallEvent) -> dict[str, object]:
    match event:
        case events.CreditHeld() | events.CreditExtended():
            return _plain_fields(event, "micros") | {"amount": format_amount(event.micros, event.currency)}
        case events.LegEnded():
            return {"leg": event.leg, **_leg(event.ended)}
        case events.CallEnded():
            return _plain_fields(event, "variables")
        case _:
            return _plain_fields(event)


def _plain_fields(event: events.CallEvent, *without: str) -> dict[str, object]:
    left_out = _COMMON.union(without)
    own = (one.name for one in fields(event) if one.name not in left_out)
    return dict(_as_shown(name, getattr(event, name)) for name in own)


def _as_shown(name: str, value: object) -> tuple[str, object]:
    if name.endswith("_ms"):
        return f"{name.removesuffix('_ms')}_s", value / 1000 if isinstance(value, int) else None
    return _NAMES.get(name, name), value


def _leg(leg: Leg) -> dict[str, object]:
    """Without the headers: one of them is a signature, which is a secret for as long as it is valid."""
    return {
        "leg_id": leg.leg_id or None,
        "trunk": leg.trunk or None,
        "dialled": leg.dialled,
        "status": leg.status,
        "reason": leg.reason or None,
        "talked_s": leg.talked_ms / 1000,
        "sip_code": leg.sip_code,
        "hangup_cause": leg.hangup_cause or None,
        "released_by": leg.released_by,
    }
