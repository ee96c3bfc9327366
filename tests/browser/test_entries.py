"""Vouchers, and what stands in lists, in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import FilePayload, expect
from tests.browser.conftest import LOOKS, Console

SEEN = [LOOKS[0], LOOKS[3]]


def test_vouchers_are_generated_shown_once_and_disabled(console: Console) -> None:
    page = console.open("/vouchers")
    page.get_by_role("button", name="Generate vouchers").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Amount").fill("a lot")
    dialog.get_by_label("Count").fill("3")
    dialog.get_by_role("button", name="Generate vouchers").click()
    expect(dialog.get_by_label("Amount")).to_have_attribute("aria-invalid", "true")
    console.screenshots("voucher-generate", SEEN)
    dialog.get_by_label("Amount").fill("5.00")
    dialog.get_by_role("button", name="Generate vouchers").click()
    expect(dialog.get_by_text("3 vouchers are made")).to_be_visible()
    dialog.get_by_role("button", name="Show the codes").click()
    expect(dialog.get_by_role("row")).to_have_count(4)
    code = dialog.get_by_role("row").nth(1).get_by_role("cell").nth(1).inner_text()
    console.screenshots("voucher-codes", SEEN)
    with page.expect_download():
        dialog.get_by_role("button", name="CSV").click()
    page.context.add_init_script("window.print = () => {}")
    with page.expect_popup() as popup:
        dialog.get_by_role("button", name="Print a sheet").click()
    printed = popup.value
    expect(printed.locator("svg")).to_have_count(3)
    # Callers key the code alone.
    assert printed.title() == "Vouchers"
    first = printed.locator(".card").first.inner_text().split()
    assert (first[0], "".join(first[1:])) == ("Code", code)
    printed.close()
    dialog.get_by_role("button", name="Close").last.click()
    assert code not in page.content()
    page.get_by_role("link", name="1", exact=True).click()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("Disabled", exact=True)).to_be_visible()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("Available", exact=True)).to_be_visible()
    console.screenshots("page-voucher", SEEN)


def test_entries_of_a_list_are_added_imported_and_deleted(console: Console) -> None:
    page = console.open("/lists")
    page.get_by_role("button", name="Add a list").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("blocked")
    dialog.get_by_role("button", name="Add", exact=True).click()
    entries = page.get_by_role("region", name="Entries").first
    page.get_by_role("button", name="Add an entry").click()
    dialog.get_by_label("Entry").fill("nobody's number")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Entry").fill("12127773456")
    dialog.get_by_label("Notes").fill("asked not to be called")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(entries.get_by_role("cell", name="12127773456", exact=True)).to_be_visible()
    page.get_by_role("button", name="Import entries").click()
    sheet = b"entry,notes\n12127773457,x\n12127773458,y\n"
    file: FilePayload = {"name": "blocked.csv", "mimeType": "text/csv", "buffer": sheet}
    dialog.get_by_label("File").set_input_files(file)
    dialog.get_by_role("button", name="Look at it first").click()
    dialog.get_by_role("button", name="Import it").click()
    expect(dialog.get_by_text("Imported", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    expect(entries.get_by_text("3 rows")).to_be_visible()
    console.screenshots("page-list", SEEN)
    entries.get_by_role("button", name=re.compile("12127773456")).click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(entries.get_by_text("2 rows")).to_be_visible()
