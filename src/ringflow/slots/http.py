"""Slot `http`: asks another host over HTTP, and goes on by what it answers."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from urllib.parse import quote, urlencode

from pydantic import Field

from ringflow.calls.http_requests import FlowRequest
from ringflow.calls.json_value import JsonValue, UnusableValue, as_text, look_up
from ringflow.calls.orders import Redirected
from ringflow.config import NAME_PATTERN
from ringflow.errors import ChannelGone
from ringflow.flows.exit_rules import ExitRule, each_key, fixed
from ringflow.flows.slot import (
    ANSWER_PATH_PATTERN,
    DONE,
    EXIT_PATTERN,
    ID_PATTERN,
    FieldProblem,
    OwnExits,
    SinglePrompt,
    Slot,
    SlotGroup,
    VariableName,
)
from ringflow.flows.template import Template, TextError
from ringflow.flows.value_template import ValueTemplate
from ringflow.http_client.allowed_hosts import MAX_URL, UnusableUrl, host_of
from ringflow.http_client.request import HttpAnswer, HttpFailed, HttpRequest
from ringflow.wording import did_you_mean, quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call
    from ringflow.calls.http_requests import PendingAnswer

REFUSED, FAILED = "refused", "failed"
MAX_RESULTS = 50
MAX_REQUEST_BODY = 256 * 1024
_BEGINNING = re.compile(r"https?://[^/?#@\\]+/", re.ASCII | re.IGNORECASE)
_STATUS = re.compile(r"[1-5](xx|[0-9]{2})")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_OURS = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "idempotency-key", "te",
        "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""Headers on which the connection depends, or that Ringflow writes."""
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

AnswerPath = Annotated[str, Field(pattern=ANSWER_PATH_PATTERN)]


class _CannotAsk(Exception):
    """What the variables of a call make of a request, and no server can be asked."""


