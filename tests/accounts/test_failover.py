"""After which answers of a trunk the next one is tried."""

from __future__ import annotations

import pytest

from ringflow.accounts.failover import checked_failover, fails_over
from ringflow.config import DEFAULT_FAILOVER
from ringflow.errors import Refused


def test_by_default_a_trunk_gives_way_when_it_is_out_of_order_or_wants_none_of_our_calls() -> None:
    gives_way = {code for code in range(300, 700) if fails_over(DEFAULT_FAILOVER, code)}
    assert gives_way == {401, 403, 407, 408, *range(500, 600)}


def test_a_list_is_sorted_and_has_each_entry_once() -> None:
    assert checked_failover(["5XX", "408", "5xx", "486"]) == ("408", "486", "5xx")
    assert checked_failover([]) == ()
    assert not any(fails_over((), code) for code in range(300, 700))
    assert fails_over(("4xx",), 486)
    assert not fails_over(("4xx", "503"), 500)


@pytest.mark.parametrize("answer", ["603", "6xx", "6XX"])
def test_no_6xx_is_tried_through_another_trunk(answer: str) -> None:
    with pytest.raises(Refused, match="a callee who answers 6xx"):
        checked_failover(["5xx", answer])


@pytest.mark.parametrize("answer", ["", "5", "50x", "xxx", "200", "1xx", "4080", "busy", "٤٠٨", "408 "])
def test_what_is_no_answer_is_refused_with_the_form_that_is(answer: str) -> None:
    with pytest.raises(Refused, match="write a SIP code such as 408, or a class such as 5xx"):
        checked_failover([answer])


def test_every_wrong_entry_is_told_of() -> None:
    with pytest.raises(Refused) as refused:
        checked_failover(["busy", "603", "408"])
    assert len(refused.value.each) == 2
    assert {one.at for one in refused.value.each} == {("failover",)}
