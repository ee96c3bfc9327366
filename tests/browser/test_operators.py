"""Operators, roles and everybody's tokens, in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.conftest import LOOKS, PASSWORD, Console

SEEN = [LOOKS[0], LOOKS[3]]


def test_an_operator_is_invited_disabled_and_gets_another_role(console: Console, stranger: Console) -> None:
    page = console.open("/operators")
    page.get_by_role("button", name="Invite an operator").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("no name!")
    dialog.get_by_role("button", name="Invite", exact=True).click()
    expect(dialog.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Name").fill("bob")
    dialog.get_by_label("Role").select_option("support")
    console.screenshots("operator-invite", SEEN)
    dialog.get_by_role("button", name="Invite", exact=True).click()
    link = dialog.get_by_role("textbox", name="Link").input_value()
    console.screenshots("operator-link", SEEN)
    dialog.get_by_role("button", name="Done").click()
    assert link.partition("#")[2] not in page.content()
    expect(page.get_by_role("link", name="bob")).to_be_visible()
    console.screenshots("page-operators", SEEN)

    bobs = stranger.page
    bobs.goto(stranger.server.url + "/console/setup#" + link.partition("#")[2])
    bobs.get_by_label("Password", exact=True).fill(PASSWORD)
    bobs.get_by_label("The same again").fill(PASSWORD)
    bobs.get_by_role("button", name="Set the password").click()
    expect(bobs.get_by_role("heading", name="Overview")).to_be_visible()

    page.get_by_role("link", name="bob").click()
    sessions = page.get_by_role("region", name="Sessions").first
    expect(sessions.get_by_role("row", name=re.compile("Chrome"))).to_be_visible()
    console.screenshots("page-operator", SEEN)
    page.get_by_role("button", name="Edit").click()
    dialog.get_by_label("Role").select_option("viewer")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Operator bob").get_by_text("viewer")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    dialog.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("Disabled", exact=True)).to_be_visible()
    expect(sessions.get_by_text("No session")).to_be_visible()
    assert bobs.request.get(f"{stranger.server.url}/api/v1/session").status == 401
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("Enabled", exact=True)).to_be_visible()
    page.get_by_role("button", name="Link for a new password").click()
    dialog.get_by_role("button", name="Make a link").click()
    expect(dialog.get_by_role("textbox", name="Link")).to_have_value(re.compile("#."))
    dialog.get_by_role("button", name="Done").click()


def test_a_role_is_added_changed_and_deleted(console: Console) -> None:
    page = console.open("/roles")
    expect(page.get_by_role("columnheader", name="admin")).to_be_visible()
    page.get_by_role("button", name="Add a role").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("night")
    dialog.get_by_label("calls.read").check()
    console.screenshots("role-add", SEEN)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_be_hidden()
    column = page.get_by_role("columnheader", name="night")
    expect(column).to_be_visible()
    console.screenshots("page-roles", SEEN)
    page.get_by_role("button", name="Edit role night").click()
    expect(dialog.get_by_label("calls.read")).to_be_checked()
    dialog.get_by_label("calls.control").check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    role = page.request.get(f"{console.server.url}/api/v1/roles/night").json()
    assert role["rights"] == ["calls.control", "calls.read"]
    page.get_by_role("button", name="Edit role night").click()
    dialog.get_by_role("button", name="Delete the role").click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(column).to_have_count(0)


def test_the_tokens_of_all_are_listed_and_one_is_made_for_somebody(console: Console) -> None:
    page = console.open("/tokens")
    expect(page.get_by_text("No token yet")).to_be_visible()
    page.get_by_role("button", name="Make a token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Operator").fill("nobody")
    dialog.get_by_label("Name").fill("reports")
    dialog.get_by_role("button", name="Make a token").click()
    expect(dialog.get_by_role("alert")).to_contain_text("nobody")
    dialog.get_by_label("Operator").fill("ann")
    dialog.get_by_role("button", name="Make a token").click()
    dialog.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_role("cell", name="reports", exact=True)).to_be_visible()
    console.screenshots("page-tokens", SEEN)
