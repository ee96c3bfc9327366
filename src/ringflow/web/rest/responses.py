"""How a request becomes a handler's call, and what it returns an answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias

import structlog
from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Principal
from ringflow.errors import Refused, RingflowError
from ringflow.forms.job import job_form
from ringflow.forms.json_value import json_value
from ringflow.jobs.job import Job
from ringflow.plain_text import plain
from ringflow.store.pages import Count, Page, PageRequest, WrongCursor
from ringflow.web.rest.conditions import IfMatch, Replaces, entity_tag, is_known
from ringflow.web.rest.content import Content, send_content
from ringflow.web.rest.cookies import Cookies, refuse_other_sites
from ringflow.web.rest.event_feed import EventFeed, LastEventId, send_feed
from ringflow.web.rest.export import EXPORTS, MEDIA, Format, exported, format_of
from ringflow.web.rest.fields import FieldsInput, Selection, form_of, select_fields, shows_forms
from ringflow.web.rest.operation import PREFIX, Operation
from ringflow.web.rest.problem import CONTENT_TYPE, problem
from ringflow.web.rest.raw_body import RawBody, read_raw_body
from ringflow.web.rest.refusals import RequestRefused, headers_of, our_failure
from ringflow.web.rest.repetition import Answer, AnsweredBefore, Once, Repeatable
from ringflow.web.rest.request_input import (
    JSON_TYPE,
    MAX_NUMBER,
    Input,
    read_body,
    read_bytes,
    read_query,
    refuse_unfit,
)
from ringflow.web.rest.sender import Sender, sender_of
from ringflow.web.rest.services import Services
from ringflow.web.rest.stream import Stream, send_stream
from ringflow.web.security_headers import SECURITY_HEADERS

log = structlog.get_logger("ringflow.api")

Answered: TypeAlias = Answer | Content | EventFeed | Stream

_UNWANTED = re.compile(r";\s*[qQ]=0(?:\.0*)?\s*(?:;|$)")

ITEMS_AT_ONCE = 50
"""So many items of a page are turned into JSON without a pause: 1 ms for calls with their legs."""

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class PageInput(Input):
    """Which page of a list, and in which order."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    """At most so many."""
    cursor: str | None = Field(None, min_length=1)
    """The `next` of the page before."""
    sort: str | None = Field(None, min_length=1)
    """One of the list's sorts; with `-` before it the other way round."""
    count: Count | None = None
    """Say how many rows all pages have: `exact` up to 10,000, or by an `estimate`, which PostgreSQL has."""
    format: Format | None = None
    """`csv` and `ndjson` send the whole list, or `limit` rows of it. Else what Accept says."""


class Gate(Protocol):
    """Finds out who asks, and whether they may."""

    async def admit(self, operation: Operation, request: web.Request, sender: Sender) -> Principal | None:
        """Return who asks; None: the operation is for anyone. Raises `Forbidden` and `RequestRefused`."""


def answer_to(
    operation: Operation, services: Services, gate: Gate
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return what answers requests of one operation."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            _refuse_unacceptable(request, operation)
            _refuse_unknown_encoding(request)
            sender = sender_of(request)
            cookies = Cookies(request, sender)
            principal = await gate.admit(operation, request, sender)
            made = await _carried_out(operation, services, principal, sender, cookies, request)
            if isinstance(made, EventFeed):
                still_may = partial(gate.admit, operation, request, sender)
                reader = "nobody" if principal is None else principal.name
                return await send_feed(request, made, reader, services.feeds, still_may, SECURITY_HEADERS)
            if isinstance(made, Content):
                return await _content_response(request, operation, made)
            if isinstance(made, Stream):
                return await send_stream(request, made, SECURITY_HEADERS)
            response = _response(request, made)
            cookies.write(response)
            return response
        except WrongCursor as error:
            # A list knows its cursor by another name than this layer's parameter.
            error.at = ("cursor",)
            return refused(error)
        except RingflowError as error:
            return refused(error)
        except web.RequestPayloadError:
            text = "the body cannot be read: it is cut off, or not encoded as its headers say"
            return refused(RequestRefused(HTTPStatus.BAD_REQUEST, "request.unreadable_body", text))
        except ConnectionError:
            # The client is gone, and so is nobody to answer.
            raise
        except Exception:
            # Boundary: whoever asked gets no trace of our own bug, and the log has it.
            log.exception("request failed", method=request.method, path=plain(request.path))
            return refused(our_failure())

    return answer


def refused(error: RingflowError) -> web.Response:
    """Return the answer to a request that is not carried out."""
    body = problem(error)
    return web.Response(
        status=body["status"],
        text=json.dumps(body, ensure_ascii=False),
        content_type=CONTENT_TYPE,
        headers={**SECURITY_HEADERS, **headers_of(error)},
    )


def _refuse_unacceptable(request: web.Request, operation: Operation) -> None:
    accepted = request.headers.get("Accept", "*/*")
    # A weight of 0 means: not this one (RFC 9110, section 12.4.2).
    kinds = {
        one.partition(";")[0].strip().lower() for one in accepted.split(",") if not _UNWANTED.search(one)
    }
    exports = EXPORTS if operation.takes(PageRequest) else ()
    offered = operation.media or (JSON_TYPE, CONTENT_TYPE, *exports)
    if not kinds & {"*/*", "", *offered, *(f"{one.partition('/')[0]}/*" for one in offered)}:
        raise RequestRefused(
            HTTPStatus.NOT_ACCEPTABLE,
            "request.not_acceptable",
            f"answers are {' or '.join(operation.media or (JSON_TYPE, *exports))}; Accept names others",
        )


def _refuse_unknown_encoding(request: web.Request) -> None:
    # What aiohttp unpacks; it would hand on any other as it is.
    if request.headers.get("Content-Encoding", "identity").lower() not in ("identity", "gzip", "deflate"):
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "request.unsupported_encoding",
            "a body is sent as it is, or with Content-Encoding gzip or deflate",
        )


