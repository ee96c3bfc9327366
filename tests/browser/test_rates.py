"""Rates, calendars, vouchers' codes and test calls, in a browser."""

from __future__ import annotations

import re
from datetime import date

from playwright.sync_api import FilePayload, Locator, Page, expect
from tests.browser.conftest import LOOKS, Console

SHEET = "Digits Out,What,Per Min\n4420,London,0.02\n44x,Nowhere,0.03\n447,Mobile,0.05\n"
SEEN = [LOOKS[0], LOOKS[3]]


def choose_file(dialog: Locator, name: str, text: str) -> None:
    file: FilePayload = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    dialog.get_by_label(re.compile("^File")).set_input_files(file)


def api(page: Page, console: Console, path: str, body: dict[str, object]) -> None:
    answer = page.context.request.post(f"{console.server.url}/api/v1{path}", data=body)
    assert answer.ok, answer.text()


def test_rates_are_imported_edited_compared_and_quoted(console: Console) -> None:
    page = console.page
    for name in ("retail", "dear"):
        api(page, console, "/rate-cards", {"name": name, "currency": "USD"})
    console.open("/rate-cards/retail")
    rates = page.get_by_role("region", name="Rates", exact=True)
    expect(rates.get_by_text("No rate yet")).to_be_visible()

    # A column that no title tells, and a line that is wrong.
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog", name="Import rates into retail")
    choose_file(dialog, "acme.csv", SHEET)
    dialog.get_by_role("button", name="Look at it first").click()
    expect(dialog.get_by_text("Not done")).to_be_visible()
    for label, title in (("Prefix", "Digits Out"), ("Destination", "What"), ("Price of a minute", "Per Min")):
        dialog.get_by_role("combobox", name=label, exact=True).fill(title)
    dialog.get_by_role("button", name="Look at it first").click()
    expect(dialog.get_by_text(re.compile("line 3"))).to_be_visible()
    console.screenshots("rates-import-wrong", SEEN)
    dialog.get_by_label("Leave lines out that are wrong").check()
    dialog.get_by_label("Keep this as").fill("acme")
    dialog.get_by_role("button", name="Look at it first").click()
    expect(dialog.get_by_role("cell", name="London")).to_be_visible()
    expect(dialog.get_by_text("1 line is left out")).to_be_visible()
    console.screenshots("rates-import", SEEN)
    dialog.get_by_role("button", name="Import 2 rates").click()
    expect(dialog.get_by_text("2 rates are imported")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    expect(rates.get_by_role("cell", name="London", exact=True)).to_be_visible()

    rates.get_by_role("cell", name="Mobile", exact=True).click()
    dialog = page.get_by_role("dialog", name="Rate of 447")
    dialog.get_by_label("A minute (USD)").fill("dear")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("A minute (USD)")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("A minute (USD)").fill("0.08")
    console.screenshots("rate-edit", SEEN)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(rates.get_by_role("row", name=re.compile("Mobile"))).to_contain_text("0.08")
    rates.get_by_role("button", name="Add a rate").click()
    dialog = page.get_by_role("dialog", name="Add a rate")
    dialog.get_by_label("Prefix").fill("33")
    dialog.get_by_label("A minute (USD)").fill("0.01")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(rates.get_by_text("3 rows")).to_be_visible()
    quote = page.get_by_role("region", name="What a call costs")
    quote.get_by_label("Number").fill("+44 7700 900123")
    quote.get_by_role("button", name="Ask").click()
    expect(quote.get_by_text("Mobile (447)")).to_be_visible()
    console.screenshots("page-rate-card", LOOKS)

    page.get_by_role("button", name="Compare").click()
    dialog = page.get_by_role("dialog", name="Compare retail")
    dialog.get_by_role("combobox", name="Rate card").fill("dear")
    dialog.get_by_role("button", name="Compare").click()
    expect(dialog.get_by_text("3 prefixes: only this card has a rate")).to_be_visible()
    expect(dialog.get_by_role("cell", name="4420", exact=True).first).to_be_visible()
    console.screenshots("rates-compare", SEEN)
    dialog.get_by_role("button", name="Close").click()
    rates.get_by_role("row", name=re.compile("London")).click()
    dialog = page.get_by_role("dialog", name="Rate of 4420")
    dialog.get_by_role("button", name="Delete the rate").click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(rates.get_by_text("2 rows")).to_be_visible()


def test_days_of_a_calendar_are_added_imported_and_asked_for(console: Console) -> None:
    page = console.page
    # Days are read three years ahead.
    year = date.today().year + 1
    api(page, console, "/calendars", {"name": "england", "notes": "bank holidays"})
    console.open("/calendars/england")
    days = page.get_by_role("region", name="Days").first
    page.get_by_role("button", name="Add days").click()
    dialog = page.get_by_role("dialog", name="Add days")
    dialog.get_by_label("First day").fill(f"{year}-12-25")
    dialog.get_by_label("Last day").fill(f"{year}-12-24")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_label("Last day")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Last day").fill(f"{year}-12-26")
    dialog.get_by_label("What for").fill("Christmas & more")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(days.get_by_role("cell", name="Christmas & more", exact=True)).to_be_visible()
    page.get_by_role("button", name="Import a file").click()
    dialog = page.get_by_role("dialog", name="Import a file")
    choose_file(dialog, "days.csv", f"{year}-01-01,New Year\n32.1.{year}\n")
    dialog.get_by_role("button", name="Import a file").click()
    expect(dialog.get_by_text(re.compile("line 2|:2"))).to_be_visible()
    choose_file(dialog, "days.csv", f"{year}-01-01,New Year\n")
    dialog.get_by_role("button", name="Import a file").click()
    expect(days.get_by_text("2 rows")).to_be_visible()
    asked = page.get_by_role("region", name="Is it a holiday?")
    asked.get_by_label("At").fill(f"{year}-12-25T10:00")
    asked.get_by_role("button", name="Ask").click()
    expect(asked.get_by_text("A holiday: Christmas & more")).to_be_visible()
    asked.get_by_label("At").fill(f"{year}-12-27T10:00")
    asked.get_by_role("button", name="Ask").click()
    expect(asked.get_by_text("No holiday")).to_be_visible()
    console.screenshots("page-calendar", LOOKS)
    days.get_by_role("button", name=re.compile(f"Delete {year}-12-25")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(days.get_by_text("1 row", exact=True)).to_be_visible()

    console.open("/calendars")
    page.get_by_role("button", name="Closed today").click()
    dialog = page.get_by_role("dialog", name="Closed today")
    expect(dialog.get_by_text("Nothing: hours and calendars count.")).to_be_visible()
    dialog.get_by_label("Schedules").fill("nowhere")
    dialog.get_by_role("button", name="Say what schedules do").click()
    expect(dialog.get_by_text(re.compile("nowhere"))).to_be_visible()
    console.screenshots("calendar-overrides", SEEN)


def test_a_voucher_is_redeemed_by_its_code_and_a_test_call_says_why_it_is_not_made(console: Console) -> None:
    page = console.open("/vouchers")
    page.get_by_role("button", name="Redeem").click()
    dialog = page.get_by_role("dialog", name="Redeem a voucher")
    dialog.get_by_label("Code").fill("1234567890123456")
    dialog.get_by_role("combobox", name="Into the account of").fill("42")
    dialog.get_by_role("button", name="Redeem").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    console.screenshots("voucher-redeem", SEEN)
    console.open("/trunks/carrier")
    page.get_by_role("button", name="Test call").click()
    dialog = page.get_by_role("dialog", name="Test call: carrier")
    dialog.get_by_label("Number").fill("447700900123")
    dialog.get_by_role("combobox", name="Customer who pays").fill("42")
    dialog.get_by_role("combobox", name="App for who answers").fill("survey")
    dialog.get_by_role("button", name="Call", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("no calls can be made now")
    console.screenshots("trunk-test-call", SEEN)
