"""The form of a CLI."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.accounts.clis import Cli


@dataclass(frozen=True, slots=True)
class CliForm:
    """A calling number of a customer, or a pattern of such numbers: one of the two is null."""

    id: int
    customer: int
    number: str | None
    pattern: str | None
    notes: str
    source: str


def cli_form(cli: Cli) -> CliForm:
    """Return a CLI as it is shown."""
    return CliForm(
        id=cli.id,
        customer=cli.customer_id,
        number=cli.number,
        pattern=cli.pattern,
        notes=cli.notes,
        source=cli.source,
    )
