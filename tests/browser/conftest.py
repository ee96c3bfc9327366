"""The console in a real browser: a server on a fresh data folder, an operator, a page at two sizes.

A module shares one server and one browser. A test gets a page of its own, and fails where the browser's
console says anything until its end.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright

from ringflow.accounts import operators
from ringflow.accounts.operators import Operator, new_password_hash
from ringflow.accounts.passwords import Passwords
from ringflow.actor import acting, shell_operator
from ringflow.app import Application, running
from ringflow.config import Config

PROJECT = Path(__file__).parents[2]
BUILT = PROJECT / "src" / "ringflow" / "web" / "static" / "console" / "index.html"
AXE = PROJECT / "src" / "console" / "node_modules" / "axe-core" / "axe.min.js"
ARTIFACTS = PROJECT / ".ringflow" / "browser"
"""Where screenshots are kept, to be looked at."""

Size = Literal["desktop", "telephone"]
Scheme = Literal["light", "dark"]
SIZES: dict[str, tuple[int, int]] = {"desktop": (1280, 800), "telephone": (390, 844)}
LOOKS: list[tuple[Size, Scheme]] = [
    ("desktop", "light"),
    ("desktop", "dark"),
    ("telephone", "light"),
    ("telephone", "dark"),
]
"""In which the screenshots of a page are made."""

PASSWORD = "open the console 42"
LIMIT_MS = 20_000
"""Until when an expectation must come true; a test that passes waits for none of it."""
expect.set_options(timeout=LIMIT_MS)


@dataclass
class Server:
    """A server that runs in a thread of its own, so that tests may wait for the browser."""

    config: Config
    application: Application
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.application.http_port}"

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Have the server's own loop do something, such as to write to the database."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def add_operator(self, name: str, role: str = "admin", password: str = PASSWORD) -> None:
        """Let somebody sign in."""

        async def add() -> None:
            kept = await new_password_hash(Passwords(), password, name)
            async with acting(self.application.core.store, shell_operator("tests"), "US") as actor:
                await operators.add(actor, Operator(name, role), kept)

        self.do(add())


def serve(config: Config, close: ExitStack) -> Server:
    """Start a server, which ends when `close` does."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started: list[Application | BaseException] = []
    ready = threading.Event()

    async def run() -> None:
        try:
            async with running(config) as application:
                started.append(application)
                ready.set()
                await stop.wait()
        except BaseException as error:
            started.append(error)
            ready.set()
            raise

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()

    close.callback(end)
    ready.wait(60)
    if isinstance(started[0], BaseException):
        raise started[0]
    return Server(config, started[0], loop)


@contextmanager
def serving(admin: str, configured: Callable[[], Config]) -> Iterator[Server]:
    """A server with secrets for tests only, and an admin of this name."""
    if not BUILT.is_file():
        _missing("the console is not built: make console")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as close:
        patch.setenv("RINGFLOW_SECURITY_KEY", "a secret for tests only")
        patch.setenv("RINGFLOW_PIN_PEPPER", "v1:a-pepper-for-tests-only")
        one = serve(configured(), close)
        one.add_operator(admin)
        yield one


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    config_in: Callable[[Path], Config],
    with_own_files: Callable[[Config, Path], Config],
) -> Iterator[Server]:
    """A server of the shipped flows on a fresh folder, with the admin `ann`."""
    folder = tmp_path_factory.mktemp("console")
    with serving("ann", lambda: with_own_files(config_in(folder), folder)) as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        _missing("Chromium is missing: apt install chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(
            executable_path=program, args=[*sandbox, "--use-fake-ui-for-media-stream"]
        )
        yield one
        one.close()


def _missing(what: str) -> None:
    # With CI=true a skip is a failure.
    pytest.skip(what)


@dataclass
class Console:
    """A page of the console, as somebody sees it."""

    page: Page
    server: Server
    said: list[str] = field(default_factory=list)
    """What the browser's own console has said, beside answers of the API with 4xx, which are no fault."""

    def open(self, path: str = "/") -> Page:
        """Go to a path below /console, and wait until its heading is there."""
        self.page.goto(f"{self.server.url}/console{path}")
        self.page.locator("h1").first.wait_for()
        return self.page

    def look(self, size: Size, scheme: Scheme) -> None:
        width, height = SIZES[size]
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme)

    def screenshots(self, name: str, looks: list[tuple[Size, Scheme]] = LOOKS) -> None:
        """Keep a picture of the page at each size and in each scheme, each without a finding of axe."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        for size, scheme in looks:
            self.look(size, scheme)
            self.page.screenshot(path=ARTIFACTS / f"{name}-{size}-{scheme}.png")
            self.accessible()
        self.look(*LOOKS[0])

    def accessible(self) -> None:
        """Fail where axe finds anything (WCAG 2.2 AA), or where the page is wider than the window."""
        page = self.page
        if not page.evaluate("'axe' in window"):
            # Not as a script of the page, which its policy would refuse.
            page.evaluate(AXE.read_text())
        found = page.evaluate(
            """async () => (await axe.run(document, {
                 runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
                 resultTypes: ["violations"],
               })).violations.map(
                 (one) => `${one.id}: ${one.help}: ${one.nodes.map((n) => n.html).join(" ")}`
               )"""
        )
        assert found == []
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{page.url} is {wide} px wider than the window"

    def listen(self) -> None:
        """Note what the browser's console says."""

        def said(message: ConsoleMessage) -> None:
            address = message.location.get("url", "")
            if message.text.startswith("Failed to load resource") and "/api/" in address:
                return
            self.said.append(f"{message.type}: {message.text} ({address})")

        def failed(error: Error) -> None:
            self.said.append(f"uncaught: {error}")

        self.page.on("console", said)
        self.page.on("pageerror", failed)


@pytest.fixture(scope="module")
def signed_in(server: Server, browser: Browser) -> Any:
    """The cookies of ann's session."""
    context = browser.new_context()
    answer = context.request.post(f"{server.url}/api/v1/session", data={"name": "ann", "password": PASSWORD})
    assert answer.status == 201, answer.text()
    state = context.storage_state()
    context.close()
    return state


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note that a test has failed, for the picture of its page."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
def console(
    request: pytest.FixtureRequest, server: Server, browser: Browser, signed_in: Any
) -> Iterator[Console]:
    """A page at desktop size, where ann has signed in. At the end the browser's console must be empty."""
    yield from _opened(request, server, browser, signed_in)


@pytest.fixture
def stranger(request: pytest.FixtureRequest, server: Server, browser: Browser) -> Iterator[Console]:
    """The same where nobody has signed in."""
    yield from _opened(request, server, browser, None)


def _opened(
    request: pytest.FixtureRequest, server: Server, browser: Browser, state: Any
) -> Iterator[Console]:
    width, height = SIZES["desktop"]
    context = browser.new_context(
        storage_state=state,
        locale="en-US",
        timezone_id="Europe/Berlin",
        viewport={"width": width, "height": height},
        accept_downloads=True,
        reduced_motion="reduce",
    )
    context.set_default_timeout(LIMIT_MS)
    one = Console(context.new_page(), server)
    one.listen()
    yield one
    failed = request.node.stash.get(_FAILED, True)
    if failed:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name[:80])
        one.page.screenshot(path=ARTIFACTS / f"failed-{name}.png")
    context.close()
    if not failed:
        assert one.said == []
