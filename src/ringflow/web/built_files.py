"""Files for browsers, served from a folder: a page, and what the page loads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from ringflow.web.rest.refusals import RequestRefused
from ringflow.web.rest.responses import refused

FOR_EVER: Mapping[str, str] = {"Cache-Control": "public, max-age=31536000, immutable"}
"""Of a file whose name has a digest of its content in it."""
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_TEXTS = frozenset({".html", ".js", ".css"})


@dataclass(frozen=True, slots=True)
class BuiltPage:
    """A page that the build of src/console has made: `index.html` of a folder, and its files.

    `files`: the folder that those are in; `names`: what their names are like. `headers` go with all of them.
    """

    name: str
    folder: Path
    files: Path
    names: re.Pattern[str]
    headers: Mapping[str, str]

    def page(self, headers: Mapping[str, str] | None = None) -> web.StreamResponse:
        """Return the page with more headers, or where it was not built, how to build it."""
        if not (self.folder / "index.html").is_file():
            text = f"this Ringflow was installed without the {self.name}; `make console` builds it"
            return refused(RequestRefused(HTTPStatus.NOT_FOUND, "request.no_page", text))
        return file_answer(self.folder / "index.html", {**self.headers, **(headers or {})})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer a request for the file that its path has as `name`."""
        path = self.files / request.match_info["name"]
        if not self.names.fullmatch(path.name) or not path.is_file():
            raise web.HTTPNotFound
        return file_answer(path, {**self.headers, **FOR_EVER})


def file_answer(path: Path, headers: Mapping[str, str]) -> web.FileResponse:
    """Return a file with its type by the end of its name: systems have lists of types that differ."""
    charset = "; charset=utf-8" if path.suffix in _TEXTS else ""
    return web.FileResponse(path, headers={**headers, "Content-Type": f"{_TYPES[path.suffix]}{charset}"})
