"""Slot `destination`: puts the caller through, as the customer who pays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.accounts.headers import MAX_HEADER_VALUE, MAX_HEADERS, wrong_headers
from ringflow.calls.dial_attempt import DialOptions, escaped_header_value
from ringflow.calls.json_value import JsonValue
from ringflow.calls.outcome import LegStatus
from ringflow.flows.follow_on import FollowOnField
from ringflow.flows.number_text import caller_id_problems, could_be_uri, number_problems, uri_problems
from ringflow.flows.slot import AppName, FieldProblem, Jump, Slot, SlotResult
from ringflow.flows.spoken import Language, words_of
from ringflow.flows.template import Template, TextError
from ringflow.speaking import say_minutes
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

EXIT_OF = {
    LegStatus.ANSWERED: "done",
    # Only where the caller ended the ringing by key: one who hangs up ends the call.
    LegStatus.CANCELLED: "done",
    LegStatus.BUSY: "busy",
    LegStatus.NO_ANSWER: "no_answer",
    LegStatus.CONGESTION: "failed",
    LegStatus.UNAVAILABLE: "failed",
    LegStatus.NO_CREDIT: "no_credit",
    LegStatus.NO_RATE: "refused",
    LegStatus.REFUSED: "refused",
    LegStatus.BELOW_COST: "refused",
}


def _header(name: str, value: Template, variables: Mapping[str, JsonValue]) -> str:
    text = value.render(variables)
    length = len(escaped_header_value(text))
    if length > MAX_HEADER_VALUE:
        raise TextError(f"the header {name} becomes {length} characters, and {MAX_HEADER_VALUE} are the most")
    return text


class Destination(Slot):
    """Dials a number through the trunks, another app, or a SIP URI. Give exactly one of the three."""

    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "busy", "no_answer", "failed", "no_credit", "refused")

    sip_codes: ClassVar[Mapping[str, int]] = {
        "busy": 486,
        "no_answer": 480,
        "failed": 503,
        "no_credit": 402,
        "refused": 403,
    }

    external: Template | None = None
    """A number, dialled through the trunks in order; the next one is tried when one is out of order."""
    as_keyed: bool = False
    """Whether `external` is dialled just as it is: an extension, a short code, an emergency number."""
    internal: AppName | None = None
    """The name of another app, where the call goes on."""
    uri: Template | None = None
    """A SIP URI such as sip:desk@pbx.example.com; its host must be listed in `uri_hosts`."""
    timeout: Annotated[int, Field(ge=1, le=600)] = 60
    """Seconds that the callee may ring."""
    caller_id: Template | None = None
    """The number shown to the callee; without one the customer's, then the trunk's, then the caller's own."""
    headers: Annotated[dict[str, Template], Field(max_length=MAX_HEADERS)] = Field(default_factory=dict)
    """SIP headers for the outgoing INVITE."""
    max_duration: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Seconds of talk after which the call is ended."""
    announce: bool = False
    """Whether the caller is told, before it is dialled, for how many minutes the credit is enough."""
    language: Language | None = None
    """The language of `announce`; without one that of the call."""
    follow_on: FollowOnField = None
    """The keys that end ringing and talk when held, so that the flow goes on by `done`. `true`: `*` and
    `#`, for a second."""

    def problems(self) -> Iterator[FieldProblem]:
        """Not exactly one target, text that can never be dialled, headers that cannot be set."""
        given = [name for name in ("external", "internal", "uri") if getattr(self, name) is not None]
        if len(given) != 1:
            what = f"{' and '.join(given)} are both given" if given else "no target is given"
            yield FieldProblem(given[-1] if given else "slot", what, "give one of external, internal and uri")
        if self.external is not None:
            mend = "write it as it is dialled, or + and the country's code"
            yield from number_problems("external", self.external, mend)
        if self.as_keyed and self.external is None:
            yield FieldProblem("as_keyed", "there is no number to dial", "give it with `external`")
        if self.uri is not None:
            yield from uri_problems("uri", self.uri)
        if self.caller_id is not None:
            yield from caller_id_problems("caller_id", self.caller_id)
        for wrong in wrong_headers(self.headers):
            yield FieldProblem("headers", f"{quoted(wrong.name)} {wrong.why}", wrong.mend)

    def hosts(self) -> Iterator[tuple[str, str]]:
        """The host of `uri`, unless a variable is in it, or it is no URI."""
        host = self.uri.text.rpartition("@")[2] if self.uri and could_be_uri(self.uri) else ""
        if host and "$" not in host:
            yield "uri", host

    def prompts(self) -> Iterator[tuple[str, str]]:
        """With `announce`, the words of its language."""
        yield from super().prompts()
        if self.announce:
            yield from words_of(self.language)

    @property
    def exits(self) -> tuple[str, ...]:
        """None with `internal`: the call goes on in the other app."""
        return () if self.internal else self.fixed_exits

    def jumps(self) -> frozenset[str]:
        """The app of `internal`."""
        return frozenset({self.internal}) if self.internal else frozenset()

    async def run(self, call: Call) -> SlotResult:
        """Put the caller through."""
        if self.internal is not None:
            return Jump(self.internal)
        variables = call.variables.visible
        options = DialOptions(
            ring_s=self.timeout,
            max_duration_s=self.max_duration,
            caller_id=self.caller_id.render(variables) if self.caller_id else None,
            headers={name: _header(name, value, variables) for name, value in self.headers.items()},
            end_keys=self.follow_on.end_keys if self.follow_on else None,
            announce=self._teller(call) if self.announce else None,
            as_keyed=self.as_keyed,
        )
        if self.uri is not None:
            leg = await call.outgoing.dial_uri(self.uri.render(variables), options)
        else:
            assert self.external is not None
            leg = await call.outgoing.dial_number(self.external.render(variables), options)
        return EXIT_OF[leg.status]

    def _teller(self, call: Call) -> Callable[[int], Awaitable[None]]:
        async def announce(seconds: int) -> None:
            await call.media.play(*say_minutes(seconds, self.language or call.language))

        return announce
