"""The console, which the build of src/console has made (`make console`): files for browsers, and no more."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

from ringflow.web.built_files import BuiltPage
from ringflow.web.security_headers import CONSOLE_HEADERS

FOLDER = Path(__file__).parent / "static" / "console"
PATH = "/console"
_FILE = re.compile(r"[A-Za-z0-9_.-]+-[A-Za-z0-9_-]{8}\.(?:js|css|svg)")


def add_console(application: web.Application, folder: Path = FOLDER) -> None:
    """Serve the console's one page at every path below `PATH`, and its files; `/` leads there.

    Anyone gets them: they hold nothing but what everybody's has. What the page shows it asks the API for.
    """
    console = BuiltPage("console", folder, folder / "assets", _FILE, CONSOLE_HEADERS)

    async def to_console(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"{PATH}/")

    async def page(request: web.Request) -> web.StreamResponse:
        return console.page({"Cache-Control": "no-cache"})

    application.router.add_get("/", to_console)
    application.router.add_get(PATH, to_console)
    application.router.add_get(f"{PATH}/assets/{{name}}", console.file)
    application.router.add_get(f"{PATH}/{{path:.*}}", page)
