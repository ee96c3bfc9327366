"""The page that links lead to by which somebody sets a password. It asks the API like any program.

It is a page of the console, or where Ringflow was built without the console, one of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from ringflow.accounts.access.password_links import PAGE
from ringflow.web.built_files import file_answer
from ringflow.web.console import FOLDER as CONSOLE
from ringflow.web.console import PATH as CONSOLE_PATH
from ringflow.web.security_headers import PAGE_HEADERS

_FOLDER = Path(__file__).with_name("setup")


def add_setup_page(application: web.Application) -> None:
    """Serve the page and its files, to anyone: it holds nothing but what everybody's has."""
    application.router.add_get(PAGE, _page)
    for name in ("setup.js", "setup.css"):
        application.router.add_get(f"{PAGE}/{name}", _file(name))


async def _page(request: web.Request) -> web.StreamResponse:
    if (CONSOLE / "index.html").is_file():
        # Browsers keep what stands behind the # of the link.
        raise web.HTTPFound(f"{CONSOLE_PATH}{PAGE}")
    return await _file("index.html")(request)


def _file(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def file(request: web.Request) -> web.StreamResponse:
        return file_answer(_FOLDER / name, PAGE_HEADERS)

    return file
