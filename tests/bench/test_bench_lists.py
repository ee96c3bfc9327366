"""The measurement of lists, with few rows."""

from __future__ import annotations

from ringflow.bench.list_answers import FILTERS
from ringflow.bench.lists import measure_lists


async def test_each_list_is_read_by_each_of_its_sorts_and_from_its_middle(empty_database_url: str) -> None:
    found, answers = await measure_lists(1000, empty_database_url, times=1)
    by_sort = [one for one in found if one.what.startswith("by ")]
    assert {one.name for one in by_sort} == {
        "customers", "CLIs", "DIDs", "cards", "vouchers", "rates", "movements", "calls",
        "entries of the audit log",
    }  # fmt: skip
    assert all(one.middle_ms is not None for one in by_sort)
    assert all(one.first_ms > 0 for one in found)
    assert {one.path for one in answers} == {
        "/customers", "/clis", "/dids", "/cards", "/vouchers", "/movements", "/calls", "/audit",
        "/rate-cards/retail/rates", "/accounts",
    }  # fmt: skip
    assert all(one.first.p95_ms > 0 for one in answers)
    assert [one.path for one in answers if one.middle is None] == [path for path, _ in FILTERS]
