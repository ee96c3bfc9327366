"""Names and modules that scripts of elsewhere expect and that are not here, with what is."""

from __future__ import annotations

import re

_NOT_DEFINED = re.compile(r"'?([A-Za-z_$][\w$]*)'? is not defined")

_MENDS = {
    "Intl": "dates and numbers are formatted by toFixed, padStart and Date's own methods here",
    "XMLHttpRequest": "use fetch, to hosts that config.yaml lists under scripts.hosts",
    "axios": "write `const axios = require('axios')`",
    "api": "write `const api = require('cxRest').auth(user)`",
    "moment": "use Date",
    "WebSocket": "use fetch, to hosts that config.yaml lists under scripts.hosts",
    "window": "there is no browser; globalThis is the global object",
    "document": "there is no browser",
    "global": "globalThis is the global object",
    "WebAssembly": "only JavaScript runs here",
    "Temporal": "use Date",
    "__dirname": "scripts have no files; put data into a .json file and require it",
    "__filename": "scripts have no files; put data into a .json file and require it",
}

_CALLS = "a script does not hold calls; let slots of the app play, ask and dial"
_MODULE_MENDS = {
    "cxUserspace": "there are no tables of scripts' own; use require('cxKV')",
    "cxKysely": "there are no tables of scripts' own; use require('cxKV')",
    "cxPubSub": "use require('cxKV')",
    "cxJob": "a script runs with its call and no longer; use a program with the API for the rest",
    "cxCallControl": _CALLS,
    "cxC5Server": _CALLS,
    "cxSend": "use fetch, to a service for messages that config.yaml lists under scripts.hosts",
    "cxTemplate": "use a template literal",
    "moment": "use Date",
    "dayjs": "use Date",
    "lodash": "use the language's own methods, or put its file into the folder of scripts",
    "rss-parser": "use fetch and a regular expression",
    "fs": "scripts have no files; put data into a .json file and require it",
    "http": "use fetch, to hosts that config.yaml lists under scripts.hosts",
    "https": "use fetch, to hosts that config.yaml lists under scripts.hosts",
    "request": "use fetch, to hosts that config.yaml lists under scripts.hosts",
    "node-fetch": "fetch is there without it",
}


def module_mend(wanted: str) -> str:
    """Return what to do about a module that is not there, or nothing."""
    return _MODULE_MENDS.get(wanted.removeprefix("node:"), "")


def mend_of(message: str) -> str:
    """Return what to do about a name that is not defined, or nothing."""
    found = _NOT_DEFINED.search(message)
    return _MENDS.get(found[1], "") if found else ""
