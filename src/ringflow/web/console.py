"""The console, which the build of src/console has made (`make console`): files for browsers, and no more."""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from ringflow.web.rest.answering import refused
from ringflow.web.rest.refusals import RequestRefused
from ringflow.web.security_headers import CONSOLE_HEADERS

FOLDER = Path(__file__).parent / "static" / "console"
PATH = "/console"
# A file's name has a digest of its content in it.
_FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_FILE = re.compile(r"[A-Za-z0-9_.-]+-[A-Za-z0-9_-]{8}\.(?:js|css|svg)")


def add_console(application: web.Application, folder: Path = FOLDER) -> None:
    """Serve the console's one page at every path below `PATH`, and its files; `/` leads there.

    Anyone gets them: they hold nothing but what everybody's has. What the page shows it asks the API for.
    """

    async def to_console(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"{PATH}/")

    async def page(request: web.Request) -> web.StreamResponse:
        if not (folder / "index.html").is_file():
            text = "this Ringflow was installed without the console; `make console` builds it"
            return refused(RequestRefused(HTTPStatus.NOT_FOUND, "request.no_page", text))
        headers = {**CONSOLE_HEADERS, "Cache-Control": "no-cache", "Content-Type": "text/html; charset=utf-8"}
        return web.FileResponse(folder / "index.html", headers=headers)

    async def file(request: web.Request) -> web.StreamResponse:
        path = folder / "assets" / request.match_info["name"]
        if not _FILE.fullmatch(path.name) or not path.is_file():
            raise web.HTTPNotFound
        headers = {**CONSOLE_HEADERS, "Cache-Control": _FOR_EVER, "Content-Type": _TYPES[path.suffix]}
        return web.FileResponse(path, headers=headers)

    application.router.add_get("/", to_console)
    application.router.add_get(PATH, to_console)
    application.router.add_get(f"{PATH}/assets/{{name}}", file)
    application.router.add_get(f"{PATH}/{{path:.*}}", page)
