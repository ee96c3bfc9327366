from __future__ import annotations

import pytest

from ringflow.accounts import clis, customers, dids
from ringflow.accounts.customer_overview import CustomerFilter, customer_page, overview
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.actor import acting, shell_operator
from ringflow.errors import Refused
from ringflow.store.pages import PageRequest

from .conftest import COUNTRY, TEMPLATE, Mint


async def names(mint: Mint, search: str | None = None, limit: int = 99, sort: str | None = None) -> list[str]:
    async with mint.store.reading() as connection:
        page = await customer_page(connection, CustomerFilter(search), PageRequest(limit, sort=sort))
    return [customer.name for customer, _ in page.items]


async def test_customers_are_found_by_a_part_of_their_name_in_any_capitals(mint: Mint) -> None:
    async with acting(mint.store, shell_operator("ann"), COUNTRY) as actor:
        for number, name in enumerate(("Harbour Hotel", "hotel du lac", "Zoë 100% Ltd", "x_y"), start=11):
            await customers.add(actor, Customer(number, name))
    assert await names(mint, "HOTEL") == ["Harbour Hotel", "hotel du lac"]
    assert await names(mint, "Zoë") == ["Zoë 100% Ltd"]
    assert await names(mint, "%") == ["Zoë 100% Ltd"]
    assert await names(mint, "_") == ["x_y"]
    assert await names(mint, "nobody") == []
    assert await names(mint, limit=2) == ["", "Harbour Hotel"]
    assert await names(mint, "12") == ["hotel du lac"]
    assert await names(mint, "100") == ["Zoë 100% Ltd"]
    by_name = ["", "Harbour Hotel", "hotel du lac", "x_y", "Zoë 100% Ltd"]
    assert await names(mint, sort="name") == by_name
    assert await names(mint, sort="-name") == by_name[::-1]


async def test_a_customer_is_listed_and_shown_with_what_belongs_to_it(mint: Mint) -> None:
    made = await mint.make(units=5, count=3)
    owner = (await mint.redeem(made[0][0])).id
    async with acting(mint.store, shell_operator("ann"), COUNTRY) as actor:
        await clis.add_number(actor, owner, "441910000001")
        await clis.add_pattern(actor, owner, "^4420")
        await clis.add_number(actor, TEMPLATE, "441910000002")
        await dids.add(actor, Did("100", "menu", customer_id=owner))
    async with mint.store.reading() as connection:
        page = await customer_page(connection, CustomerFilter(), PageRequest(99))
        balances = {customer.id: balance for customer, balance in page.items}
        found = await overview(connection, owner, mint.now_ms)
        template = await overview(connection, TEMPLATE, mint.now_ms)
    assert balances == {TEMPLATE: 0, owner: 5_000_000}
    assert found.account is not None
    assert found.account.balance_micros == 5_000_000
    assert [str(cli) for cli in found.clis] == ["CLI 441910000001", "CLI pattern ^4420"]
    assert [did.number for did in found.dids] == ["100"]
    assert (found.cli_count, found.did_count, found.card_count) == (2, 1, 1)
    assert list(found.cards) == [made[0][0]]
    assert found.template_cards == {}
    assert (template.account, template.card_count) == (None, 0)
    assert template.template_cards == {"available": 2, "used": 1}


async def test_a_customer_that_is_not_there_is_refused(mint: Mint) -> None:
    async with mint.store.reading() as connection:
        with pytest.raises(Refused, match="customer 99 does not exist"):
            await overview(connection, 99, mint.now_ms)
