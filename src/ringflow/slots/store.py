"""Slot `store`: keeps a value for later calls, counts, or forgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from ringflow.calls.exact_number import readable_number
from ringflow.calls.json_value import JsonValue, UnusableValue
from ringflow.flows.kept_value import (
    FAILED,
    UNKNOWN,
    KeptValueSlot,
    NotKept,
    Unidentified,
    kept_values,
    why_not,
)
from ringflow.flows.slot import DONE, FieldProblem, VariableName
from ringflow.flows.template import Template, TextError
from ringflow.flows.value_template import ValueTemplate
from ringflow.scripts.key_values import MAX_TTL_S
from ringflow.scripts.run import CallRefused
from ringflow.store import StoreGone

if TYPE_CHECKING:
    from ringflow.calls.call import Call


class Store(KeptValueSlot):
    """Keeps a value under a key for later calls, adds to a number there, or forgets it."""

    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, UNKNOWN, FAILED)

    value: ValueTemplate | None = None
    """What is kept: any value, with `${...}` in its texts. A text that is one `${name}` and nothing else
    keeps the value itself."""
    add: Template | None = None
    """What is added to the number that is kept, which begins at 0: `1` counts. Of calls that come at
    once each is counted."""
    forget: bool = False
    """Forget what is kept."""
    ttl: Annotated[int, Field(ge=1, le=MAX_TTL_S)] | None = None
    """For how many seconds it is kept; otherwise until it is forgotten. A number that is added to ends so
    long after the first addition."""
    result: VariableName | None = None
    """The variable that gets what is kept then: with `add` the total."""

    def problems(self) -> Iterator[FieldProblem]:
        """Not exactly one thing to do, and fields that mean nothing with it."""
        given = [name for name in ("value", "add", "forget") if name in self.model_fields_set]
        if len(given) != 1 or (given == ["forget"] and not self.forget):
            what = f"{' and '.join(given)} are both given" if len(given) > 1 else "nothing is kept"
            mend = "write one of `value`, `add` and `forget: true`"
            yield FieldProblem(given[-1] if given else "key", what, mend)
        elif self.forget:
            for name in ("ttl", "result"):
                if getattr(self, name) is not None:
                    yield FieldProblem(name, f"`{name}` means nothing with `forget`", "remove it")
        if self.add is not None and self.add.is_literal and readable_number(self.add.text) is None:
            yield FieldProblem("add", f"`{self.add.text}` is no number", "write one such as 1")

    def sets(self) -> Mapping[str, frozenset[str]]:
        """What is kept."""
        return {DONE: frozenset({self.result})} if self.result is not None else {}

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Those of the key and of what is kept."""
        yield from super().templates()
        if self.value is not None:
            yield from (("value", template) for template in self.value.templates)

    async def run(self, call: Call) -> str:
        """Keep, count or forget."""
        try:
            key = self.whole_key(call)
            kept = await self._done(call, key)
        except Unidentified:
            return UNKNOWN
        except (NotKept, TextError, CallRefused, StoreGone) as error:
            call.note("not_stored", why_not(error))
            return FAILED
        call.note("stored", key)
        if self.result is not None:
            try:
                call.variables.store(self.result, kept)
            except UnusableValue as error:
                call.note("not_stored", str(error))
                return FAILED
        return DONE

    async def _done(self, call: Call, key: str) -> JsonValue:
        if self.is_secret(call):
            raise NotKept("what is secret is not kept")
        values, variables, now_ms = kept_values(call), call.variables.visible, call.now_ms()
        if self.forget:
            await values.delete(key, now_ms)
            return None
        if self.add is not None:
            number = readable_number(self.add.value(variables))
            if number is None:
                raise NotKept(f"`{self.add.text}` is no number")
            whole = int(number) if number == int(number) else float(number)
            return await values.increase(key, whole, self.ttl, now_ms)
        assert self.value is not None, "checked by `problems`"
        return await values.set(key, self.value.render(variables), self.ttl, now_ms)
