"""Proves the books: what must hold at every moment, whatever died at which statement.

Each proof is one SELECT, which sees one state of the database, so calls may go on meanwhile.
"""

# ruff: noqa: S608 -- all that is put into SQL here are our own names
from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.ledger.credit import CHARGED_IN_A_DAY
from ringflow.ledger.movement import Kind
from ringflow.ledger.sums import BILLION, in_two_parts, put_together
from ringflow.ledger.terms import Terms, UnreadableTerms, affordable_ms, charge_micros
from ringflow.store import Store
from ringflow.store.ledger_tables import TRIGGERS
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


def _other(billions: str, rest: str) -> str:
    """Whether a sum, of which these are the parts, is other than zero."""
    return f"({rest}) % {BILLION} <> 0 OR {billions} + ({rest}) / {BILLION} <> 0"


_BALANCE = (f"a.balance_micros / {BILLION}", f"a.balance_micros % {BILLION}")
_HELD = (f"a.held_micros / {BILLION}", f"a.held_micros % {BILLION}")
_SUMMED = ("COALESCE(sums.billions, 0)", "COALESCE(sums.rest, 0)")


def _differ(one: tuple[str, str], other: tuple[str, str]) -> str:
    return _other(f"({one[0]} - {other[0]})", f"{one[1]} - ({other[1]})")


# Between which accounts movements of each kind are: the house's by name, NULL for a customer's.
_ENDS = "CASE " + " ".join(
    f"WHEN m.kind = '{kind}' THEN {condition}"
    for kind, condition in {
        Kind.PAY_IN: "d.house = 'cash' AND c.house IS NULL",
        Kind.PAY_OUT: "d.house IS NULL AND c.house = 'cash'",
        Kind.ADJUSTMENT: "(d.house = 'adjustments' AND c.house IS NULL) "
        "OR (d.house IS NULL AND c.house = 'adjustments')",
        Kind.TRANSFER: "d.house IS NULL AND c.house IS NULL",
        Kind.CARD: "d.house = 'cards' AND c.house IS NULL",
        Kind.CHARGE: "d.house IS NULL AND c.house = 'revenue'",
        Kind.REFUND: "d.house = 'revenue' AND c.house IS NULL",
    }.items()
)

LONGEST_HOLD_MS = 7 * 24 * 3600 * 1000
"""No call lasts as long; a hold that expires later would keep its credit for ever if its server died."""

