"""Names that scripts of browsers and of Node.js expect and that are not here, with what is."""

from __future__ import annotations

import re

_NOT_DEFINED = re.compile(r"'?([A-Za-z_$][\w$]*)'? is not defined")

_MENDS = {
    "Intl": "dates and numbers are formatted by toFixed, padStart and Date's own methods here",
    "Buffer": "use btoa, atob, TextEncoder and crypto's digest('hex') or digest('base64')",
    "process": "there is no environment; give the script values as vars",
    "XMLHttpRequest": "use fetch, to hosts that config.yaml lists under scripts.hosts",
    "axios": "use fetch or require('cxCurl'), to hosts that config.yaml lists under scripts.hosts",
    "WebSocket": "use fetch, to hosts that config.yaml lists under scripts.hosts",
    "URL": "take it apart by a regular expression, or build queries with URLSearchParams",
    "window": "there is no browser; globalThis is the global object",
    "document": "there is no browser",
    "global": "globalThis is the global object",
    "structuredClone": "use JSON.parse(JSON.stringify(value))",
    "AbortController": "a request ends with the script, at the latest",
    "WebAssembly": "only JavaScript runs here",
    "Temporal": "use Date",
    "__dirname": "scripts have no files; put data into a .json file and require it",
    "__filename": "scripts have no files; put data into a .json file and require it",
}


def mend_of(message: str) -> str:
    """Return what to do about a name that is not defined, or nothing."""
    found = _NOT_DEFINED.search(message)
    return _MENDS.get(found[1], "") if found else ""