class Http(Slot):
    """Asks another host over HTTP; what it answers sets variables and chooses the exit."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.SERVICES
    without_default: ClassVar[tuple[str, ...]] = ("timeout",)
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, REFUSED, FAILED)
    needs_caller: ClassVar[bool] = False
    own_exits: ClassVar[OwnExits | None] = OwnExits(
        EXIT_PATTERN, "statuses such as `404` and `5xx`, and values that stand at `exit_by`"
    )

    url: Template
    """The URL. It begins with `https://HOST/` or `http://HOST/`, and the host is listed in
    `http_requests.hosts` of `config.yaml`. The value of a `${...}` is written so that it stays one part of
    the URL."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    """How it asks; `GET`, and with `body` or `form` `POST`."""
    query: Annotated[dict[str, Template], Field(max_length=MAX_RESULTS)] = Field(default_factory=dict)
    """What stands after the `?` of the URL."""
    body: ValueTemplate | None = None
    """What is sent as JSON: any value, with `${...}` in its texts. A text that is one `${name}` and nothing
    else sends the value itself."""
    form: Annotated[dict[str, Template], Field(max_length=MAX_RESULTS)] = Field(default_factory=dict)
    """What is sent as a form, instead of `body`."""
    headers: Annotated[dict[str, Template], Field(max_length=MAX_RESULTS)] = Field(default_factory=dict)
    """Further headers."""
    secret_headers: Annotated[
        dict[str, Annotated[str, Field(pattern=NAME_PATTERN)]], Field(max_length=MAX_RESULTS)
    ] = Field(default_factory=dict)
    """Headers whose values nobody sees: each with the name of a secret in `http_requests.secrets`."""
    timeout: Annotated[float, Field(ge=0.1, le=30)] = 10.0
    """How many seconds a try may take, until the whole answer is there. `timeout` in the app's `defaults`
    does not count here: that is for ringing."""
    retries: Annotated[int, Field(ge=0, le=3)] = 0
    """How often it is tried again where there is no connection or no answer, and after 429, 502, 503 and
    504."""
    results: Annotated[dict[VariableName, AnswerPath], Field(max_length=MAX_RESULTS)] = Field(
        default_factory=dict
    )
    """Variables, each with what it gets: `status`, `body` or a part of it such as `body.items.0.name`, or a
    header such as `headers.etag`. What is not there is null."""
    exit_by: AnswerPath | None = None
    """What of the answer names the exit, if its value stands under `on`: such as `body.state`."""
    wait_file: SinglePrompt | None = None
    """Played while the answer is waited for, to its end."""
    music_class: Annotated[str, Field(pattern=ID_PATTERN, max_length=64)] | None = None
    """Music on hold until the answer is there, after `wait_file`; otherwise silence."""

    def problems(self) -> Iterator[FieldProblem]:
        """A URL whose host a variable would choose, two bodies, headers that are not the flow's to write."""
        if self._host() is None:
            yield FieldProblem("url", f"{quoted(self.url.text)} does not say whom it asks", _URL_MEND)
        if self.body is not None and self.form:
            yield FieldProblem("form", "`body` and `form` are both given", "keep one of them")
        if self.method == "GET" and (self.body is not None or self.form):
            field = "form" if self.form else "body"
            yield FieldProblem(field, "a GET has no body", "remove it, or write `method: POST`")
        yield from self._header_problems()
        yield from self._exit_problems()

    def _header_problems(self) -> Iterator[FieldProblem]:
        seen: set[str] = set()
        for field, names in (("headers", self.headers), ("secret_headers", self.secret_headers)):
            for name in names:
                if not _HEADER.fullmatch(name):
                    what, mend = f"{quoted(name)} cannot name a header", "use letters, digits and -"
                elif name.lower() in _OURS:
                    what, mend = f"{quoted(name)} is written by Ringflow", "remove it"
                elif name.lower() in seen:
                    what, mend = f"{quoted(name)} is given twice", "keep one of them"
                else:
                    seen.add(name.lower())
                    continue
                yield FieldProblem(field, what, mend, (name,))

    def _exit_problems(self) -> Iterator[FieldProblem]:
        if self.exit_by is not None:
            return
        for name in self.on:
            if name not in self.fixed_exits and not _STATUS.fullmatch(name):
                what = f"no answer ends the slot by {quoted(name)}"
                mend = did_you_mean(name, self.fixed_exits, "write a status such as 404 or 5xx, or `exit_by`")
                yield FieldProblem("on", what, mend, (name,))

    @property
    def exits(self) -> tuple[str, ...]:
        """`done`, those that `on` leads somewhere, `refused` and `failed`."""
        own = (name for name in self.on if name not in self.fixed_exits)
        return (DONE, *own, REFUSED, FAILED)

    @classmethod
    def exit_rules(cls) -> tuple[ExitRule, ...]:
        """`done`, those that `on` leads somewhere, `refused` and `failed`."""
        return fixed(DONE), each_key("on", "on"), fixed(REFUSED), fixed(FAILED)

    def sip_code(self, exit_name: str) -> int | None:
        """An exit that the answer chose is no failure."""
        return super().sip_code(exit_name) if exit_name in (REFUSED, FAILED) else None

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The results, wherever there was an answer."""
        return {name: frozenset(self.results) for name in self.exits if name != FAILED}

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Those of the URL, the headers, and what is sent."""
        yield from super().templates()
        if self.body is not None:
            yield from (("body", template) for template in self.body.templates)

    def asked_hosts(self) -> Iterator[tuple[str, str]]:
        """The host of the URL."""
        if (host := self._host()) is not None:
            yield "url", host

    def request_secrets(self) -> Iterator[tuple[str, str]]:
        """Those of `secret_headers`."""
        yield from (("secret_headers", name) for name in self.secret_headers.values())

    def _host(self) -> str | None:
        """The host; None where it does not stand in the URL whole, with a `/` after it."""
        beginning = self.url.parts[0] if self.url.parts else ""
        if not isinstance(beginning, str) or not _BEGINNING.match(
            f"{beginning}/" if self.url.is_literal else beginning
        ):
            return None
        try:
            return host_of(beginning)
        except UnusableUrl:
            return None

    async def run(self, call: Call) -> str:
        """Ask, let the caller hear something meanwhile, and read the answer."""
        is_secret = any(
            call.variables.is_secret(one.name) for _, text in self.templates() for one in text.references
        )
        try:
            asked = self._asked(call)
        except (TextError, _CannotAsk) as error:
            call.note("http_failed", str(error))
            return FAILED
        shown = (
            f"{asked.request.method} {self.url.text if is_secret else asked.request.url.partition('?')[0]}"
        )
        pending = await call.requests.begin(asked)
        try:
            if not call.caller_gone:
                await self._entertain(call, pending)
        except (ChannelGone, Redirected):
            # What was asked is asked: the record says what came of it.
            await self._read(call, pending, shown, is_secret=is_secret)
            raise
        return await self._read(call, pending, shown, is_secret=is_secret)

    async def _entertain(self, call: Call, pending: PendingAnswer) -> None:
        if self.wait_file is not None and not pending.is_here:
            await call.media.play(self.wait_file)
        if self.music_class is not None and not pending.is_here:
            async with call.media.music_meanwhile(self.music_class):
                await pending.outcome()

    async def _read(self, call: Call, pending: PendingAnswer, shown: str, *, is_secret: bool) -> str:
        outcome = await pending.outcome()
        if isinstance(outcome, HttpFailed):
            call.note("http_failed", f"{shown}: {outcome}")
            return FAILED
        call.note("http", f"{shown}: {outcome.status}, {len(outcome.body)} bytes")
        try:
            answer = _answer(outcome)
            found = {name: _part(answer, path) for name, path in self.results.items()}
            call.variables.store_all(found, frozenset(found) if is_secret else frozenset())
        except (UnusableValue, ValueError) as error:
            call.note("http_failed", f"{shown}: {error}")
            return FAILED
        return self._exit(outcome.status, answer)

    def _exit(self, status: int, answer: Mapping[str, JsonValue]) -> str:
        """The exit of a status that `on` names, then of the value at `exit_by`, else `done` or `refused`."""
        for name in (str(status), f"{status // 100}xx"):
            if name in self.on:
                return name
        value = as_text(_part(answer, self.exit_by)) if self.exit_by is not None else ""
        if value in self.on and value not in self.fixed_exits and not _STATUS.fullmatch(value):
            return value
        return DONE if status // 100 == 2 else REFUSED

    def _asked(self, call: Call) -> FlowRequest:
        variables = call.variables.visible
        method = self.method or ("POST" if self.body is not None or self.form else "GET")
        headers = {name: _header(name, text.render(variables)) for name, text in self.headers.items()}
        body = None
        if self.body is not None:
            body = json.dumps(self.body.render(variables), ensure_ascii=False, allow_nan=False)
            headers = _with(headers, "Content-Type", "application/json")
        elif self.form:
            body = urlencode({name: as_text(text.value(variables)) for name, text in self.form.items()})
            headers = _with(headers, "Content-Type", "application/x-www-form-urlencoded")
        headers = _with(headers, "Accept", "application/json")
        if method in _CHANGING:
            headers["Idempotency-Key"] = str(uuid.UUID(int=call.random.getrandbits(128), version=4))
        raw = body.encode("utf-8", "replace") if body is not None else None
        if raw is not None and len(raw) > MAX_REQUEST_BODY:
            raise _CannotAsk(f"the body has {len(raw)} bytes, and {MAX_REQUEST_BODY} are the most")
        request = HttpRequest(self._url(variables), method, headers, raw, timeout_s=self.timeout)
        return FlowRequest(request, self.retries, self.secret_headers)

    def _url(self, variables: Mapping[str, JsonValue]) -> str:
        """The URL with every value written so that it stays one part of it."""
        pieces = (
            part if isinstance(part, str) else _url_part(as_text(part.value(variables)))
            for part in self.url.parts
        )
        url = self.url.join(pieces, MAX_URL)
        if self.query:
            asked = urlencode({name: as_text(text.value(variables)) for name, text in self.query.items()})
            url += ("&" if "?" in url else "?") + asked
        if len(url) > MAX_URL:
            raise _CannotAsk(f"the URL has {len(url)} characters, and {MAX_URL} are the most")
        return url