async def _carried_out(
    operation: Operation,
    services: Services,
    principal: Principal | None,
    sender: Sender,
    cookies: Cookies,
    request: web.Request,
) -> Answered:
    async with AsyncExitStack() as files:
        given = await _given(operation, services, principal, sender, cookies, request, files)
        once = operation.takes(Once)
        if once is not None and principal is not None:
            return await _done_once(operation, services, principal, request, once, given)
        acts = operation.takes(Actor)
        if acts is not None and principal is not None:
            return await _acted(operation, services, principal, request, acts, given)
        page = operation.takes(PageRequest)
        if page is not None and (form := format_of(request)) is not Format.JSON:
            return _export(operation, services, request, form, page, given)
        result = await _read(operation, services, given)
        if page is not None:
            return await _page_answer(operation, request, result)
        return _answer(operation, request, result)


async def _read(operation: Operation, services: Services, given: dict[str, Any]) -> Any:
    """Return what the handler reads."""
    reads = operation.takes(AsyncConnection)
    if reads is None:
        return await operation.handler(**given)
    async with services.turns, services.store.reading() as connection:
        return await operation.handler(**given, **{reads: connection})


def _export(
    operation: Operation,
    services: Services,
    request: web.Request,
    form: Format,
    page: str,
    given: dict[str, Any],
) -> Stream:
    first: PageRequest = given[page]
    if first.count is not None:
        raise Refused("list.not_counted", "only pages are counted, not whole lists", ("count",))
    of = form_of(operation.returns)
    assert of is not None, "a list is one of forms"
    chosen = select_fields(of, request.query.get("fields"))

    async def read(asked: PageRequest) -> Page[Any]:
        found: Page[Any] = await _read(operation, services, {**given, page: asked})
        return found

    most = first.limit if "limit" in request.query else None
    pieces = exported(read, first, most, chosen, form, services.config.zone)
    name = f"{operation.path.split('/')[1]}.{form.value}"
    return Stream(f"{MEDIA[form]}; charset=utf-8", pieces, name)


async def _acted(
    operation: Operation,
    services: Services,
    principal: Principal,
    request: web.Request,
    acts: str,
    given: dict[str, Any],
) -> Answered:
    again = await _repeatable(operation, request, given)
    async with services.turns, services.opener(principal)() as actor:
        earlier = await again.earlier(actor) if again is not None else None
        if earlier is not None:
            return earlier
        answer = _answer(operation, request, await operation.handler(**given, **{acts: actor}))
        if again is not None and isinstance(answer, Answer):
            await again.keep(actor, answer)
    if operation.returns is Job:
        services.job_queued.set()
    return answer


async def _done_once(
    operation: Operation,
    services: Services,
    principal: Principal,
    request: web.Request,
    once: str,
    given: dict[str, Any],
) -> Answer:
    again = await _repeatable(operation, request, given)
    if again is not None:
        async with services.store.reading() as connection:
            earlier = await again.found(connection, principal)
        if earlier is not None:
            return earlier

    def answer(form: object) -> Answer:
        made = _answer(operation, request, form)
        assert isinstance(made, Answer), "only JSON is kept"
        return made

    held = Once(services.opener(principal), again, answer)
    try:
        return answer(await operation.handler(**given, **{once: held}))
    except AnsweredBefore as before:
        return before.answer


async def _repeatable(operation: Operation, request: web.Request, given: dict[str, Any]) -> Repeatable | None:
    key = request.headers.get("Idempotency-Key") if operation.is_repeatable else None
    if key is None:
        return None
    raw = operation.takes(RawBody)
    body = given[raw].digest.encode() if raw is not None else await read_bytes(request)
    return Repeatable.read(key, request.method, request.path_qs, body)


