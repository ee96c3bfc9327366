"""The IDs of legs and counted calls are written and read in one way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.calls.call_ids import CallMark, LegId

CALL_IDS = st.text("0123456789abcdef", min_size=1)
UNIQUE_IDS = st.text()


def test_the_ids_are_written_as_the_dialplan_and_the_database_have_them() -> None:
    assert str(LegId("0a", 2, "pbx-1700000000.5")) == "0a.2@pbx-1700000000.5"
    assert str(CallMark("0a", "pbx-1700000000.5")) == "0a@pbx-1700000000.5"
    assert str(CallMark("0a", "pbx-1700000000.5", 42)) == "0a.as42@pbx-1700000000.5"


@given(CALL_IDS, st.integers(1, 999_999), UNIQUE_IDS)
def test_a_legs_id_is_read_as_it_was_written(call_id: str, position: int, unique_id: str) -> None:
    leg = LegId(call_id, position, unique_id)
    assert LegId.read(str(leg)) == leg


@given(CALL_IDS, UNIQUE_IDS, st.none() | st.integers(1, 10**9))
def test_a_mark_is_read_as_it_was_written(call_id: str, unique_id: str, customer: int | None) -> None:
    mark = CallMark(call_id, unique_id, customer)
    assert CallMark.read(str(mark)) == mark


@pytest.mark.parametrize(
    "text", ["", "0a", "0a@1.5", "0a.0@1.5", "0a.02@1.5", "0a.as42@1.5", ".1@1.5", "leg"]
)
def test_no_other_text_is_a_legs_id(text: str) -> None:
    assert LegId.read(text) is None


@pytest.mark.parametrize("text", ["", "0a", "0a.2@1.5", "0a.as@1.5", "0a.as042@1.5", "@1.5"])
def test_no_other_text_is_a_mark(text: str) -> None:
    assert CallMark.read(text) is None
