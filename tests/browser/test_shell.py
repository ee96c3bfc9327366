"""Signing in, what stands around every page, and a list, in a browser."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.browser.conftest import PASSWORD, Console


def test_somebody_signs_in_is_shown_the_page_that_was_asked_for_and_signs_out(stranger: Console) -> None:
    page = stranger.open("/cards")
    stranger.screenshots("sign-in")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("something else 11")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("password")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Calling cards")).to_be_visible()
    page.get_by_role("button", name="Signed in as ann").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_the_list_of_cards_is_accessible_at_both_sizes_in_both_schemes(console: Console) -> None:
    page = console.open("/cards")
    expect(page.get_by_text("No card yet")).to_be_visible()
    console.screenshots("cards-empty")


def test_who_was_signed_out_meanwhile_signs_in_again_and_goes_on_where_they_were(console: Console) -> None:
    page = console.open("/cards")
    expect(page.get_by_text("No card yet")).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("searchbox", name="Search: Calling cards").fill("spring")
    again = page.get_by_role("dialog", name="Sign in")
    expect(again.get_by_label("Name")).to_have_value("ann")
    console.accessible()
    again.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(again).to_be_hidden()
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("spring")


def test_the_palette_leads_to_a_page_without_a_mouse(console: Console) -> None:
    page = console.open("/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search everything")).to_be_focused()
    page.keyboard.type("calling")
    expect(page.get_by_role("option", name="Calling cards")).to_be_visible()
    console.screenshots("palette")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Calling cards")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_the_whole_console_speaks_german_too(console: Console) -> None:
    page = console.open("/cards")
    page.get_by_role("button", name="Signed in as ann").click()
    page.get_by_label("Language").select_option("de")
    expect(page.get_by_role("heading", name="Telefonkarten")).to_be_visible()
    expect(page.get_by_role("button", name="Angemeldet als ann")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Telefonkarten")).to_be_visible()
