"""The page to read and try the API: it takes scripts and styles of its own server only, and works offline."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from ringflow.web.api.page import add_page

CONSOLE = Path(__file__).parents[3] / "src" / "console"
PATH = "/api/v1/docs"


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "page-0123456789ab.js").write_text("follow();")
    (tmp_path / "LICENSE").write_text("Apache")
    application = web.Application()
    add_page(application, PATH, tmp_path)
    async with TestClient(TestServer(application)) as client:
        yield client


async def test_the_page_takes_scripts_and_styles_of_this_server_only(
    browser: TestClient[web.Request, web.Application],
) -> None:
    page = await browser.get(PATH)
    assert (page.status, page.content_type) == (200, "text/html")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_file_is_kept_for_ever_because_its_name_has_its_digest(
    browser: TestClient[web.Request, web.Application],
) -> None:
    file = await browser.get(f"{PATH}/page-0123456789ab.js")
    assert (file.status, file.content_type, await file.text()) == (200, "text/javascript", "follow();")
    assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("name", ["LICENSE", "index.html", "%2e%2e%2fpage.py", "page-ffffffffffff.js"])
async def test_nothing_but_the_pages_files_is_served(
    browser: TestClient[web.Request, web.Application], name: str
) -> None:
    assert (await browser.get(f"{PATH}/{name}")).status == 404


async def test_a_ringflow_without_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    application = web.Application()
    add_page(application, PATH, tmp_path / "nothing")
    async with TestClient(TestServer(application)) as client:
        came = await client.get(PATH)
        assert (came.status, (await came.json())["code"]) == (404, "request.no_page")


def test_the_lock_file_has_versions_and_hashes_and_no_addresses() -> None:
    lock = json.loads((CONSOLE / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages
    assert all(one["version"] and one["integrity"].startswith("sha512-") for one in packages.values())
    assert all("resolved" not in one for one in packages.values())


def test_the_page_names_no_other_host() -> None:
    for file in (CONSOLE / "api-page").iterdir():
        assert re.findall(r"(?:https?:)?//[\w.]+\.\w+", file.read_text()) == [], file
