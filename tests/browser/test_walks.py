"""Walks over many pages: without a mouse, with hostile rows, with few rights, in German."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Dialog, expect
from sqlalchemy import insert
from tests.browser.conftest import PASSWORD, Console, Server

from ringflow.store.record_tables import call_records

NAME = "<img src=x onerror=alert(1)> </script>\"'&amp;{{7*7}}"
"""What the API takes as a name: markup, and no characters that cannot be seen."""
HOSTILE = "<img src=x onerror=alert(1)>\u202etxt.exe\u2066\u0007 </script>\"'&amp;{{7*7}}"
"""What a network may say: also characters that turn the direction of what stands behind them."""


def ask(console: Console, method: str, path: str, body: Any = None) -> int:
    """Ask the API as whoever has signed in; return the status of the answer."""
    answer = console.page.request.fetch(
        f"{console.server.url}/api/v1{path}",
        method=method,
        data=body,
        headers={"Origin": console.server.url, "If-Match": "*"}
        if method == "PATCH"
        else {"Origin": console.server.url},
    )
    return answer.status


def test_what_others_wrote_is_text_on_every_page(console: Console) -> None:
    assert ask(console, "POST", "/customers", {"id": 66, "name": HOSTILE}) == 422
    assert ask(console, "POST", "/customers", {"id": 66, "name": NAME}) == 201
    assert ask(console, "POST", "/value-lists", {"name": "hostile", "kind": "text", "notes": NAME}) == 201
    assert ask(console, "POST", "/value-lists/hostile/entries", {"entry": NAME}) in (200, 201)
    flow = f"app: hostile\ntitle: {json.dumps(HOSTILE)}\nslots:\n  - {{slot: hangup}}\n"
    saved = console.page.request.put(
        f"{console.server.url}/api/v1/flows/hostile/draft",
        data=flow,
        headers={"Content-Type": "application/yaml", "If-None-Match": "*", "Origin": console.server.url},
    )
    assert saved.ok, saved.text()

    async def call() -> None:
        # What a network says of a caller is on record as it came.
        cells = {"call_id": "66h", "server": "here", "started_ms": 1_760_000_000_000, "duration_ms": 1000}
        cells |= {"did": "18005550100", "cli": HOSTILE, "app": HOSTILE, "revision": "r1"}
        cells |= {"outcome": "completed", "reason": HOSTILE, "customer_id": 66}
        async with console.server.application.core.store.writing() as connection:
            await connection.execute(insert(call_records).values(cells))

    console.server.do(call())
    page = console.page
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    for path in (
        "/customers",
        "/customers/66",
        "/lists",
        "/lists/hostile",
        "/calls",
        "/calls/66h",
        "/audit",
        "/apps/hostile",
    ):
        console.open(path)
        expect(page.get_by_text("<img src=x").first).to_be_visible()
        assert page.locator("main img, main script, main iframe").count() == 0, path
        # What turns the direction ends where its own element does: what stands beside it is read as usual.
        isolated = page.get_by_text("<img src=x").first.evaluate(
            "(one) => /isolate|plaintext/.test(getComputedStyle(one).unicodeBidi)"
        )
        assert isolated, path
        console.accessible()
    page.keyboard.press("Control+k")
    page.keyboard.type("<img")
    expect(page.get_by_role("option", name=re.compile("<img src=x")).first).to_be_visible()
    assert asked == []


CHANGES: dict[tuple[str, str], tuple[str, str, str, Any]] = {
    ("/customers", "Add a customer"): ("customers.change", "POST", "/customers", {"name": "x"}),
    ("/customers/42", "Pay in"): ("money.move", "POST", "/movements:pay", {"customer": 42}),
    ("/cards", "Generate cards"): ("cards.make", "POST", "/cards:bulk", {"customer": 42}),
    ("/vouchers", "Generate vouchers"): ("cards.make", "POST", "/vouchers:bulk", {"value": "1"}),
    ("/clis", "Add a CLI"): ("customers.change", "POST", "/clis", {"number": "441910000077"}),
    ("/dids", "Add a DID"): ("dids.change", "POST", "/dids", {"number": "18005550177", "app": "survey"}),
    ("/lists", "Add a list"): ("lists.change", "POST", "/value-lists", {"name": "x"}),
    ("/calendars", "Add a calendar"): ("calendars.change", "POST", "/calendars", {"name": "x"}),
    ("/trunks", "Add a trunk"): ("trunks.change", "POST", "/trunks", {"name": "x"}),
    ("/rate-cards", "Add a rate card"): ("rates.change", "POST", "/rate-cards", {"name": "x"}),
    ("/apps", "New app"): ("flows.change", "POST", "/simulations", {"did": "18005550100"}),
    ("/apps/survey", "Call this flow"): ("flows.change", "POST", "/flows/survey/scenarios:run", {}),
    ("/apps/survey", "Publish"): ("flows.publish", "POST", "/flows/survey:publish", {}),
}
"""For buttons by the page that they stand on: the right, and what the API is asked for."""


@pytest.mark.parametrize("role", ["viewer", "support", "finance"])
def test_who_lacks_a_right_sees_no_button_for_it_and_is_refused_by_the_api(
    role: str, server: Server, stranger: Console
) -> None:
    server.add_operator(f"only-{role}", role)
    page = stranger.page
    signed = page.request.post(
        f"{server.url}/api/v1/session", data={"name": f"only-{role}", "password": PASSWORD}
    )
    rights = set(signed.json()["rights"])
    assert rights
    seen: set[str] = set()
    before = ""
    for (path, button), (right, method, operation, body) in CHANGES.items():
        if path != before:
            stranger.open(path)
            expect(page.get_by_text("Loading …")).to_have_count(0)
            before = path
        there = page.get_by_role("button", name=button, exact=True)
        if right in rights:
            expect(there).to_have_count(1)
            seen.add(right)
        else:
            expect(there).to_have_count(0)
            assert ask(stranger, method, operation, body) == 403, (button, operation)
    assert seen == {"viewer": set(), "support": set(), "finance": {"money.move", "rates.change"}}[role]
    for path, right in (("/audit", "audit.read"), ("/operators", "operators.read")):
        stranger.open(path)
        expect(page.get_by_text(right, exact=False)).to_have_count(0 if right in rights else 1)
    stranger.open("/")
    page.keyboard.press("t")
    expect(page.get_by_role("region", name="Telephone")).to_have_count(0)


def test_a_flow_is_opened_and_called_without_a_mouse(console: Console) -> None:
    page = console.open("/")

    def tab_to(name: str | re.Pattern[str], role: Any = "button") -> None:
        wanted = page.get_by_role(role, name=name).first
        expect(wanted).to_be_visible()
        for _ in range(80):
            if wanted.evaluate("(one) => one === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not come to {name}")

    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Apps")).to_be_visible()
    tab_to(re.compile("appointment_reminder"), "row")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="calling_card")).to_be_visible()
    tab_to("Call this flow")
    page.keyboard.press("Enter")
    telephone = page.get_by_role("region", name="Telephone")
    expect(page.get_by_label("Number to call")).to_be_focused()
    page.keyboard.press("Enter")
    expect(telephone.get_by_text("in ivr[1] of calling_card")).to_be_visible()
    page.keyboard.type("441234567890#")
    expect(telephone.get_by_text("Ringing", exact=True)).to_be_visible()
    page.keyboard.press("a")
    expect(telephone.get_by_text("Talking", exact=True)).to_be_visible()
    page.keyboard.press("e")
    expect(telephone.get_by_text("The call is over")).to_be_visible()
    page.keyboard.press("Escape")
    expect(telephone).to_have_count(0)


def test_the_builder_and_the_telephone_speak_german(console: Console) -> None:
    console.page.add_init_script("localStorage.setItem('ringflow-language', 'de')")
    page = console.open("/apps/calling_card")
    page.get_by_role("button", name="Diesen Ablauf anrufen").click()
    expect(page.get_by_label("Es antwortet")).to_be_visible()
    page.locator(".svelte-flow__node-slot", has_text="Ziel").first.click()
    expect(page.get_by_text("Wo es weitergeht")).to_be_visible()
    console.screenshots("builder-german", [("desktop", "light"), ("telephone", "dark")])
    page = console.open("/welcome")
    expect(page.get_by_role("heading", name="Rufen Sie Ihren ersten Ablauf an")).to_be_visible()
    expect(page.get_by_text("Was im Anruf zu tun ist")).to_be_visible()
