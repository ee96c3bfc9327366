"""Operators' changes to cards and vouchers: each is told here, with before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.fields import check_text
from ringflow.errors import Refused
from ringflow.store.audit_tables import audit_log


@dataclass(frozen=True, slots=True)
class Act:
    """One operator at work in one transaction, at one time (milliseconds since 1970)."""

    connection: AsyncConnection
    operator: str
    now_ms: int

    def __post_init__(self) -> None:
        if not check_text(self.operator, "operator").strip():
            raise Refused("a change needs its operator's name: --operator NAME, or RINGFLOW_OPERATOR")


async def note(
    act: Act,
    verb: str,
    subject: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> None:
    """Tell that `act.operator` did `verb` to `subject` (`card 106367704089`), within its transaction.

    `before` None: it was made; `after` None: it is gone. Neither may hold a PIN, a code or a digest of one.
    """
    await act.connection.execute(
        audit_log.insert().values(
            at_ms=act.now_ms,
            operator=act.operator,
            verb=verb,
            subject=subject,
            before=dict(before) if before is not None else None,
            after=dict(after) if after is not None else None,
        )
    )
