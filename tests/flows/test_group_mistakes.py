"""Mistakes in call groups, and exactly what is said of each."""

from __future__ import annotations

import pytest

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings

from .mistakes import Mistakes

MISTAKES = Mistakes()

SLOT = """\
app: x
slots:
  - slot: call_group
    members:
      - {members}
"""


def mistake(name: str, members: str, *problems: str) -> None:
    """A group whose first member stands in line 5."""
    MISTAKES.add(name, SLOT.replace("{members}", members), *problems)


mistake(
    "a member who is two",
    '{number: "441234567890", device: desk}',
    "f.yaml:5:42: number and device are both given (give one of number, uri and device)",
)
mistake(
    "a member who is nobody",
    "{weight: 1}",
    "f.yaml:5:9: nobody is named (give one of number, uri and device)",
)
mistake(
    "a number that cannot be dialled",
    "44x",
    """f.yaml:5:9: `44x` is not a number (write it as it is dialled, or + and the country's code)""",
)
mistake(
    "a weight in a group that has no use for it",
    '{number: "441234567890", weight: 3}',
    "f.yaml:5:42: the weight counts for nothing (write `strategy: weighted`, or remove it)",
)
mistake(
    "a group within the group that is a number too",
    '{number: "441234567890", members: ["441234567891"]}',
    "f.yaml:5:18: a group within the group has no `number` (give it to one of its members)",
)
mistake(
    "a strategy of a member who is no group",
    '{number: "441234567890", strategy: weighted}',
    "f.yaml:5:44: this member is no group (remove it, or give the group's `members`)",
)
mistake(
    "what cannot be a URI, within a group",
    '{members: ["441234567890", "sip:nobody"]}',
    "f.yaml:5:36: `sip:nobody` is not a SIP URI (write sip:user@host)",
)
mistake(
    "music where none is played",
    '"441234567890"\n    music_class: jazz',
    "f.yaml:6:18: no music is played (write `ringback: music`, or remove it)",
)
mistake(
    "an end that stands twice",
    '"441234567890"\n    continue_on: [busy, busy]',
    "f.yaml:6:25: `busy` stands here twice (remove one of them)",
)
mistake(
    "a variable of a member that is never set",
    '{members: ["${nowhere}"]}',
    "f.yaml:5:20: unknown variable `nowhere` (known: app, call.id, card.id, cli, customer.currency, "
    "customer.id, customer.name, did, error.slot, error.what, language)",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_call_group_is_told_where_it_is(name: str) -> None:
    MISTAKES.assert_told(name)


def test_the_host_of_a_member_within_a_group_must_be_listed() -> None:
    text = SLOT.replace("{members}", '{members: ["sip:desk@pbx.example.com", "sip:desk@pbx.example.net"]}')
    draft = draft_from_bytes(text.encode(), slot_types(), "f.yaml")
    surroundings = Surroundings(uri_hosts=frozenset({"pbx.example.com"}))
    (problem,) = check_flows([draft], surroundings)
    assert "pbx.example.net" in str(problem)


def test_fields_of_a_destination_that_mean_nothing_are_told() -> None:
    text = """\
app: x
slots:
  - slot: destination
    uri: sip:desk@pbx.example.com
    trunk_order: cost
    max_cost: "1.00"
    music_class: jazz
  - slot: destination
    external: "441234567890"
    trunks: [a, b, a]
    max_cost: "0.00"
"""
    draft = draft_from_bytes(text.encode(), slot_types(), "f.yaml")
    assert [str(one) for one in check_flows([draft], Surroundings())] == [
        "f.yaml:5:18: only a number goes through the trunks (remove it, or dial a number by `external`)",
        (
            "f.yaml:6:15: what is dialled by `uri` has no rate, no country and no cost (remove it, or dial a "
            "number by `external`)"
        ),
        "f.yaml:7:18: no music is played (write `ringback: music`, or remove it)",
        "f.yaml:10:20: `a` stands here twice (remove one of them)",
        "f.yaml:11:15: no call costs nothing at most (write more than 0, or remove it)",
    ]
