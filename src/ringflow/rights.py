"""What somebody may do: named rights, and the roles that bundle them.

A right names a thing and what may be done with it. Whoever has `customers.change` needs `customers.read` too:
the roles here have both.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias


class Right(StrEnum):
    """One thing that may be done. The REST API asks for one of these at every route."""

    CUSTOMERS_READ = "customers.read"
    CUSTOMERS_CHANGE = "customers.change"
    """Customers, their CLIs and speed dials."""
    DIDS_READ = "dids.read"
    DIDS_CHANGE = "dids.change"
    TRUNKS_READ = "trunks.read"
    TRUNKS_CHANGE = "trunks.change"
    CARDS_READ = "cards.read"
    CARDS_CHANGE = "cards.change"
    """Disable, enable, alter, redeem and delete cards and vouchers."""
    CARDS_MAKE = "cards.make"
    """Make cards and vouchers, which shows their PINs and codes once."""
    MONEY_READ = "money.read"
    MONEY_MOVE = "money.move"
    """Payments, corrections, transfers, refunds and limits."""
    RATES_READ = "rates.read"
    RATES_CHANGE = "rates.change"
    CALLS_READ = "calls.read"
    """Records, reports and live calls."""
    CALLS_CONTROL = "calls.control"
    """Hang up and redirect live calls."""
    CALLS_ORIGINATE = "calls.originate"
    """Have calls made, at a customer's expense."""
    FLOWS_READ = "flows.read"
    FLOWS_CHANGE = "flows.change"
    """Write drafts, and place test calls to them."""
    FLOWS_PUBLISH = "flows.publish"
    SCRIPTS_READ = "scripts.read"
    """Operators' scripts, and what they would make of a call."""
    SCRIPTS_PUBLISH = "scripts.publish"
    """Have all servers run a text of a script, which may do what its API users may."""
    RECORDINGS_READ = "recordings.read"
    """See which recordings of callers there are."""
    RECORDINGS_LISTEN = "recordings.listen"
    """Hear recordings and take them out, which is on record."""
    RECORDINGS_DELETE = "recordings.delete"
    CALENDARS_READ = "calendars.read"
    """Operators' calendars, and the overrides of opening hours."""
    CALENDARS_CHANGE = "calendars.change"
    CALENDARS_OVERRIDE = "calendars.override"
    """Say of opening hours that it is closed today, or open until six."""
    SOUNDS_READ = "sounds.read"
    SOUNDS_CHANGE = "sounds.change"
    LISTS_READ = "lists.read"
    LISTS_CHANGE = "lists.change"
    """Value lists, and what stands in them."""
    SECRETS_READ = "secrets.read"
    """See values that may be credentials, such as those of trunks' headers, which is on record."""
    JOBS_READ = "jobs.read"
    """See everyone's jobs; everybody sees and cancels their own."""
    JOBS_CANCEL = "jobs.cancel"
    """Cancel everyone's jobs."""
    AUDIT_READ = "audit.read"
    OPERATORS_READ = "operators.read"
    OPERATORS_CHANGE = "operators.change"
    """Operators, roles, and everyone's tokens."""
    SYSTEM_READ = "system.read"
    """Health, metrics and the settings in force, without secrets."""
    SYSTEM_CHANGE = "system.change"
    """Reload, drain, keys and peppers."""


class Audience(StrEnum):
    """Whom an operation is for that asks for no right, because it concerns only whoever asks."""

    OPERATOR = "operator"
    """Every operator, and every program with an operator's token."""
    SESSION = "session"
    """Every operator who has signed in, but none of their programs: what is about signing in."""
    CUSTOMER = "customer"
    """Every customer, whose own data it is."""


Access: TypeAlias = Right | Audience
"""What an operation asks for: a right, or only that whoever asks is of its audience."""

ALL_RIGHTS = frozenset(Right)
_NOT_FOR_VIEWERS = {Right.AUDIT_READ, Right.OPERATORS_READ, Right.SECRETS_READ}
_VIEWER = frozenset(one for one in Right if one.endswith(".read")) - _NOT_FOR_VIEWERS
_SUPPORT = _VIEWER | {Right.CALLS_CONTROL}
_FINANCE = _VIEWER | {Right.MONEY_MOVE, Right.RATES_CHANGE, Right.AUDIT_READ}
_OPERATOR = ALL_RIGHTS - {Right.OPERATORS_CHANGE, Right.SYSTEM_CHANGE}

BUILT_IN_ROLES: Mapping[str, frozenset[Right]] = MappingProxyType(
    {
        "admin": ALL_RIGHTS,
        "operator": _OPERATOR,
        "finance": _FINANCE,
        "support": _SUPPORT,
        "viewer": _VIEWER,
    }
)
"""The roles that are always there. Being code, they gain new rights with an upgrade."""
