"""Many rates at once: written beside those in effect, and in effect all together or not at all."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update
from tests.paying_customers import add_customer

from ringflow.actor import Actor
from ringflow.errors import Conflict, DocumentError
from ringflow.ledger.rates import edition
from ringflow.ledger.rates.card import create_card, find_card, get_card, rate_card_page
from ringflow.ledger.rates.changes import delete_card, rates_of, set_rate
from ringflow.ledger.rates.edition import ABANDONED_MS, Pause, begin_edition, import_sheet
from ringflow.ledger.rates.quote import quote
from ringflow.ledger.rates.sheet_import import RateFile, read_rates
from ringflow.store.ledger_tables import rate_cards, rates
from ringflow.store.pages import PageRequest

if TYPE_CHECKING:
    from tests.ledger.conftest import Bank

OLD = "prefix,price\n1,0.01\n44,0.02\n447,0.03\n4478,0.04\n"
NEW = "prefix,price\n1,0.05\n44,0.06\n33,0.07\n"


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rates in each transaction, so that a few of them are many."""
    monkeypatch.setattr(edition, "ROWS_AT_ONCE", 2)


class Cards:
    """The card `retail`, filled and read."""

    def __init__(self, bank: Bank, folder: Path) -> None:
        self.bank = bank
        self._folder = folder

    def opener(self) -> AbstractAsyncContextManager[Actor]:
        return self.bank.acting()

    def sheet(self, text: str) -> RateFile:
        file = self._folder / "rates.csv"
        file.write_text(text, "utf-8")
        return read_rates(file, "USD", "US")

    async def put(self, text: str, **how: Any) -> None:
        """Import a sheet."""
        await import_sheet(self.bank.store, self.opener, "retail", self.sheet(text), **how)

    async def price(self, number: str) -> int:
        found = await quote(self.bank.store, number, 1, self.bank.now_ms)
        return found.terms.price_micros

    async def counts(self) -> tuple[int, int]:
        """How many rates there are, and how many rows of cards."""
        async with self.bank.store.reading() as connection:
            tables = [select(func.count()).select_from(one) for one in (rates, rate_cards)]
            first, second = [(await connection.execute(one)).scalar_one() for one in tables]
            return first, second


@pytest.fixture
async def cards(bank: Bank, tmp_path: Path) -> Cards:
    made = Cards(bank, tmp_path)
    async with bank.acting() as actor:
        await create_card(actor, "retail", "USD", default=True)
        await add_customer(actor, 1)
    await import_sheet(bank.store, made.opener, "retail", made.sheet(OLD))
    return made


async def test_a_sheet_takes_the_place_of_all_rates_at_once(cards: Cards) -> None:
    assert (await cards.counts(), await cards.price("447800000000")) == ((4, 2), 40_000)
    seen: list[int] = []

    async def last(actor: Actor, done: RateFile) -> None:
        # Whoever asks before the end of the transaction is told the old price, and nothing of the new ones.
        seen.append(await cards.price("447800000000"))
        assert len((await rate_card_page(actor.connection, PageRequest(9))).items) == 1

    done: list[int] = []
    await cards.put(NEW, replace=True, last=last, progress=done.append)
    assert (seen, sum(done)) == ([40_000], 3)
    assert (await cards.counts(), await cards.price("447800000000")) == ((3, 2), 60_000)
    async with cards.bank.store.reading() as connection:
        assert (await get_card(connection, "retail")).rows == 3
        (card,) = (await rate_card_page(connection, PageRequest(9))).items
        assert card.name == "retail"


async def test_rates_that_are_added_leave_the_others_as_they_were(cards: Cards) -> None:
    await cards.put("prefix,price\n33,0.07\n34,0.08\n35,0.09\n")
    assert (await cards.price("447800000000"), await cards.price("3300000000")) == (40_000, 70_000)
    assert await cards.counts() == (7, 2)
    with pytest.raises(DocumentError, match="prefix 44 has a rate at the same time in the card"):
        await cards.put("prefix,price\n44,1\n39,1\n36,1\n")
    async with cards.bank.acting() as actor:
        card = await get_card(actor.connection, "retail")
        await set_rate(actor, card, "44", {"price_micros": 990_000})
        assert [one.price_micros for one in await rates_of(actor.connection, card, "44")] == [990_000]
    assert await cards.price("4410000000") == 990_000


@pytest.mark.parametrize("replace", [True, False])
async def test_what_breaks_off_changes_nothing(cards: Cards, replace: bool) -> None:
    def broken(rows: int) -> None:
        raise KeyError("the process ends here")

    sheet = "prefix,price\n33,0.07\n34,0.08\n35,0.09\n"
    with pytest.raises(KeyError):
        await cards.put(sheet, replace=replace, progress=broken)
    assert (await cards.counts(), await cards.price("447800000000")) == ((4, 2), 40_000)


async def test_a_card_that_is_changed_meanwhile_keeps_the_change(cards: Cards) -> None:
    async def change(prefix: str) -> None:
        async with cards.bank.acting() as actor:
            await set_rate(actor, await get_card(actor.connection, "retail"), prefix, {"price_micros": 7})

    whole = edition.write_edition

    async def slow(*given: object, **named: object) -> None:
        await whole(*given, **named)  # type: ignore[arg-type]
        await change("1")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edition, "write_edition", slow)
        with pytest.raises(Conflict, match="was changed while the rates were written"):
            await cards.put(NEW, replace=True)
    assert (await cards.price("12125550000"), await cards.counts()) == (7, (4, 2))


async def test_what_a_crash_left_is_deleted_by_an_import_hours_later(cards: Cards) -> None:
    async with cards.bank.store.reading() as connection:
        card = await get_card(connection, "retail")
    left = await begin_edition(cards.opener, card, Pause(cards.bank.store))
    await cards.put(NEW, replace=True)
    assert await cards.counts() == (3, 3), "it may still be written"
    async with cards.bank.store.writing() as connection:
        old = update(rate_cards).where(rate_cards.c.id == left.id)
        await connection.execute(old.values(revision=cards.bank.now_ms - ABANDONED_MS - 1))
    await cards.put(OLD, replace=True)
    assert await cards.counts() == (4, 2)


async def test_a_card_goes_with_all_of_its_editions(cards: Cards) -> None:
    async with cards.bank.acting() as actor:
        await delete_card(actor, "retail")
    assert await cards.counts() == (0, 0)
    async with cards.bank.store.reading() as connection:
        assert await find_card(connection, "retail") is None
