"""Mistakes in a slot `http`: each is named where it stands, with what to do."""

from __future__ import annotations

import pytest

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings

ALLOWED = Surroundings(asked_hosts=frozenset({"api.example.com"}), request_secrets=frozenset({"crm"}))
URL = "url: https://api.example.com/a"
NO_HOST = "does not say whom it asks (begin it as in https://example.com/"


def problems(slot: str) -> list[str]:
    text = f"app: main\nslots:\n  - {{slot: http, {slot}}}\n  - {{slot: debug, id: end, text: end}}\n"
    return [str(one) for one in check_flows([draft_from_bytes(text.encode(), slot_types(), "f")], ALLOWED)]


@pytest.mark.parametrize(
    ("slot", "said"),
    [
        ("url: ftp://api.example.com/", NO_HOST),
        ("url: '${did}/x'", NO_HOST),
        ("url: 'https://${did}/x'", NO_HOST),
        ("url: 'https://api.example.com${did}/x'", NO_HOST),
        ("url: 'https://api.example.com:${did}/x'", NO_HOST),
        ("url: 'https://user:${did}@api.example.com/x'", NO_HOST),
        ("url: 'https://user@api.example.com/x'", NO_HOST),
        ("url: 'https://api.example.com\\\\@evil.test/'", NO_HOST),
        (
            "url: https://api.exampel.com/",
            "flows may not ask `api.exampel.com` (did you mean `api.example.com`?)",
        ),
        (
            "url: https://evil.test/",
            "flows may not ask `evil.test` (list it in config.yaml: http_requests.hosts)",
        ),
        ("url: https://api.example.com:8443/", "flows may not ask `api.example.com:8443`"),
        (f"{URL}, body: 1, form: {{a: b}}", "`body` and `form` are both given"),
        (f"{URL}, body: 1, method: GET", "a GET has no body"),
        (f"{URL}, headers: {{Host: x}}", "`Host` is written by Ringflow"),
        (f"{URL}, headers: {{X-A: x}}, secret_headers: {{x-a: crm}}", "`x-a` is given twice"),
        (f"{URL}, headers: {{'a b': x}}", "`a b` cannot name a header"),
        (f"{URL}, secret_headers: {{X-A: crn}}", "there is no secret `crn` (did you mean `crm`?)"),
        (f"{URL}, on: {{fialed: end}}", "no answer ends the slot by `fialed` (did you mean `failed`?)"),
        (f"{URL}, on: {{600: end}}", "no answer ends the slot by `600` (write a status such as 404"),
        (f"{URL}, results: {{a: customer.name}}", "(name status, body or a part of it such as body.order.id"),
        (f"{URL}, timeout: 31", "`timeout`"),
        (f"{URL}, tiemout: 3", "did you mean `timeout`?"),
    ],
)
def test_a_mistake_says_what_to_do(slot: str, said: str) -> None:
    assert any(said in one for one in problems(slot)), problems(slot)


def test_what_is_right_is_no_problem() -> None:
    for slot in (
        URL,
        "url: https://api.example.com",
        "url: 'https://API.example.com:443/${did}?x=${did}'",
        f"{URL}, on: {{404: end, 5xx: end, failed: end}}",
        f"{URL}, exit_by: body.state, on: {{gold: end}}",
    ):
        assert problems(slot) == []
