"""Operations: typed functions that answer requests.

A handler's signature says all: each parameter of these kinds is filled in, and described, by its annotation.

==================  ==========================================================================
annotation          what it gets
==================  ==========================================================================
`AsyncConnection`   a connection for reading
`Actor`             a transaction in which the sender acts; committed when the handler returns
`Once`              the same, for a handler that does more beside it: see there
`Principal`         who asks
`Sender`            where the request came from
`Cookies`           the request's cookies, and those that the answer sets
`Services`          the database, the configuration
`IfMatch`           the states that the change is conditional on; without the header, 428
`Replaces`          what a PUT replaces, or that there is nothing yet; without either header, 428
`PageRequest`       `limit`, `cursor`, `sort`
`RawBody`           the body as it came, of the types and size that `upload` says
`LastEventId`       the last event that the reader of a feed has had
a class of `Input`  called `body`: the JSON body; called `query`: the parameters
`int`, `str`        a part of the path, by its name
==================  ==========================================================================

It returns a form, a `Page` of forms, or None; a `Job` that it put into the queue (202); `Content` or a
`Stream` of one of the types that `media` says; or an `EventFeed` for server-sent events. What it raises
becomes a problem (`problem.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar, get_type_hints

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor, Principal
from ringflow.jobs.job import Job
from ringflow.rights import Access
from ringflow.store.pages import Listing, PageRequest
from ringflow.web.rest.conditions import IfMatch, Replaces
from ringflow.web.rest.content import Content
from ringflow.web.rest.cookies import Cookies
from ringflow.web.rest.event_feed import EVENT_STREAM, EventFeed, LastEventId
from ringflow.web.rest.raw_body import RawBody, Upload
from ringflow.web.rest.repetition import Once
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.sender import Sender
from ringflow.web.rest.services import Services
from ringflow.web.rest.stream import Stream

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])

PREFIX = "/api/v1"
GIVEN = (
    AsyncConnection,
    Actor,
    Once,
    Principal,
    Sender,
    Cookies,
    Services,
    IfMatch,
    Replaces,
    PageRequest,
    RawBody,
    LastEventId,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `access` None: anyone may call it, and is not asked who they are. `listing`: what a page is read of, if
    the handler reads one. `upload`: what a raw body may be. `media`: the content types of an answer that is
    no JSON.
    """

    method: str
    path: str
    access: Access | None
    handler: Callable[..., Awaitable[Any]]
    tag: str
    status: HTTPStatus
    listing: Listing | None
    parameters: Mapping[str, Any]
    returns: Any
    tagged: bool
    """Whether the answer has an entity tag, by which a change can be conditional."""
    upload: Upload | None = None
    media: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The operation's id in the description."""
        return self.handler.__name__

    @property
    def summary(self) -> str:
        """The first sentence of the handler's docstring, and `description` the rest."""
        return (inspect.getdoc(self.handler) or "").partition("\n\n")[0].strip()

    @property
    def description(self) -> str:
        """What else the handler's docstring says."""
        return (inspect.getdoc(self.handler) or "").partition("\n\n")[2].strip()

    def model(self, name: str) -> type[Input] | None:
        """The model of `body` or `query`, if the handler takes it."""
        found = self.parameters.get(name)
        return found if isinstance(found, type) and issubclass(found, Input) else None

    def takes(self, kind: type[Any]) -> str | None:
        """The name of the parameter of this kind."""
        return next((name for name, hint in self.parameters.items() if hint is kind), None)

    @property
    def is_repeatable(self) -> bool:
        """Whether its answer is kept under an `Idempotency-Key`, with what it did."""
        return self.method == "POST" and any(map(self.takes, (Actor, Once))) and not self.media

    @property
    def in_path(self) -> dict[str, type[Any]]:
        """The parts of the path that are parameters, with their types."""
        return {
            name: hint
            for name, hint in self.parameters.items()
            if hint in (int, str) and f"{{{name}}}" in self.path
        }


@dataclass(slots=True)
class Resource:
    """The operations of one resource: decorators that add to `operations`. `path` begins with a slash.

    Each asks for a right, or for an audience: `Audience.CUSTOMER` for what is the customer's own. None is for
    those by which somebody signs in: anyone may call them, which is bounded by address.
    """

    tag: str
    path: str
    about: str
    operations: list[Operation] = field(default_factory=list)

    def get(
        self,
        access: Access | None,
        path: str = "",
        *,
        listing: Listing | None = None,
        tagged: bool = False,
        media: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Add a handler that reads."""
        return self._add("GET", path, access, HTTPStatus.OK, listing, tagged=tagged, media=media)

    def post(
        self,
        access: Access | None,
        path: str = "",
        *,
        status: HTTPStatus = HTTPStatus.CREATED,
        upload: Upload | None = None,
        media: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Add a handler that makes something, or has something done."""
        return self._add("POST", path, access, status, None, upload=upload, media=media)

    def put(
        self, access: Access | None, path: str, *, tagged: bool = False, upload: Upload | None = None
    ) -> Callable[[Handler], Handler]:
        """Add a handler that says how something is, whatever it was before."""
        return self._add("PUT", path, access, HTTPStatus.OK, None, tagged=tagged, upload=upload)

    def patch(self, access: Access | None, path: str) -> Callable[[Handler], Handler]:
        """Add a handler that changes the fields that the body has."""
        return self._add("PATCH", path, access, HTTPStatus.OK, None, tagged=True)

    def delete(self, access: Access | None, path: str = "") -> Callable[[Handler], Handler]:
        """Add a handler that deletes."""
        return self._add("DELETE", path, access, HTTPStatus.NO_CONTENT, None)

    def _add(
        self,
        method: str,
        path: str,
        access: Access | None,
        status: HTTPStatus,
        listing: Listing | None,
        *,
        tagged: bool = False,
        upload: Upload | None = None,
        media: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            hints = get_type_hints(handler)
            returns = hints.pop("return", None)
            types = (EVENT_STREAM,) if returns is EventFeed else media
            succeeds = HTTPStatus.ACCEPTED if returns is Job else status
            made = Operation(
                method,
                self.path + path,
                access,
                handler,
                self.tag,
                succeeds,
                listing,
                hints,
                returns,
                tagged,
                upload,
                types,
            )
            _refuse_unknown(made)
            self.operations.append(made)
            return handler

        return add


def _refuse_unknown(operation: Operation) -> None:
    """Raise `TypeError` for a parameter that nothing fills in: a mistake of ours, found at the start."""
    for name, hint in operation.parameters.items():
        known = hint in GIVEN or name in operation.in_path
        if not known and operation.model(name) is None:
            raise TypeError(f"{operation.name}: nothing fills in `{name}: {hint}`")
    if (operation.takes(RawBody) is None) is not (operation.upload is None):
        raise TypeError(f"{operation.name}: a `RawBody` needs `upload`, and nothing else does")
    if (operation.returns in (Content, EventFeed, Stream)) is not bool(operation.media):
        raise TypeError(f"{operation.name}: `Content` and `Stream` need `media`, and nothing else does")
    if operation.access is None and any(map(operation.takes, (Actor, Once, Principal))):
        raise TypeError(f"{operation.name}: anyone may call it, so nobody is known who acts")
