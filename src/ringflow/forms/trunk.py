"""The form of a trunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from ringflow.accounts.trunks import Trunk
from ringflow.audit import MASKED
from ringflow.forms.field import SELDOM


@dataclass(frozen=True, slots=True)
class TrunkForm:
    """A way out. The fields are those of `accounts.trunks.Trunk`."""

    name: str
    dial: str
    headers: Mapping[str, str]
    position: int
    enabled: bool
    caller_id: str | None
    server: str
    rated: str
    failover: tuple[str, ...]
    silent_s: int
    number_form: str
    number_prefix: str
    caller_id_form: str | None
    caller_id_prefix: str
    as_keyed: tuple[str, ...]
    script: str | None = field(metadata={SELDOM: True})
    script_timeout_s: float | None = field(metadata={SELDOM: True})
    script_fallback: str | None = field(metadata={SELDOM: True})
    script_vars: str | None = field(metadata={SELDOM: True})
    source: str


@dataclass(frozen=True, slots=True)
class TrunkHeadersForm:
    """The headers of a trunk with their values."""

    name: str
    headers: Mapping[str, str]


def masked_trunk_form(trunk: Trunk) -> TrunkForm:
    """Return a trunk as it is shown to whoever may not see what may be a credential."""
    return trunk_form(replace(trunk, headers=dict.fromkeys(trunk.headers, MASKED)))


def trunk_form(trunk: Trunk) -> TrunkForm:
    """Return a trunk as it is shown."""
    return TrunkForm(**{one.name: getattr(trunk, one.name) for one in fields(TrunkForm)})
