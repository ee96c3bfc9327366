"""All resources under `/api/v1`, and the document that describes them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from aiohttp import web

from ringflow import __version__
from ringflow.web.access.authentication import Authentication
from ringflow.web.access.setup_page import add_setup_page
from ringflow.web.api import (
    access,
    assigned_rates,
    audit_log,
    books,
    bulk,
    calendars,
    calls,
    cards,
    cli_codes,
    clis,
    customer_access,
    customers,
    dids,
    flows,
    imports,
    jobs,
    live_calls,
    money,
    operator_links,
    operator_passkeys,
    operator_second_factor,
    operator_sessions,
    originations,
    overrides,
    prompts,
    rate_maps,
    rate_sheets,
    rates,
    recordings,
    reports,
    scenarios,
    scripts,
    service_passwords,
    simulations,
    slot_types,
    speed_dials,
    system,
    trunks,
    value_lists,
    vouchers,
)
from ringflow.web.api.examples import EXAMPLES
from ringflow.web.api.me import access as own_access
from ringflow.web.api.me import account as own_account
from ringflow.web.api.me import calls as own_calls
from ringflow.web.api.me import credit as own_credit
from ringflow.web.api.me import numbers as own_numbers
from ringflow.web.api.page import add_page
from ringflow.web.console import add_console
from ringflow.web.rest.openapi import describe
from ringflow.web.rest.operation import PREFIX as PREFIX
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.refusals import RequestRefused
from ringflow.web.rest.responses import Gate, PageInput, answer_to, refused
from ringflow.web.rest.services import Services
from ringflow.web.rest.stability import without_words
from ringflow.web.security_headers import SECURITY_HEADERS
from ringflow.web.telephone import add_telephone

RESOURCES: tuple[Resource, ...] = (
    bulk.CUSTOMERS,
    bulk.CLIS,
    bulk.DIDS,
    bulk.VOUCHERS,
    imports.CUSTOMERS,
    imports.CLIS,
    imports.DIDS,
    imports.SPEED_DIALS,
    imports.ENTRIES,
    books.RESOURCE,
    rate_sheets.RESOURCE,
    customers.RESOURCE,
    service_passwords.RESOURCE,
    speed_dials.RESOURCE,
    customer_access.RESOURCE,
    clis.RESOURCE,
    cli_codes.RESOURCE,
    dids.RESOURCE,
    trunks.RESOURCE,
    cards.CARDS_MADE,
    cards.BATCHES_MADE,
    vouchers.RESOURCE,
    rates.RESOURCE,
    rate_maps.RESOURCE,
    assigned_rates.CARDS,
    assigned_rates.CUSTOMERS,
    assigned_rates.TRUNKS,
    money.ACCOUNTS,
    money.HELD,
    money.MOVED,
    originations.ASKED_FOR,
    calls.RESOURCE,
    originations.RESOURCE,
    reports.RESOURCE,
    recordings.RESOURCE,
    live_calls.RESOURCE,
    calendars.RESOURCE,
    flows.RESOURCE,
    flows.DRAFTS_KEPT,
    prompts.RESOURCE,
    scenarios.RESOURCE,
    scripts.RESOURCE,
    simulations.RESOURCE,
    flows.TEMPLATES_SHIPPED,
    slot_types.RESOURCE,
    slot_types.SCHEMAS,
    overrides.RESOURCE,
    value_lists.RESOURCE,
    audit_log.RESOURCE,
    jobs.RESOURCE,
    access.OPERATORS_KNOWN,
    access.ROLES_KNOWN,
    access.TOKENS_KNOWN,
    access.OWN_TOKENS,
    operator_passkeys.SIGN_IN,
    operator_passkeys.OWN,
    operator_passkeys.OF_OTHERS,
    operator_links.FIRST,
    operator_links.LINKS,
    operator_links.RESETS,
    operator_links.INVITATIONS,
    operator_links.OF_OTHERS,
    operator_sessions.OWN,
    operator_sessions.OWN_SESSIONS,
    operator_sessions.OF_OTHERS,
    operator_second_factor.OWN,
    operator_second_factor.OF_OTHERS,
    system.RESOURCE,
    own_access.TOKENS,
    own_access.PASSWORD,
    own_account.RESOURCE,
    own_numbers.KNOWN_BY,
    own_numbers.CALLED_BACK,
    own_numbers.DIALS,
    own_credit.CARDS_REDEEMED,
    own_credit.VOUCHERS_REDEEMED,
    own_calls.RESOURCE,
)


def add_api(application: web.Application, services: Services) -> None:
    """Have an HTTP application answer requests for the API."""
    gate = Authentication(services)
    add_resources(application, RESOURCES, services, gate)
    add_telephone(application, services, gate)
    application.router.add_get(f"{PREFIX}/openapi.json", _openapi)
    add_page(application, f"{PREFIX}/docs")
    add_setup_page(application)
    add_console(application)
    # Before all others: what they refuse is answered alike.
    application.middlewares.insert(0, _not_served)


async def _openapi(request: web.Request) -> web.Response:
    # Made when it is first asked for, and beside the calls: it takes a tenth of a second.
    text = await asyncio.to_thread(_document_text)
    return web.Response(text=text, content_type="application/json", headers=SECURITY_HEADERS)


@cache
def _document_text() -> str:
    return json.dumps(api_document(), indent=1)


def api_document() -> dict[str, Any]:
    """Return the document that describes the API."""
    return describe(RESOURCES, PageInput, __version__, PREFIX, EXAMPLES)


def released_text() -> str:
    """Return what is kept of the document with a release: what `breaking_changes` compares."""
    kept = without_words(api_document())
    for item in kept["paths"].values():
        for operation in item.values():
            answers = operation["responses"].items()
            operation["responses"] = {status: one for status, one in answers if status.startswith("2")}
    return json.dumps(kept, sort_keys=True, separators=(",", ":")).replace('},"', '},\n"') + "\n"


def add_resources(
    application: web.Application, resources: Sequence[Resource], services: Services, gate: Gate
) -> None:
    """Have an HTTP application answer requests for these resources."""
    paths = {operation.path for resource in resources for operation in resource.operations}
    for resource in resources:
        for operation in resource.operations:
            path = PREFIX + _route(operation.path, paths)
            application.router.add_route(operation.method, path, answer_to(operation, services, gate))


def _route(path: str, paths: Iterable[str]) -> str:
    """Return the path for aiohttp's router: what ends a name there is no action, such as `:rotate`."""
    actions = [re.escape(one.removeprefix(path)) for one in paths if one.startswith(f"{path}:")]
    if not actions or not path.endswith("}"):
        return path
    return f"{path[:-1]}:(?:(?!(?:{'|'.join(sorted(actions))})$)[^{{}}/])+}}"


@web.middleware
async def _not_served(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer requests that lead nowhere, or break HTTP's own rules, as all that are not carried out."""
    if not request.path.startswith("/api/"):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPNotFound:
        text = f"there is nothing at this path; {PREFIX}/openapi.json lists what there is"
        return refused(RequestRefused(HTTPStatus.NOT_FOUND, "request.unknown_path", text))
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        text = f"this path takes {allowed}"
        return refused(
            RequestRefused(
                HTTPStatus.METHOD_NOT_ALLOWED, "request.wrong_method", text, (), {"Allow": allowed}
            )
        )
    except web.HTTPRequestTimeout as error:
        text = error.text or "the request took too long"
        return refused(RequestRefused(HTTPStatus.REQUEST_TIMEOUT, "request.too_slow", text))
    except web.HTTPExpectationFailed:
        text = "of what `Expect` can ask for, only 100-continue is known"
        return refused(RequestRefused(HTTPStatus.EXPECTATION_FAILED, "request.unknown_expectation", text))
