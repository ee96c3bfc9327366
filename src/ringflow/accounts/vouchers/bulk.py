"""One thing done to many vouchers at once: a batch that was lost has 100,000 of them.

Those that are used stay: named, they are refused; found by a filter, they are passed over. Those that are
named are in the audit log one by one, those that a filter finds as one entry with the filter.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update

from ringflow.accounts.bulk_actions import Action, BulkDone, BulkOrder, check_count, check_order, refuse_all
from ringflow.accounts.vouchers.voucher import (
    COLUMNS,
    Voucher,
    VoucherFilter,
    fitting,
    unknown_voucher,
    used_voucher,
)
from ringflow.actor import Actor
from ringflow.audit import Facts, Verb, note, note_many
from ringflow.errors import Refused
from ringflow.store.card_tables import vouchers

_VERBS = {Action.DISABLE: Verb.DISABLE, Action.ENABLE: Verb.ENABLE, Action.DELETE: Verb.DELETE}
_UNUSED = vouchers.c.redeemed_by.is_(None)


async def act_on_vouchers(actor: Actor, order: BulkOrder[int, VoucherFilter]) -> BulkDone:
    """Disable, enable or delete vouchers. Raises `Refused`; then nothing is done to any."""
    check_order(order, "vouchers", _VERBS)
    named = await _named(actor, order.ids) if order.ids is not None else []
    where = vouchers.c.id.in_([one.id for one in named]) if order.ids is not None else _fitting(order.wanted)
    found = await _count(actor, where)
    check_count(order, found, "vouchers")
    concerned = and_(where, *_concerned(order.action))
    done = await _count(actor, concerned) if order.dry_run else await _write(actor, order.action, concerned)
    if not order.dry_run:
        await _note(actor, order, named, found, done)
    deleted = done if order.action is Action.DELETE else 0
    return BulkDone(done - deleted, deleted, found - done, order.dry_run)


def _concerned(action: Action) -> list[ColumnElement[bool]]:
    match action:
        case Action.ENABLE:
            return [_UNUSED, vouchers.c.status == "disabled"]
        case Action.DISABLE:
            return [_UNUSED, vouchers.c.status == "available"]
        case _:
            return [_UNUSED]


async def _named(actor: Actor, ids: tuple[int, ...]) -> list[Voucher]:
    """Return those with these numbers, locked until the commit. Raises `Refused`: unknown, used."""
    wanted = dict.fromkeys(ids)
    kept = [one for one in wanted if 1 <= one < 2**31]
    # Locked in one order, so that no two operators wait for each other.
    query = select(*COLUMNS).where(vouchers.c.id.in_(kept)).order_by(vouchers.c.id).with_for_update()
    found = {row[0]: Voucher(*row) for row in await actor.connection.execute(query)}
    refused: list[Refused] = [unknown_voucher(one, ("ids",)) for one in wanted if one not in found]
    refused += [used_voucher(one.id, ("ids",)) for one in found.values() if one.redeemed_by is not None]
    refuse_all(refused)
    return list(found.values())


def _fitting(wanted: VoucherFilter | None) -> ColumnElement[bool]:
    assert wanted is not None, "an order names vouchers or has a filter"
    return and_(vouchers.c.id.is_not(None), *fitting(wanted))


async def _count(actor: Actor, where: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(vouchers).where(where)
    return int((await actor.connection.execute(query)).scalar_one())


async def _write(actor: Actor, action: Action, where: ColumnElement[bool]) -> int:
    if action is Action.DELETE:
        return (await actor.connection.execute(delete(vouchers).where(where))).rowcount
    status = "available" if action is Action.ENABLE else "disabled"
    return (await actor.connection.execute(update(vouchers).where(where).values(status=status))).rowcount


async def _note(
    actor: Actor, order: BulkOrder[int, VoucherFilter], named: list[Voucher], found: int, done: int
) -> None:
    verb = _VERBS[order.action]
    if order.wanted is not None:
        given: dict[str, Any] = {name: one for name, one in asdict(order.wanted).items() if one is not None}
        figure = "deleted" if order.action is Action.DELETE else "vouchers"
        await note(actor, verb, "vouchers", {"selected": given, "vouchers": found}, {figure: done})
        return
    query = select(*COLUMNS).where(vouchers.c.id.in_([one.id for one in named]))
    now = {row[0]: Voucher(*row) for row in await actor.connection.execute(query)}
    entries: list[tuple[str, Facts, Facts]] = [
        (f"voucher {one.id}", asdict(one), asdict(now[one.id]) if one.id in now else None)
        for one in named
        if now.get(one.id) != one
    ]
    if entries:
        await note_many(actor, verb, entries)
