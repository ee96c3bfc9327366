"""What a trunk's script gives back is taken for hostile, and refused with the line that sets it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from ringflow.accounts.customers import Customer
from ringflow.accounts.trunks import Trunk
from ringflow.scripts.egress import Egress, EgressLeg, egress_data, read_egress
from ringflow.scripts.run import RunResult, ScriptFailed, Ticket
from ringflow.scripts.script import Script

SOURCE = """({0: async function (exports) {
async function main(data) {
  data.routing.cli = one();
  data.routing.dest_number = two();
  data.routing.egress_routing[0].headers = [];
  data.skip = 1;
  return data;
}
},})"""
SCRIPT = Script("leg", SOURCE, ("leg.js",), (1,), {}, "r1")
LEG = EgressLeg(
    call_id="c1",
    channel="PJSIP/in-1",
    did="18005550100",
    app="main",
    cli="441910000001",
    withheld=False,
    customer=Customer(42),
    trunk=Trunk("carrier", "PJSIP/{number}@carrier", script="leg", script_vars='{"a": 1}'),
    server="sbc1",
    dialled="441234567890",
    keyed="01234567890",
    shown_cli="441910000001",
    headers={"X-Desk": "7"},
    earlier=[("first", "refused", 503)],
)
Change = Callable[[Any], object]


def given() -> Any:
    return deepcopy(egress_data(LEG))


def headers(data: Any) -> Any:
    return data["routing"]["egress_routing"][0]["headers"]


def read(change: Change, *tickets: Ticket) -> Egress:
    data = given()
    change(data)
    return read_egress(SCRIPT, RunResult(data, tickets=tickets), LEG, "US")


def test_a_script_that_changes_nothing_leaves_the_leg_as_it_is() -> None:
    assert read(lambda data: None) == Egress(headers={"X-Desk": "7"})
    assert given()["leg"] == {
        "number": 2,
        "keyed": "01234567890",
        "earlier": [{"trunk": "first", "status": "refused", "sip": 503}],
    }
    assert given()["vars"] == {"a": 1}


def test_what_a_script_may_change_is_taken() -> None:
    def change(data: Any) -> None:
        data["routing"] |= {"cli": 442079460018, "dest_number": "+44 1234 567891"}
        data["routing"]["egress_routing"] = [{"headers": [{"key": "X-New", "value": 1}]}]
        data["skip"] = None

    assert read(change) == Egress(False, "+44 1234 567891", "442079460018", {"X-New": "1"})


def test_a_key_for_the_customer_who_pays_may_stand_there() -> None:
    ticket = Ticket(ticket="v1.1.aa", place=("42", "sbc1"))
    found = read(lambda data: headers(data)[1].update(value="v1.1.aa"), ticket)
    assert found.headers == {"X-Desk": "7"}


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (lambda data: data.update(skip="yes"), "5:8", "skip is neither true nor false"),
        (lambda data: data.update(routing=[]), "4:8", "routing is no object"),
        (lambda data: data["routing"].update(cli="x"), "2:16", "routing.cli: x is no telephone number"),
        (lambda data: data["routing"].update(cli={}), "2:16", "routing.cli: this is no telephone number"),
        (lambda data: data["routing"].update(dest_number=None), "3:16", "routing.dest_number is no number"),
        (
            lambda data: data["routing"].update(dest_number="1" * 65),
            "3:16",
            "routing.dest_number is no number",
        ),
        (lambda data: data["routing"].update(egress_routing={}), "4:16", "routing.egress_routing is no list"),
        (lambda data: headers(data).extend([{"key": "X-A", "value": ""}] * 40), "4:34", "at most 32 headers"),
        (
            lambda data: headers(data).append({"key": "X-A", "value": "a\r\nX-B: b"}),
            "4:34",
            "is one line of at",
        ),
        (lambda data: headers(data).append({"key": "X-A", "value": "é"}), "4:34", "ASCII characters"),
        (
            lambda data: headers(data).append({"key": "X-A\r\nVia", "value": "a"}),
            "4:34",
            "cannot name a header",
        ),
        (lambda data: headers(data).append({"key": "Via", "value": "a"}), "4:34", "is written by Asterisk"),
        (lambda data: headers(data).append({"key": "x-desk", "value": "a"}), "4:34", "is given twice"),
        (lambda data: headers(data).append({"key": "X-A", "value": [1]}), "4:34", "that are texts"),
        (lambda data: headers(data).append("X-A: 1"), "4:34", "no object"),
        (lambda data: headers(data)[0].update(value="43"), "4:34", "X-Customer-ID: 43 cannot pay"),
        (lambda data: headers(data)[0].update(value=""), "4:34", "X-Customer-ID:  cannot pay"),
        (lambda data: headers(data)[1].update(value="v1.1.aa"), "4:34", "X-CX-Sec is no key for customer 42"),
        (lambda data: headers(data)[1].update(value="v1.1.bb"), "4:34", "X-CX-Sec is no key for customer 42"),
        (lambda data: headers(data)[1].update(value="v1.1.cc"), "4:34", "X-CX-Sec is no key for customer 42"),
    ],
)
def test_what_cannot_be_is_refused_with_the_line_that_sets_it(change: Change, place: str, what: str) -> None:
    for_others = [
        Ticket(ticket="v1.1.bb", place=("43", "sbc1")),
        Ticket(ticket="v1.1.cc", place=("42", "other")),
    ]
    with pytest.raises(ScriptFailed) as failed:
        read(change, *for_others)
    assert (str(failed.value.place), what in failed.value.what) == (f"leg.js:{place}", True), failed.value


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(ScriptFailed, match="what main returned is no object"):
        read_egress(SCRIPT, RunResult("yes"), LEG, "US")
