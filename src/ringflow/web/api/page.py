"""The page to read and try the API, which the build of src/console has made (`make console`)."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

from ringflow.web.built_files import BuiltPage
from ringflow.web.security_headers import PAGE_HEADERS

FOLDER = Path(__file__).parents[1] / "static" / "api"
_FILE = re.compile(r"[a-z-]+-[0-9a-f]{12}\.(?:js|css)")


def add_page(application: web.Application, path: str, folder: Path = FOLDER) -> None:
    """Serve the page at a path, and its files below it; without a token, as the document is."""
    built = BuiltPage("page", folder, folder, _FILE, PAGE_HEADERS)

    async def page(request: web.Request) -> web.StreamResponse:
        return built.page()

    application.router.add_get(path, page)
    application.router.add_get(f"{path}/{{name}}", built.file)
