"""A customer identified in mid-call has one more call, until it ends."""

from __future__ import annotations

from ringflow.accounts.customers import Customer, add
from ringflow.actor import acting, shell_operator
from ringflow.calls.channel_limits import CustomerChannels
from ringflow.calls.charging import Charging
from ringflow.ledger.ledger import Ledger
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_marks

CARD = Customer(7, channels=1)


async def test_a_call_counts_as_the_customers_until_it_is_left(store: Store) -> None:
    async with acting(store, shell_operator("ann"), "US") as actor:
        await add(actor, CARD)
    charging = Charging(Ledger(store, "here"))
    first, second = (CustomerChannels(charging, call, f"{call}.1", "1750000000-1") for call in ("one", "two"))

    assert await first.take(CARD)
    async with store.reading() as connection:
        (mark,) = (await connection.execute(ledger_marks.select())).all()
    assert (mark.call_id, mark.asterisk) == ("one.as7@one.1", "1750000000-1")
    assert not await second.take(CARD)
    await second.leave()
    assert not await second.take(CARD)

    await first.leave()
    assert await second.take(CARD)
    await second.leave()
    await charging.close()


async def test_who_has_no_limit_is_not_counted(store: Store) -> None:
    charging = Charging(Ledger(store, "here"))
    channels = CustomerChannels(charging, "one", "1.1")

    assert all([await channels.take(Customer(7)) for _ in range(3)])
    await charging.close()
