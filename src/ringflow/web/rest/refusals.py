"""What is refused of a request before anything is asked of a service: by HTTP's own rules."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from ringflow.errors import Conflict, Field, Forbidden, Refused, RingflowError, StartError, Unknown
from ringflow.store import StoreGone

RETRY_AFTER_S = 2
"""After how long a request may be made again that the database was not there for."""

REALM = 'Bearer realm="ringflow"'

_PHRASES = {413: "Content Too Large", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
"""Phrases of RFC 9110 where Python before 3.13 still has those of older RFCs."""


_STATUS_OF = {
    "token.refused": HTTPStatus.UNAUTHORIZED,
    "session.ended": HTTPStatus.UNAUTHORIZED,
    "login.refused": HTTPStatus.UNAUTHORIZED,
    "login.code_needed": HTTPStatus.UNAUTHORIZED,
    "login.code_refused": HTTPStatus.UNAUTHORIZED,
    "passkey.refused": HTTPStatus.UNAUTHORIZED,
    "passkey.copied": HTTPStatus.UNAUTHORIZED,
    "passkey.off": HTTPStatus.NOT_IMPLEMENTED,
    "login.locked": HTTPStatus.TOO_MANY_REQUESTS,
    "sign_in.refused": HTTPStatus.UNAUTHORIZED,
    "sign_in.locked": HTTPStatus.TOO_MANY_REQUESTS,
    "redeem.locked": HTTPStatus.TOO_MANY_REQUESTS,
    "call_back.too_many": HTTPStatus.TOO_MANY_REQUESTS,
    "call_back.unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "origination.too_many": HTTPStatus.TOO_MANY_REQUESTS,
    "origination.unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "login.busy": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of errors that their kind does not tell."""


class RequestRefused(Refused):
    """A request that HTTP itself has a status for. `headers` go with the answer."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        text: str,
        at: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        **fields: Field,
    ) -> None:
        super().__init__(code, text, at, **fields)
        self.status = status
        self.headers = dict(headers or {})


def our_failure() -> RequestRefused:
    """Return what is said where a bug of our own ended something: nothing of the bug, which the log has."""
    text = "Ringflow failed; its log says more"
    return RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, "request.failed", text)


def status_of(error: RingflowError) -> HTTPStatus:
    """Return the HTTP status of an error of a service or of this layer."""
    if isinstance(error, RequestRefused):
        return error.status
    if isinstance(error, StoreGone | StartError):
        # What is missing around Ringflow, such as a secret's file, is not what was asked for.
        return HTTPStatus.SERVICE_UNAVAILABLE
    if (status := _STATUS_OF.get(error.code)) is not None:
        return status
    if isinstance(error, Unknown):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, Conflict):
        return HTTPStatus.CONFLICT
    if isinstance(error, Forbidden):
        return HTTPStatus.FORBIDDEN
    return HTTPStatus.UNPROCESSABLE_ENTITY


def phrase_of(status: HTTPStatus) -> str:
    """Return the phrase that RFC 9110 has for a status, the same in every version of Python."""
    return _PHRASES.get(status.value, status.phrase)


def headers_of(error: RingflowError) -> dict[str, str]:
    """Return the headers that go with an error."""
    if isinstance(error, RequestRefused):
        return error.headers
    status = status_of(error)
    if "retry_after_s" in error.fields:
        return {"Retry-After": str(error.fields["retry_after_s"])}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {"WWW-Authenticate": REALM} if status is HTTPStatus.UNAUTHORIZED else {}
