"""Figures of batches, as a histogram has them."""

from __future__ import annotations

from ringflow.store.batches import Distribution


def test_a_distribution_counts_a_bound_with_what_lies_below_it() -> None:
    distribution = Distribution((1, 2, 4))
    for value in (1, 2, 2, 3, 5):
        distribution.add(value)
    assert (distribution.counts, distribution.sum) == ([1, 2, 1, 1], 13)
