"""The form of a trunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from ringflow.accounts.trunks import Trunk


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
    source: str


def trunk_form(trunk: Trunk) -> TrunkForm:
    """Return a trunk as it is shown."""
    return TrunkForm(**{field.name: getattr(trunk, field.name) for field in fields(TrunkForm)})
