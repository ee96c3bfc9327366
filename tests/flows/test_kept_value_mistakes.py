"""Mistakes in the slots `store`, `lookup` and `blocklist`: each is named where it stands."""

from __future__ import annotations

import pytest

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings

KNOWN = Surroundings(lists=frozenset({"barred"}))


@pytest.mark.parametrize(
    ("slot", "said"),
    [
        ("slot: store, key: a", "nothing is kept (write one of `value`, `add` and `forget: true`)"),
        ("slot: store, key: a, forget: false", "nothing is kept"),
        ("slot: store, key: a, value: 1, add: 1", "value and add are both given"),
        ("slot: store, key: a, forget: true, ttl: 5", "`ttl` means nothing with `forget`"),
        ("slot: store, key: a, forget: true, result: b", "`result` means nothing with `forget`"),
        ("slot: store, key: a, add: one", "`one` is no number"),
        ("slot: store, key: a, value: 1, ttl: 0", "`ttl`"),
        ("slot: store, key: a, value: 1, scope: costumer", "did you mean `customer`?"),
        ("slot: store, kye: a, value: 1", "did you mean `key`?"),
        ("slot: lookup, key: a", "`result` is missing"),
        ("slot: lookup, key: a, result: b, on: {nothing: end}", "lookup has no exit `nothing`"),
        ("slot: blocklist, in_lists: bared", "there is no list `bared` (did you mean `barred`?)"),
        ("slot: blocklist, in_lists: []", "`in_lists`"),
        ("slot: blocklist, in_lists: [barred, barred], action: add", "`action: add` is about one list"),
        ("slot: blocklist, in_lists: barred, action: add, on: {blocked: end}", "does not end by `blocked`"),
        ("slot: blocklist, in_list: barred", "did you mean `in_lists`?"),
    ],
)
def test_a_mistake_says_what_to_do(slot: str, said: str) -> None:
    text = f"app: main\nslots:\n  - {{{slot}}}\n  - {{slot: debug, id: end, text: end}}\n"
    found = [str(one) for one in check_flows([draft_from_bytes(text.encode(), slot_types(), "f")], KNOWN)]
    assert any(said in one for one in found), found
