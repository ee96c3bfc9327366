"""Proves the books: what must hold at every moment, whatever died at which statement.

Each proof is one SELECT, which sees one state of the database, so calls may go on meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.store import Store
from ringflow.store.statement import Statement


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: what, where, what it should be, and what it is."""

    what: str
    where: str
    expected: int
    found: int

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.expected} expected, {self.found} found"


# Each gives rows of (where, expected, found); amounts in micro-units.
PROOFS: dict[str, str] = {
    "the balances of all accounts add up to": (
        "SELECT currency, 0, SUM(balance_micros) FROM ledger_accounts GROUP BY currency "
        "HAVING SUM(balance_micros) <> 0"
    ),
    "the account's movements add up to its balance": (
        "SELECT 'account ' || a.id, COALESCE(m.micros, 0), a.balance_micros FROM ledger_accounts AS a "
        "LEFT JOIN (SELECT id, SUM(micros) AS micros FROM (SELECT credit_id AS id, micros "
        "FROM ledger_movements UNION ALL SELECT debit_id, -micros FROM ledger_movements) AS ends "
        "GROUP BY id) AS m ON m.id = a.id WHERE COALESCE(m.micros, 0) <> a.balance_micros"
    ),
    "the account's holds add up to what it has held": (
        "SELECT 'account ' || a.id, COALESCE(h.micros, 0), a.held_micros FROM ledger_accounts AS a LEFT JOIN "
        "(SELECT account_id, SUM(micros) AS micros FROM ledger_holds WHERE state = 'held' "
        "GROUP BY account_id) AS h ON h.account_id = a.id WHERE COALESCE(h.micros, 0) <> a.held_micros"
    ),
    "the account is below its limit": (
        "SELECT 'account ' || id, 0, balance_micros - held_micros + "
        "CASE WHEN debit_limit_micros > 0 THEN debit_limit_micros ELSE 0 END FROM ledger_accounts "
        "WHERE house IS NULL AND balance_micros - held_micros + "
        "CASE WHEN debit_limit_micros > 0 THEN debit_limit_micros ELSE 0 END < 0"
    ),
    "the leg's charge is in the books": (
        "SELECT 'leg ' || h.leg_id, h.charged_micros, COALESCE(SUM(m.micros), 0) FROM ledger_holds AS h "
        "LEFT JOIN ledger_movements AS m ON m.leg_id = h.leg_id AND m.kind = 'charge' "
        "AND m.debit_id = h.account_id GROUP BY h.leg_id, h.charged_micros "
        "HAVING h.charged_micros <> COALESCE(SUM(m.micros), 0)"
    ),
    "the leg is charged once": (
        "SELECT 'leg ' || leg_id, 1, COUNT(*) FROM ledger_movements WHERE kind = 'charge' "
        "GROUP BY leg_id HAVING COUNT(*) <> 1"
    ),
    "the charge has a leg": (
        "SELECT 'movement ' || m.id, 1, 0 FROM ledger_movements AS m LEFT JOIN ledger_holds AS h "
        "ON h.leg_id = m.leg_id WHERE m.kind = 'charge' AND h.leg_id IS NULL"
    ),
    "the leg's refunds are in the books": (
        "SELECT 'leg ' || h.leg_id, h.refunded_micros, COALESCE(SUM(m.micros), 0) FROM ledger_holds AS h "
        "LEFT JOIN ledger_movements AS m ON m.leg_id = h.leg_id AND m.kind = 'refund' "
        "GROUP BY h.leg_id, h.refunded_micros HAVING h.refunded_micros <> COALESCE(SUM(m.micros), 0)"
    ),
    "the hold has ended by (ms since 1970)": (
        "SELECT 'leg ' || leg_id, expires_ms, CAST(:now_ms AS BIGINT) FROM ledger_holds "
        "WHERE state = 'held' AND expires_ms < :now_ms"
    ),
    "calls are counted as they are marked": (
        "SELECT o.subject, COUNT(m.call_id), o.used FROM ledger_occupancy AS o LEFT JOIN ledger_marks AS m "
        "ON m.subject = o.subject GROUP BY o.subject, o.used HAVING o.used <> COUNT(m.call_id)"
    ),
}

_STATEMENTS = {
    what: Statement(sql, now_ms="bigint") if ":now_ms" in sql else Statement(sql)
    for what, sql in PROOFS.items()
}


async def check_books(store: Store, now_ms: int) -> list[Finding]:
    """Everything that is wrong with the books; an empty list proves them right."""
    findings: list[Finding] = []
    async with store.reading() as connection:
        for what, statement in _STATEMENTS.items():
            given = {"now_ms": now_ms} if ":now_ms" in PROOFS[what] else {}
            for where, expected, found in map(tuple, await statement.run(connection, None, **given)):
                findings.append(Finding(what, str(where), int(expected), int(found)))
    return findings
