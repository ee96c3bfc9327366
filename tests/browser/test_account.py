"""Operators and what is their own, in a browser: password, second factor, sessions, tokens."""

from __future__ import annotations

import re

import pyotp
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import LOOKS, PASSWORD, Console, Server

SEEN = [LOOKS[0], LOOKS[3]]


def sign_in(console: Console, name: str, role: str = "admin") -> Page:
    """An operator of this test's own, on the page of the account."""
    server: Server = console.server
    server.add_operator(name, role)
    answer = console.page.context.request.post(
        f"{server.url}/api/v1/session", data={"name": name, "password": PASSWORD}
    )
    assert answer.ok
    return console.open("/account")


def test_a_second_factor_is_enrolled_and_turned_off(stranger: Console) -> None:
    page = sign_in(stranger, "faye")
    factor = page.get_by_role("region", name="Second factor")
    expect(factor.get_by_text("Off", exact=True)).to_be_visible()
    stranger.screenshots("account", SEEN)
    factor.get_by_role("button", name="Set it up").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your password").fill("something else 11")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_label("Your password")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
    stranger.screenshots("account-authenticator", SEEN)
    secret = dialog.get_by_role("textbox", name="Secret").input_value()
    dialog.get_by_label("Code of the authenticator").fill("12")
    dialog.get_by_role("button", name="Turn it on").click()
    expect(dialog.get_by_label("Code of the authenticator")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Code of the authenticator").fill(pyotp.TOTP(secret).now())
    dialog.get_by_role("button", name="Turn it on").click()
    expect(dialog.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(dialog.get_by_role("listitem")).to_have_count(10)
    stranger.screenshots("account-codes", SEEN)
    page.keyboard.press("Escape")
    first = dialog.get_by_role("listitem").first.inner_text()
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="Save as a file").click()
    assert first in saved.value.path().read_text()
    dialog.get_by_role("button", name="I have kept them").click()
    expect(factor.get_by_text("On", exact=True)).to_be_visible()
    assert first not in page.content()
    factor.get_by_role("button", name="Turn it off").click()
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Turn it off").click()
    expect(factor.get_by_text("Off", exact=True)).to_be_visible()


def test_a_password_is_changed_and_other_sessions_are_ended(stranger: Console, browser: Browser) -> None:
    page = sign_in(stranger, "paul")
    other = browser.new_context()
    request = other.request
    assert request.post(
        f"{stranger.server.url}/api/v1/session", data={"name": "paul", "password": PASSWORD}
    ).ok
    page.reload()
    sessions = page.get_by_role("region", name="Sessions").first
    expect(sessions.get_by_text("this one")).to_be_visible()
    ends = sessions.get_by_role("button", name=re.compile("^End the session of"))
    expect(ends).to_have_count(1)
    ends.click()
    expect(ends).to_have_count(0)
    assert request.get(f"{stranger.server.url}/api/v1/session").status == 401
    other.close()
    password = page.get_by_role("region", name="Password")
    password.get_by_label("Password now").fill(PASSWORD)
    password.get_by_label("New password").fill("another one to keep 7")
    password.get_by_label("The new one again").fill("another one")
    password.get_by_role("button", name="Change the password").click()
    expect(password.get_by_label("The new one again")).to_have_attribute("aria-invalid", "true")
    password.get_by_label("The new one again").fill("another one to keep 7")
    password.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password is changed")).to_be_visible()
    expect(password.get_by_label("Password now")).to_have_value("")


def test_the_secret_of_an_own_token_is_shown_once_and_opens_until_it_is_revoked(
    stranger: Console, browser: Browser
) -> None:
    page = sign_in(stranger, "tilda")
    page.get_by_role("button", name="Make a token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Make a token").click()
    expect(dialog.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Name").fill("billing")
    dialog.get_by_label("May").select_option("some")
    dialog.get_by_label("calls.read").check()
    stranger.screenshots("token-make", SEEN)
    dialog.get_by_role("button", name="Make a token").click()
    secret = dialog.get_by_role("textbox", name="Secret").input_value()
    stranger.screenshots("token-made", SEEN)
    dialog.get_by_role("button", name="I have kept it").click()
    tokens = page.get_by_role("region", name="Your tokens").first
    expect(tokens.get_by_text("1 right", exact=True)).to_be_visible()
    assert secret not in page.content()

    program = browser.new_context(extra_http_headers={"Authorization": f"Bearer {secret}"})

    def status(path: str) -> int:
        return program.request.get(f"{stranger.server.url}/api/v1{path}").status

    assert (status("/calls"), status("/customers")) == (200, 403)
    tokens.get_by_role("button", name="Revoke the token billing").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(tokens.get_by_text("billing")).to_have_count(0)
    assert status("/calls") == 401
    tokens.get_by_label("Status").first.select_option("true")
    expect(tokens.get_by_role("row", name=re.compile("billing"))).to_contain_text("Revoked")
    program.close()
