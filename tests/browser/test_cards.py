"""An operator's work with calling cards, in a browser."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from tests.browser.conftest import Console, Server


def ask(page: Page, server: Server, method: str, path: str, body: Any = None) -> Any:
    """Ask the API as whoever has signed in."""
    answer = page.context.request.fetch(f"{server.url}/api/v1{path}", method=method, data=body)
    assert answer.ok, answer.text()
    return answer.json() if answer.text() else None


def choose(page: Page, *ids: str) -> None:
    for card in ids:
        page.get_by_role("checkbox", name=f"Choose {card}").check()


def cards(console: Console, **wanted: Any) -> list[dict[str, Any]]:
    path = f"/cards?{urlencode(wanted)}"
    found: list[dict[str, Any]] = ask(console.page, console.server, "GET", path)["items"]
    return found


def generate(console: Console, batch: str, count: int = 3, **more: Any) -> list[str]:
    """Have cards made without the page, and return their IDs."""
    page = console.page
    body = {"customer": 42, "credit": "5.00", "count": count, "batch": batch, **more}
    job = ask(page, console.server, "POST", "/cards:generate", body)
    while job["status"] in ("queued", "running"):
        job = ask(page, console.server, "GET", f"/jobs/{job['id']}")
    assert job["status"] == "done", job
    return [one["id"] for one in cards(console, batch=batch)]


def test_cards_are_generated_and_their_pins_are_saved_once_and_left_nowhere(
    console: Console, tmp_path: Path
) -> None:
    page = console.open("/cards")
    page.get_by_role("button", name="Generate cards").click()
    dialog = page.get_by_role("dialog", name="Generate cards")
    # What is wrong is said at its field, and what was typed stays.
    dialog.get_by_role("textbox", name="Count").fill("many")
    dialog.get_by_label("Credit").fill("5.00")
    dialog.get_by_role("button", name="Generate cards").click()
    expect(dialog.get_by_role("textbox", name="Count")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_role("combobox", name="Customer")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_label("Credit")).to_have_value("5.00")
    console.screenshots("cards-generate")

    dialog.get_by_role("textbox", name="Count").fill("3")
    dialog.get_by_role("combobox", name="Customer").fill("42")
    dialog.get_by_label("Batch").fill("spring")
    dialog.get_by_label("Expires").fill("2031-12-31")
    dialog.get_by_role("button", name="Generate cards").click()
    expect(dialog.get_by_text("3 cards are made")).to_be_visible()
    dialog.get_by_role("button", name="Show the PINs").click()
    expect(dialog.get_by_text("These are the PINs")).to_be_visible()
    console.screenshots("cards-pins")

    with page.expect_download() as saved:
        dialog.get_by_role("button", name="Save as CSV").click()
    saved.value.save_as(tmp_path / "pins.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "pins.csv").read_text())))
    made = {one["id"] for one in cards(console, batch="spring")}
    assert {row["id"] for row in rows} == made
    assert len(made) == 3
    with page.expect_download() as workbook:
        dialog.get_by_role("button", name="Save as workbook").click()
    workbook.value.save_as(tmp_path / "pins.xlsx")
    assert zipfile.ZipFile(tmp_path / "pins.xlsx").testzip() is None
    sheet = load_workbook(tmp_path / "pins.xlsx").active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        list(rows[0]),
        *(list(row.values()) for row in rows),
    ]
    page.context.add_init_script("window.print = () => {}")
    with page.expect_popup() as popup:
        dialog.get_by_role("button", name="Print a sheet").click()
    printed = popup.value
    expect(printed.locator("svg")).to_have_count(3)
    text = printed.locator("body").inner_text()
    assert all(row["pin"] in re.sub(r"\s", "", text) for row in rows)
    printed.close()

    dialog.get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("row", name=re.compile("Available"))).to_have_count(3)
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, location.href])")
    whole = page.content()
    assert not any(row["pin"] in kept or row["pin"] in whole for row in rows)


def test_cards_that_are_chosen_are_changed_disabled_and_deleted(console: Console) -> None:
    console.open("/")
    first, second, third = generate(console, "summer")
    page = console.open("/cards?batch=summer&sort=id")
    choose(page, first, second)
    expect(page.get_by_text("2 rows are chosen")).to_be_visible()
    console.screenshots("cards-chosen")
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit 2 cards")
    dialog.get_by_label("Credit").fill("a lot")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("Credit")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Credit").fill("7.50")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2 changed, 0 passed over")).to_be_visible()
    credits = {one["id"]: one["credit"] for one in cards(console, batch="summer")}
    assert credits == {first: "7.50", second: "7.50", third: "5.00"}

    page.get_by_role("checkbox", name="Choose all rows").check()
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("row", name=re.compile("Disabled"))).to_have_count(3)

    choose(page, third)
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete 1 card?")
    console.screenshots("cards-delete")
    dialog.get_by_role("button", name="Cancel").click()
    assert len(cards(console, batch="summer")) == 3
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("row", name=re.compile("Disabled"))).to_have_count(2)
    assert {one["id"] for one in cards(console, batch="summer")} == {first, second}


def test_one_card_shows_its_history_and_a_change_by_somebody_else_meanwhile(console: Console) -> None:
    console.open("/")
    card = generate(console, "autumn", 1)[0]
    page = console.open(f"/cards/{card}")
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Credit").fill("6.00")
    body = {"action": "change", "ids": [card], "changes": {"credit": "9.00"}}
    ask(page, console.server, "POST", "/cards:bulk", body)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Somebody else has changed this meanwhile")).to_be_visible()
    expect(dialog.get_by_label("Credit")).to_have_value("6.00")
    console.accessible()
    dialog.get_by_role("button", name="See what is there now").click()
    expect(dialog.get_by_label("Credit")).to_have_value("9.00")
    dialog.get_by_label("Credit").fill("6.00")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_text("credit: 9.00 → 6.00")).to_be_visible()
    console.screenshots("card")


def test_a_walk_through_cards_needs_no_mouse(console: Console) -> None:
    console.open("/")
    ids = generate(console, "winter", 3)
    page = console.page
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Calling cards")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("winter")
    expect(page.locator("tbody tr[data-row]")).to_have_count(3)
    while not page.evaluate("document.activeElement.matches('tbody tr')"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("End")
    expect(page.locator("tr[data-row='2']")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_text("2 rows are chosen")).to_be_visible()
    while not page.evaluate("document.activeElement.textContent.trim() === 'Disable'"):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Disable: 2 cards")
    expect(dialog).to_be_visible()
    while not page.evaluate("document.activeElement.textContent.trim() === 'Disable'"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name=re.compile("Disabled"))).to_have_count(2)
    states = {one["id"]: one["status"] for one in cards(console, batch="winter")}
    assert states == {ids[0]: "available", ids[1]: "disabled", ids[2]: "disabled"}
    while not page.evaluate("document.activeElement.matches('tbody tr')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Home")
    expect(page.locator("tr[data-row='0']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Card {ids[0]}")).to_be_visible()


HOSTILE = [
    '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>',
    "\u05e9\u05dc\u05d5\u05dd 123 \u0628\u0637\u0627\u0642\u0629",
    "{{7*7}} ${7*7} 'quotes\" & <b>bold</b>",
]


@pytest.mark.parametrize("name", HOSTILE, ids=["html", "right-to-left", "templates"])
def test_whatever_a_name_holds_is_text(console: Console, name: str) -> None:
    console.open("/")
    card = generate(console, name, 1)[0]
    page = console.open("/cards?sort=-created")
    shown = page.locator("tbody tr[data-row]").first.locator("td").nth(5)
    expect(shown).to_have_text(name)
    assert page.locator("tbody b, tbody img, tbody script").count() == 0
    page.goto(f"{console.server.url}/console/cards/{card}")
    expect(page.get_by_role("link", name=name)).to_be_visible()
    assert "owned" not in page.title()
    page.get_by_role("link", name=name).click()
    expect(page.locator("tbody tr[data-row]")).to_have_count(1)
