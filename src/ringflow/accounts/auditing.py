"""Operators' changes to cards and vouchers: each is told to the audit log, with before and after."""

from __future__ import annotations

from ringflow.audit import Act, note

__all__ = ["Act", "note"]
