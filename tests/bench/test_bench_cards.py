"""`ringflow bench cards` makes the cards that it counts."""

from __future__ import annotations

import pytest

from ringflow.accounts.cards.generation import Secret
from ringflow.bench.cards import measure_cards


@pytest.mark.parametrize(("pin_only", "digits"), [(False, 6), (True, 12)])
async def test_as_many_cards_as_are_counted_are_made_and_handed_out(
    empty_database_url: str, pin_only: bool, digits: int
) -> None:
    handed: list[Secret] = []
    told: list[int] = []
    found = await measure_cards(empty_database_url, 30, pin_only, handed.extend, told.append)
    assert (found.cards, len(dict(handed)), told[-1]) == (30, 30, 30)
    assert {len(pin) for _, pin in handed} == {digits}
    assert found.per_s > 0
