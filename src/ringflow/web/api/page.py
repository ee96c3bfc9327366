"""The page to read and try the API, which the build of src/console has made (`make console`)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from ringflow.web.rest.answering import refused
from ringflow.web.rest.refusals import RequestRefused
from ringflow.web.security_headers import PAGE_HEADERS

FOLDER = Path(__file__).parents[1] / "static" / "api"
# A file's name has a digest of its content in it.
_FILE_HEADERS = {**PAGE_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_FILE = re.compile(r"[a-z-]+-[0-9a-f]{12}\.(?:js|css)")


def add_page(application: web.Application, path: str, folder: Path = FOLDER) -> None:
    """Serve the page at a path, and its files below it; without a token, as the document is."""
    application.router.add_get(path, _page(folder))
    application.router.add_get(f"{path}/{{name}}", _file(folder))


def _page(folder: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def page(request: web.Request) -> web.StreamResponse:
        if not (folder / "index.html").is_file():
            text = "this Ringflow was installed without the page; `make console` builds it"
            return refused(RequestRefused(HTTPStatus.NOT_FOUND, "request.no_page", text))
        return web.FileResponse(
            folder / "index.html", headers={**PAGE_HEADERS, "Content-Type": "text/html; charset=utf-8"}
        )

    return page


def _file(folder: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def file(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = folder / name
        if not _FILE.fullmatch(name) or not path.is_file():
            raise web.HTTPNotFound
        kind = f"{_TYPES[path.suffix]}; charset=utf-8"
        return web.FileResponse(path, headers={**_FILE_HEADERS, "Content-Type": kind})

    return file
