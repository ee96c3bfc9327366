"""The console's files as browsers get them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from ringflow.web.console import add_console


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets" / "index-9azUd7nR.js").write_text("start();")
    (tmp_path / "assets" / "notes.txt").write_text("of nobody's business")
    application = web.Application()
    add_console(application, tmp_path)
    async with TestClient(TestServer(application)) as client:
        yield client


async def test_the_root_leads_to_the_console(browser: TestClient[web.Request, web.Application]) -> None:
    for path in ("/", "/console"):
        moved = await browser.get(path, allow_redirects=False)
        assert (moved.status, moved.headers["Location"]) == (302, "/console/")


@pytest.mark.parametrize("path", ["/console/", "/console/cards", "/console/apps/pinless/edit?slot=menu"])
async def test_every_path_of_the_console_is_its_one_page(
    browser: TestClient[web.Request, web.Application], path: str
) -> None:
    page = await browser.get(path)
    assert (page.status, page.content_type, await page.text()) == (200, "text/html", "<!doctype html>")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    # A new build shows at the next visit.
    assert page.headers["Cache-Control"] == "no-cache"


async def test_a_file_is_kept_for_ever_because_its_name_has_its_digest(
    browser: TestClient[web.Request, web.Application],
) -> None:
    file = await browser.get("/console/assets/index-9azUd7nR.js")
    assert (file.status, file.content_type, await file.text()) == (200, "text/javascript", "start();")
    assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("name", ["notes.txt", "%2e%2e%2findex.html", "index-ffffffff.js"])
async def test_nothing_but_the_consoles_files_is_served(
    browser: TestClient[web.Request, web.Application], name: str
) -> None:
    assert (await browser.get(f"/console/assets/{name}")).status == 404


async def test_a_ringflow_without_the_console_says_how_to_build_it(tmp_path: Path) -> None:
    application = web.Application()
    add_console(application, tmp_path / "nothing")
    async with TestClient(TestServer(application)) as client:
        answer = await client.get("/console/")
        assert answer.status == 404
        assert "make console" in (await answer.json())["detail"]