# Each gives rows of (where, expected, found), amounts in micro-units; or of (where, expected, found) in two
# parts each, billions and the rest.
PROOFS: dict[str, str] = {
    "the balances of all accounts add up to": (
        f"SELECT currency, 0, 0, billions, rest FROM (SELECT currency, {in_two_parts('balance_micros')} "
        f"FROM ledger_accounts GROUP BY currency) AS sums WHERE {_other('billions', 'rest')}"
    ),
    "the account's movements add up to its balance": (
        f"SELECT 'account ' || a.id, {_SUMMED[0]}, {_SUMMED[1]}, {_BALANCE[0]}, {_BALANCE[1]} "
        f"FROM ledger_accounts AS a LEFT JOIN (SELECT id, {in_two_parts('micros')} FROM "
        "(SELECT credit_id AS id, micros FROM ledger_movements "
        "UNION ALL SELECT debit_id, -micros FROM ledger_movements) AS ends "
        f"GROUP BY id) AS sums ON sums.id = a.id WHERE {_differ(_SUMMED, _BALANCE)}"
    ),
    "the account's holds add up to what it has held": (
        f"SELECT 'account ' || a.id, {_SUMMED[0]}, {_SUMMED[1]}, {_HELD[0]}, {_HELD[1]} "
        f"FROM ledger_accounts AS a LEFT JOIN (SELECT account_id, {in_two_parts('micros')} FROM ledger_holds "
        "WHERE state = 'held' GROUP BY account_id) AS sums ON sums.account_id = a.id "
        f"WHERE {_differ(_SUMMED, _HELD)}"
    ),
    "the account is below its limit": (
        "SELECT 'account ' || id, 0, room FROM (SELECT id, CAST(balance_micros AS NUMERIC) - held_micros + "
        "CASE WHEN debit_limit_micros > 0 THEN debit_limit_micros ELSE 0 END AS room FROM ledger_accounts "
        "WHERE house IS NULL) AS rooms WHERE room < 0"
    ),
    "the account's charges of its last day add up to what it spent": (
        "SELECT 'account ' || a.id, charged, a.spent_micros FROM (SELECT a.*, "
        f"COALESCE(({CHARGED_IN_A_DAY.format(day='CAST(a.spent_day AS BIGINT)')}), 0) AS charged "
        "FROM ledger_accounts AS a WHERE a.house IS NULL) AS a WHERE charged <> a.spent_micros"
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
    "the charge or refund has a leg": (
        "SELECT 'movement ' || m.id, 1, 0 FROM ledger_movements AS m LEFT JOIN ledger_holds AS h "
        "ON h.leg_id = m.leg_id WHERE m.kind IN ('charge', 'refund') AND h.leg_id IS NULL"
    ),
    "the charge is paid by the leg's account": (
        "SELECT 'movement ' || m.id, h.account_id, m.debit_id FROM ledger_movements AS m "
        "JOIN ledger_holds AS h ON h.leg_id = m.leg_id WHERE m.kind = 'charge' AND m.debit_id <> h.account_id"
    ),
    "the refund goes to the leg's account": (
        "SELECT 'movement ' || m.id, h.account_id, m.credit_id FROM ledger_movements AS m "
        "JOIN ledger_holds AS h ON h.leg_id = m.leg_id "
        "WHERE m.kind = 'refund' AND m.credit_id <> h.account_id"
    ),
    "the movement is between the accounts that its kind is for": (
        "SELECT 'movement ' || m.id, 1, 0 FROM ledger_movements AS m "
        "JOIN ledger_accounts AS d ON d.id = m.debit_id "
        f"JOIN ledger_accounts AS c ON c.id = m.credit_id WHERE NOT COALESCE({_ENDS} END, 1 = 0)"
    ),
    "the leg's refunds are in the books": (
        "SELECT 'leg ' || h.leg_id, h.refunded_micros, COALESCE(SUM(m.micros), 0) FROM ledger_holds AS h "
        "LEFT JOIN ledger_movements AS m ON m.leg_id = h.leg_id AND m.kind = 'refund' "
        "GROUP BY h.leg_id, h.refunded_micros HAVING h.refunded_micros <> COALESCE(SUM(m.micros), 0)"
    ),
    "nothing is uncollected of a leg that was charged less than was held": (
        "SELECT 'leg ' || leg_id, 0, uncollected_micros FROM ledger_holds "
        "WHERE uncollected_micros <> 0 AND (state <> 'settled' OR charged_micros < micros)"
    ),
    "the hold has ended by (ms since 1970)": (
        "SELECT 'leg ' || leg_id, expires_ms, CAST(:now_ms AS BIGINT) FROM ledger_holds "
        "WHERE state = 'held' AND expires_ms < :now_ms"
    ),
    "the hold expires after it began, within a week (ms since 1970)": (
        f"SELECT 'leg ' || leg_id, opened_ms + {LONGEST_HOLD_MS}, expires_ms FROM ledger_holds "
        f"WHERE state = 'held' AND (expires_ms < opened_ms OR expires_ms - opened_ms > {LONGEST_HOLD_MS})"
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
_TERMS = Statement("SELECT MIN(leg_id), terms FROM ledger_holds WHERE terms <> '' GROUP BY terms")
_UNCOLLECTED = Statement(
    "SELECT leg_id, terms, charged_micros, uncollected_micros FROM ledger_holds WHERE uncollected_micros > 0"
)
_TRIGGERS = {
    "sqlite": Statement("SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE(ABORT%'"),
    # Before the statement, at update, delete and truncate (2 + 16 + 8 + 32), and not switched off.
    "postgresql": Statement(
        "SELECT t.tgname FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid = CAST('ledger_movements' AS regclass) AND t.tgtype = 58 "
        "AND t.tgenabled IN ('O', 'A') AND p.prosrc LIKE '%RAISE EXCEPTION%'"
    ),
}


_UNTIL = Statement("SELECT MAX(created_ms) FROM ledger_movements")


async def books_until_ms(connection: AsyncConnection) -> int | None:
    """The time of the last movement, up to which the books go; None: there is none."""
    ((until_ms,),) = map(tuple, await _UNTIL.run(connection))
    return None if until_ms is None else int(until_ms)


async def check_books(store: Store, now_ms: int) -> list[Finding]:
    """Everything that is wrong with the books; an empty list proves them right."""
    findings: list[Finding] = []
    async with store.reading() as connection:
        for what, statement in _STATEMENTS.items():
            given = {"now_ms": now_ms} if ":now_ms" in PROOFS[what] else {}
            for where, *values in map(tuple, await statement.run(connection, None, **given)):
                amounts = [int(value) for value in values]
                if len(amounts) > 2:
                    amounts = [put_together(*amounts[:2]), put_together(*amounts[2:])]
                findings.append(Finding(what, str(where), *amounts))
        findings += await _check_terms(connection)
        findings += await _check_triggers(connection, store.dialect)
    return findings


async def _check_terms(connection: AsyncConnection) -> list[Finding]:
    """Terms that cannot be read, and talks beyond their holds that cost what no talk costs by their terms."""
    findings: list[Finding] = []
    for leg_id, text in map(tuple, await _TERMS.run(connection)):
        try:
            Terms.from_json(text)
        except UnreadableTerms:
            findings.append(Finding("the leg's terms can be read", f"leg {leg_id}", 1, 0))
    for leg_id, text, charged, uncollected in map(tuple, await _UNCOLLECTED.run(connection)):
        try:
            terms = Terms.from_json(text)
        except UnreadableTerms:
            continue
        talked_ms = affordable_ms(terms, charged + uncollected)
        cost = charge_micros(terms, talked_ms) if talked_ms is not None else 0
        if cost != charged + uncollected:
            what = "what the leg was charged and what is uncollected make the price of a talk"
            findings.append(Finding(what, f"leg {leg_id}", cost, charged + uncollected))
    return findings


async def _check_triggers(connection: AsyncConnection, dialect: str) -> list[Finding]:
    found = {row[0] for row in await _TRIGGERS[dialect].run(connection)}
    what = "the trigger that keeps movements from being changed is there"
    return [Finding(what, f"trigger {name}", 1, 0) for name in TRIGGERS[dialect] if name not in found]
