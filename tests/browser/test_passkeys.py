"""Passkeys in a browser, by Chromium's own authenticator in software (CDP WebAuthn)."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect
from tests.browser.conftest import LOOKS, PASSWORD, Console, Server, serving

from ringflow.config import Config, HttpConfig, SignInConfig

SEEN = [LOOKS[0], LOOKS[3]]


class AtHome(Server):
    """A server that browsers reach by a name: they know no passkeys of addresses."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.application.http_port}"


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    config_in: Callable[[Path], Config],
    with_own_files: Callable[[Config, Path], Config],
) -> Iterator[Server]:
    """A server where an admin needs two factors, with the admin `kay`."""
    folder = tmp_path_factory.mktemp("passkeys")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def configured() -> Config:
        sign_in = SignInConfig(url=f"http://localhost:{port}", second_factor_for=("admin",))
        config = with_own_files(config_in(folder), folder)
        return config.model_copy(update={"http": HttpConfig(port=port), "sign_in": sign_in})

    with serving("kay", configured) as one:
        yield AtHome(one.config, one.application, one.loop)


def authenticator(page: Page) -> tuple[CDPSession, str]:
    """Give the page an authenticator that knows its owner's finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def test_a_passkey_is_added_opens_the_console_by_itself_and_is_removed(stranger: Console) -> None:
    page = stranger.open("/")
    session, of = authenticator(page)
    page.get_by_label("Name").fill("kay")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_label("Password", exact=True)).to_have_count(0)
    page.goto(f"{stranger.server.url}/console/account")
    passkeys = page.get_by_role("region", name="Passkeys")
    passkeys.get_by_role("button", name="Add a passkey").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name of the passkey").fill("office laptop")
    dialog.get_by_label("Your password").fill("not this one 11")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_label("Your password")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Go on").click()
    expect(passkeys.get_by_text("office laptop")).to_be_visible()
    expect(passkeys.get_by_text("not used yet")).to_be_visible()
    stranger.screenshots("account-passkeys", SEEN)
    # The same authenticator has one already.
    passkeys.get_by_role("button", name="Add a passkey").click()
    dialog.get_by_label("Name of the passkey").fill("once more")
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("No passkey was made")
    dialog.get_by_role("button", name="Cancel").click()
    passkeys.get_by_role("button", name="Rename the passkey office laptop").click()
    dialog.get_by_label("Name of the passkey").fill("key ring")
    dialog.get_by_role("button", name="Rename").click()
    expect(passkeys.get_by_text("key ring")).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{stranger.server.url}/console/account")
    button = page.get_by_role("button", name="Sign in with a passkey")
    expect(button).to_be_visible()
    stranger.screenshots("sign-in-passkey", SEEN)
    # Somebody else's finger.
    session.send("WebAuthn.setUserVerified", {"authenticatorId": of, "isUserVerified": False})
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey has answered")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": of, "isUserVerified": True})
    button.click()
    # It is both factors: without it an admin may do nothing here.
    sessions = page.get_by_role("region", name="Sessions").first
    expect(sessions.get_by_text("this one")).to_be_visible()
    kept = session.send("WebAuthn.getCredentials", {"authenticatorId": of})["credentials"]
    assert [one["signCount"] > 1 for one in kept] == [True]
    passkeys.get_by_role("button", name="Remove the passkey key ring").click()
    dialog.get_by_role("button", name="Remove", exact=True).click()
    # With it the session is over that it had begun; who signs in again finds it gone.
    again = page.get_by_role("dialog").filter(has=page.get_by_text(re.compile("Your session has ended")))
    again.get_by_role("button", name="Sign in with a passkey").click()
    expect(again.get_by_role("alert")).to_contain_text("passkey is not known")
