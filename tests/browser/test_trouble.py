"""A lost connection, an ended session, a restarted server, a full disk: nothing that was typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.conftest import PASSWORD, Console, Server, serve


@dataclass
class Restartable:
    """A server that can be stopped, and started again at the same address."""

    console: Console
    close: ExitStack

    def stop(self) -> None:
        self.close.close()

    def start(self) -> None:
        old = self.console.server
        assert old.config.http is not None
        http = old.config.http.model_copy(update={"port": int(old.url.rpartition(":")[2])})
        self.console.server = serve(old.config.model_copy(update={"http": http}), self.close)


@pytest.fixture
def own(server: Server, browser: Browser) -> Iterator[Restartable]:
    """A page where ann has signed in, at a second server of the same folder."""
    with ExitStack() as close:
        charging = server.config.charging.model_copy(update={"server": "second"})
        one = serve(server.config.model_copy(update={"charging": charging}), close)
        context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
        signed = context.request.post(f"{one.url}/api/v1/session", data={"name": "ann", "password": PASSWORD})
        assert signed.ok
        console = Console(context.new_page(), one)
        # What the browser itself says of connections that fail is no fault of the page.
        console.page.on("pageerror", lambda error: console.said.append(str(error)))
        yield Restartable(console, close)
        context.close()
    assert console.said == []


def draft_text(console: Console, app: str) -> str:
    answer = console.page.request.get(f"{console.server.url}/api/v1/flows/{app}/draft")
    return answer.text() if answer.ok else ""


def minimum(page: Page) -> Locator:
    return page.get_by_label("Min", exact=True)


def opened(console: Console) -> Page:
    page = console.open("/apps/calling_card")
    page.locator(".svelte-flow__node-slot", has_text="IVR").first.click()
    expect(minimum(page)).to_be_visible()
    expect(page.get_by_role("button", name="No problems")).to_be_visible()
    return page


def test_the_builder_keeps_what_was_typed_while_the_server_is_away_and_saves_it_by_itself(
    own: Restartable,
) -> None:
    page = opened(own.console)
    own.stop()
    minimum(page).fill("7")
    expect(page.get_by_text("Draft not saved")).to_be_visible()
    expect(page.get_by_text("Your text stays here")).to_be_visible()
    expect(page.get_by_text("Trying again; nothing that you typed is lost")).to_be_visible()
    # What needs the server says so, and stays open.
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("dialog", name="Publish calling_card")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Call this flow").click()
    telephone = page.get_by_role("region", name="Telephone")
    minimum(page).fill("8")
    own.start()
    expect(page.get_by_text("Draft saved by ann")).to_be_visible()
    expect(page.get_by_role("button", name="No problems")).to_be_visible()
    expect(page.get_by_text("Trying again")).to_have_count(0)
    assert "min: 8\n" in draft_text(own.console, "calling_card")
    # The telephone calls again by the new server, and says what became of a call when that one goes.
    telephone.get_by_role("button", name="Call", exact=True).click()
    expect(telephone.get_by_text("in ivr[1] of calling_card")).to_be_visible()
    own.stop()
    expect(telephone.get_by_role("alert")).to_be_visible()
    telephone.get_by_role("button", name="Call again").click()
    expect(telephone.get_by_text("The telephone cannot be reached")).to_be_visible()
    own.start()
    telephone.get_by_role("button", name="Call", exact=True).click()
    expect(telephone.get_by_text("in ivr[1] of calling_card")).to_be_visible()


def test_what_a_full_disk_keeps_from_being_saved_is_there_after_the_page_is_loaded_again(
    console: Console,
) -> None:
    page = opened(console)
    said = "the disk is full: no draft can be saved until there is room again"
    full = f'{{"status": 507, "code": "database.full", "title": "x", "detail": "{said}"}}'
    page.route(
        "**/flows/calling_card/draft",
        lambda route: (
            route.fulfill(status=507, content_type="application/problem+json", body=full)
            if route.request.method == "PUT"
            else route.continue_()
        ),
    )
    minimum(page).fill("9")
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.locator(".text .cm-line", has_text="min: 9")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_text("Draft not saved")).to_be_visible()
    expect(page.locator(".text .cm-line", has_text="min: 9")).to_be_visible()
    page.unroute("**/flows/calling_card/draft")
    expect(page.get_by_text("Draft saved by ann")).to_be_visible()
    assert "min: 9\n" in draft_text(console, "calling_card")


def test_whose_session_has_ended_signs_in_over_the_builder_and_goes_on(console: Console) -> None:
    page = opened(console)
    page.context.clear_cookies()
    minimum(page).fill("6")
    again = page.get_by_role("dialog", name="Sign in")
    again.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(again).to_be_hidden()
    expect(page.get_by_text("Draft saved by ann")).to_be_visible()
    expect(page.get_by_role("button", name="No problems")).to_be_visible()
    assert "min: 6\n" in draft_text(console, "calling_card")
