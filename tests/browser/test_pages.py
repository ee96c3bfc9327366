"""Each page of the console, looked at: no finding of axe, an empty console log, a picture kept."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect
from tests.browser.conftest import LOOKS, Console, Server

PAGES = {
    "/": "Overview",
    "/welcome": "Call your first flow",
    "/customers": "Customers",
    "/customers/42": "42",
    "/live": "Live calls",
    "/calls": "Past calls",
    "/vouchers": "Vouchers",
    "/clis": "CLIs",
    "/clis/1": "CLI 1",
    "/dids": "DIDs",
    "/dids/18005550100": "DID 18005550100",
    "/lists": "Lists",
    "/calendars": "Calendars",
    "/trunks": "Trunks",
    "/trunks/carrier": "Trunk carrier",
    "/rate-cards": "Rate cards",
    "/audit": "Audit log",
    "/jobs": "Jobs",
    "/status": "Status and settings",
    "/nothing/here": "There is no such page",
}
"""Where pages are, and their headings."""

SEEN = [LOOKS[0], LOOKS[3]]
"""At desktop size in light, at telephone size in dark: the other two differ in nothing but one of both."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.strip("/").replace("/", "-") or "home")
def test_a_page_is_shown_without_a_finding(console: Console, path: str) -> None:
    page = console.open(path)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    expect(page.get_by_text("Loading …")).to_have_count(0)
    console.screenshots("page-" + (path.strip("/").replace("/", "-") or "home"), SEEN)


def add(page: Page, what: str, fields: dict[str, str]) -> None:
    page.get_by_role("button", name=what).click()
    dialog = page.get_by_role("dialog")
    for label, value in fields.items():
        dialog.get_by_role("textbox", name=label, exact=True).fill(value)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_be_hidden()


def test_a_did_is_added_edited_and_deleted(console: Console) -> None:
    page = console.open("/dids")
    page.get_by_role("button", name="Add a DID").click()
    dialog = page.get_by_role("dialog", name="Add a DID")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("textbox", name="Number", exact=True)).to_have_attribute("aria-invalid", "true")
    console.screenshots("did-add", SEEN)
    dialog.get_by_role("textbox", name="Number", exact=True).fill("18005550199")
    dialog.get_by_role("combobox", name="App").fill("calling_card")
    dialog.get_by_label("Channels").fill("lots")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_label("Channels")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_role("textbox", name="Number", exact=True)).to_have_value("18005550199")
    dialog.get_by_label("Channels").fill("4")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="DID 18005550199")).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Channels").fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("channels: 4 → –")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="DIDs")).to_be_visible()
    expect(page.get_by_text("18005550199")).to_have_count(0)


def test_a_customer_is_added_and_paid_in_and_its_limits_are_set(console: Console) -> None:
    page = console.open("/customers")
    add(page, "Add a customer", {"Name": "Müller & <b>Söhne</b>", "ID": "77"})
    expect(page.get_by_role("heading", level=1)).to_have_text("Müller & <b>Söhne</b>")
    page.get_by_role("button", name="Pay in").click()
    dialog = page.get_by_role("dialog", name="Pay in")
    dialog.get_by_label("Amount").fill("-5")
    dialog.get_by_label("Reason").fill("invoice 1743")
    dialog.get_by_role("button", name="Pay in").click()
    expect(dialog.get_by_label("Amount")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Amount").fill("12.50")
    dialog.get_by_role("button", name="Pay in").click()
    expect(dialog).to_be_hidden()
    credit = page.get_by_role("region", name="Credit")
    expect(credit.get_by_text("12.50").first).to_be_visible()
    expect(page.get_by_role("cell", name="invoice 1743", exact=True)).to_be_visible()
    page.get_by_role("button", name="Change the limits").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Debit limit").fill("10.00")
    dialog.get_by_role("button", name="Save").click()
    expect(credit.get_by_text("22.50")).to_be_visible()
    page.get_by_role("button", name="Statement").click()
    dialog = page.get_by_role("dialog", name="Statement")
    dialog.get_by_role("button", name="Show").click()
    expect(dialog.get_by_role("row", name=re.compile("Closing balance"))).to_contain_text("12.50")
    console.screenshots("customer-statement", SEEN)


def test_an_import_names_each_line_that_is_wrong_and_then_imports_all(console: Console) -> None:
    page = console.open("/dids")
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog")
    wrong = "number,app\n18005550201,calling_card\nx,calling_card\n18005550201,survey\n"
    file: FilePayload = {"name": "dids.csv", "mimeType": "text/csv", "buffer": wrong.encode()}
    dialog.get_by_label("File").set_input_files(file)
    dialog.get_by_role("button", name="Look at it first").click()
    expect(dialog.get_by_text(re.compile("line 3|:3:"))).to_be_visible()
    expect(dialog.get_by_text(re.compile("line 4|:4:"))).to_be_visible()
    console.screenshots("did-import", SEEN)
    right = "number,app\n18005550201,calling_card\n18005550202,survey\n"
    file = {"name": "dids.csv", "mimeType": "text/csv", "buffer": right.encode()}
    dialog.get_by_label("File").set_input_files(file)
    dialog.get_by_role("button", name="Look at it first").click()
    dialog.get_by_role("button", name="Import it").click()
    expect(dialog.get_by_text("Imported", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.get_by_text("18005550202")).to_be_visible()


def test_filters_stand_in_the_address_and_go_back_with_it(console: Console) -> None:
    page = console.open("/dids")
    page.get_by_role("textbox", name="App").fill("calling_card")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"app=calling_card"))
    page.get_by_role("button", name="App").click()
    expect(page).to_have_url(re.compile(r"sort=app"))
    page.go_back()
    expect(page).not_to_have_url(re.compile(r"sort=app"))
    page.go_back()
    expect(page.get_by_role("textbox", name="App")).to_have_value("")


def test_the_filters_of_past_calls_stand_in_two_rows_and_in_pairs_on_a_telephone(console: Console) -> None:
    page = console.open("/calls")
    last = page.get_by_role("combobox", name="Unpaid")
    expect(last).to_be_visible()

    def rows() -> list[float]:
        boxes = [one.bounding_box() for one in page.locator(".filters > *").all()]
        assert len(boxes) == 12
        return sorted({box["y"] for box in boxes if box is not None})

    assert len(rows()) == 2
    console.look("telephone", "light")
    page.get_by_role("button", name="Filters").click()
    expect(last).to_be_visible()
    assert len(rows()) == 6
    console.screenshots("calls-filters", [LOOKS[3]])


def test_who_lacks_a_right_sees_neither_the_page_nor_the_button(server: Server, stranger: Console) -> None:
    server.add_operator("viola", "viewer")
    page = stranger.page
    answer = page.context.request.post(
        f"{server.url}/api/v1/session", data={"name": "viola", "password": "open the console 42"}
    )
    assert answer.ok
    stranger.open("/dids/18005550100")
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
    expect(page.get_by_role("link", name="Audit log")).to_have_count(0)
    stranger.open("/audit")
    expect(page.get_by_text("audit.read")).to_be_visible()
    stranger.open("/cards")
    expect(page.get_by_role("button", name="Generate cards")).to_have_count(0)
    assert page.context.request.post(f"{server.url}/api/v1/cards:bulk", data={}).status == 403