async def _given(
    operation: Operation,
    services: Services,
    principal: Principal | None,
    sender: Sender,
    cookies: Cookies,
    request: web.Request,
    files: AsyncExitStack,
) -> dict[str, Any]:
    """The handler's arguments, but for what holds the database. Raises `Refused`.

    `files` keeps what must go again when the handler has returned.
    """
    given: dict[str, Any] = {
        name: _path_value(name, request.match_info[name], kind) for name, kind in operation.in_path.items()
    }
    page = operation.takes(PageRequest)
    query = operation.model("query")
    common = [
        *(PageInput.model_fields if page else ()),
        *(FieldsInput.model_fields if shows_forms(operation) else ()),
    ]
    of_query = [*query.model_fields] if query else []
    asked = read_query(request, PageInput if page else Input, [*of_query, *common])
    if page is not None:
        assert isinstance(asked, PageInput)
        given[page] = PageRequest(asked.limit, asked.cursor, asked.sort, asked.count, bounded=True)
    if query is not None:
        given["query"] = read_query(request, query, common)
    body = operation.model("body")
    if body is not None:
        given["body"] = await read_body(request, body)
    if operation.takes(Cookies):
        refuse_other_sites(request)
    for kind, value in ((Principal, principal), (Sender, sender), (Cookies, cookies), (Services, services)):
        name = operation.takes(kind)
        if name is not None:
            given[name] = value
    match = operation.takes(IfMatch)
    if match is not None:
        given[match] = IfMatch.read(request.headers.get("If-Match"))
    replaces = operation.takes(Replaces)
    if replaces is not None:
        given[replaces] = Replaces.read(request.headers.get("If-Match"), request.headers.get("If-None-Match"))
    last = operation.takes(LastEventId)
    if last is not None:
        given[last] = LastEventId(request.headers.get("Last-Event-ID"))
    raw = operation.takes(RawBody)
    if raw is not None:
        assert operation.upload is not None
        given[raw] = await files.enter_async_context(read_raw_body(request, operation.upload))
    return given


def _path_value(name: str, text: str, kind: type[Any]) -> int | str:
    if kind is str:
        refuse_unfit(text, (name,))
        return text
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_NUMBER)):
        raise Refused("field.not_a_whole_number", f"`{name}` is a whole number", (name,), field=name)
    return min(int(text), MAX_NUMBER)


def _answer(operation: Operation, request: web.Request, result: object) -> Answered:
    if isinstance(result, Content | EventFeed | Stream):
        return result
    if result is None:
        return Answer(HTTPStatus.NO_CONTENT, None)
    headers = {"ETag": entity_tag(result)} if operation.tagged else {}
    if isinstance(result, Job):
        headers["Location"] = f"{PREFIX}/jobs/{result.id}"
        result = job_form(result)
    elif isinstance(result, Page):
        # All there is of something that is no list: nobody asks for its count.
        result = {"items": result.items, "next": result.next}
    chosen = _chosen(operation, request)
    return Answer(
        operation.status, _text(json_value(result) if chosen is None else chosen.of(result)), headers
    )


async def _page_answer(operation: Operation, request: web.Request, page: Page[Any]) -> Answer:
    """Answer with a page, of which some items at a time are turned into JSON: calls go on in between."""
    rest: dict[str, object] = {"next": page.next}
    if "count" in request.query:
        if page.count is None:
            raise Refused("list.not_counted", "this list is not counted", ("count",))
        rest["count"] = page.count
    chosen = _chosen(operation, request)
    of = json_value if chosen is None else chosen.of
    pieces = []
    for start in range(0, len(page.items), ITEMS_AT_ONCE):
        if start:
            await asyncio.sleep(0)
        pieces.append(_text([of(one) for one in page.items[start : start + ITEMS_AT_ONCE]])[1:-1])
    body = f'{{"items":[{",".join(pieces)}],{_text(rest)[1:]}'
    return Answer(operation.status, body, {"Link": _links(request, page)})


def _chosen(operation: Operation, request: web.Request) -> Selection | None:
    """Return the fields that a request names; None: it names none."""
    form = form_of(operation.returns) if "fields" in request.query and shows_forms(operation) else None
    return None if form is None else select_fields(form, request.query["fields"])


def _text(shown: object) -> str:
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def _links(request: web.Request, page: Page[Any]) -> str:
    first = request.rel_url.with_query(
        [(name, one) for name, one in request.query.items() if name != "cursor"]
    )
    links = [f'<{first}>; rel="first"']
    if page.next is not None:
        links.append(f'<{request.rel_url.update_query(cursor=page.next)}>; rel="next"')
    return ", ".join(links)


async def _content_response(
    request: web.Request, operation: Operation, content: Content
) -> web.StreamResponse:
    if _has_it(request, content.entity_tag):
        headers = SECURITY_HEADERS | {"ETag": content.entity_tag}
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return await send_content(request, content, operation.status, SECURITY_HEADERS)


def _has_it(request: web.Request, tag: str | None) -> bool:
    return request.method == "GET" and bool(tag) and is_known(request.headers.get("If-None-Match"), tag or "")


def _response(request: web.Request, answer: Answer) -> web.Response:
    headers = {**SECURITY_HEADERS, **answer.headers}
    if _has_it(request, answer.headers.get("ETag")):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    return web.Response(status=answer.status, text=answer.body, content_type=JSON_TYPE, headers=headers)
