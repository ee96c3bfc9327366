"""The form of a DID."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringflow.accounts.dids import Did
from ringflow.forms.field import SELDOM


@dataclass(frozen=True, slots=True)
class DidForm:
    """A number that callers dial."""

    number: str
    app: str
    identify: str
    customer: int | None
    enabled: bool
    channels: int | None
    reject_code: int
    withheld: str
    variable: str | None
    script: str | None = field(metadata={SELDOM: True})
    script_timeout_s: float | None = field(metadata={SELDOM: True})
    script_fallback: str | None = field(metadata={SELDOM: True})
    script_vars: str | None = field(metadata={SELDOM: True})
    hangup_script: str | None = field(metadata={SELDOM: True})
    hangup_script_timeout_s: float | None = field(metadata={SELDOM: True})
    hangup_script_vars: str | None = field(metadata={SELDOM: True})
    source: str


def did_form(did: Did) -> DidForm:
    """Return a DID as it is shown."""
    return DidForm(
        number=did.number,
        app=did.app,
        identify=did.identify,
        customer=did.customer_id,
        enabled=bool(did.enabled),
        channels=did.channels,
        reject_code=did.reject_code,
        withheld=did.withheld,
        variable=did.variable,
        script=did.script,
        script_timeout_s=did.script_timeout_s,
        script_fallback=did.script_fallback,
        script_vars=did.script_vars,
        hangup_script=did.hangup_script,
        hangup_script_timeout_s=did.hangup_script_timeout_s,
        hangup_script_vars=did.hangup_script_vars,
        source=did.source,
    )