_URL_MEND = "begin it as in https://example.com/, and list the host in config.yaml: http_requests.hosts"


def _url_part(value: str) -> str:
    if value in (".", ".."):
        raise _CannotAsk(f"`{value}` would lead to another place of the URL")
    return quote(value, safe="", errors="replace")


def _header(name: str, value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise _CannotAsk(f"header {name}: its value is not one line of ASCII characters")
    return value


def _with(headers: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """The headers and one more, unless the flow has written it itself."""
    is_there = name.lower() in {one.lower() for one in headers}
    return dict(headers) if is_there else {**headers, name: value}


def _answer(found: HttpAnswer) -> Mapping[str, JsonValue]:
    """What paths lead into. Raises ValueError for a body that says it is JSON and is not."""
    text = found.body.decode("utf-8", "replace")
    kind = found.headers.get("content-type", "").partition(";")[0].strip().lower()
    body: JsonValue = text
    if kind == "application/json" or kind.endswith("+json"):
        body = _json(text) if text.strip() else None
    elif text.lstrip()[:1] in ("{", "["):
        try:
            body = _json(text)
        except ValueError:
            body = text
    return {"status": found.status, "headers": dict(found.headers), "body": body}


def _json(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("the answer is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"the answer is not JSON: {error}") from None
    return value


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _part(answer: Mapping[str, JsonValue], path: str) -> JsonValue:
    try:
        return look_up(answer, path)
    except KeyError:
        return None
