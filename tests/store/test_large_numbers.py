"""Numbers that no column of the database can have."""

from __future__ import annotations

import pytest

from ringflow.accounts import dids
from ringflow.accounts.dids import DidFilter
from ringflow.store import Store
from ringflow.store.pages import PageRequest


@pytest.mark.parametrize("customer", [2**31, 2**63 - 1, -(2**63)])
async def test_whoever_asks_for_a_number_that_no_column_can_have_finds_nothing(
    store: Store, customer: int
) -> None:
    async with store.reading() as connection:
        page = await dids.page(connection, DidFilter(customer), PageRequest(10))
    assert page.items == []
