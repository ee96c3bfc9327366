"""Slot `script`: runs a program of the operator's, which chooses the exit and sets variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BeforeValidator, Field

from ringflow.accounts.script_fields import LONGEST_S, SCRIPT_NAME_PATTERN, SHORTEST_S, sip_fallback
from ringflow.calls.call_scripts import StepFailure, StepRefusal
from ringflow.calls.json_value import UnusableValue
from ringflow.errors import ChannelGone
from ringflow.flows.exit_rules import ExitRule, each_key, fixed
from ringflow.flows.slot import DONE, EXIT_PATTERN, FieldProblem, OwnExits, Slot, SlotGroup, VariableName
from ringflow.flows.template import Template, TextError
from ringflow.flows.value_template import ValueTemplate
from ringflow.validation import Text
from ringflow.wording import quoted

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_VARIABLES = 50
FAILED = "failed"


def _without_ending(value: object) -> object:
    if isinstance(value, str) and value.endswith(".js"):
        raise ValueError(f"{quoted(value)} is written without its ending || write {value[:-3]}")
    return value


ScriptName = Annotated[str, Field(pattern=SCRIPT_NAME_PATTERN), BeforeValidator(_without_ending)]


class Script(Slot):
    """Runs a script, which chooses the exit and may set variables."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.LOGIC
    without_default: ClassVar[tuple[str, ...]] = ("timeout",)
    fixed_exits: ClassVar[tuple[str, ...]] = (DONE, FAILED)
    needs_caller: ClassVar[bool] = False
    own_exits: ClassVar[OwnExits | None] = OwnExits(EXIT_PATTERN, "each name under `on` by which it may end")

    script: ScriptName
    """The script: its file in the folder of scripts, without `.js`."""
    vars: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ValueTemplate],
        Field(max_length=MAX_VARIABLES),
    ] = Field(default_factory=dict)
    """What the script finds in `data.vars`: any values, with `${...}` in their texts. A text that is one
    `${name}` and nothing else passes the value itself."""
    results: Annotated[tuple[VariableName, ...], Field(max_length=MAX_VARIABLES)] = ()
    """The variables that get the values that the script leaves in `data.variables`; null where it leaves
    none."""
    timeout: Annotated[float, Field(ge=SHORTEST_S, le=LONGEST_S)] | None = None
    """How many seconds the script may take; otherwise `scripts.time_ms` of `config.yaml`. `timeout` in the
    app's `defaults` does not count here: that is for ringing."""
    timeout_action: Annotated[Text, Field(max_length=90)] = FAILED
    """What happens where it takes longer: an exit, or a SIP code and a reason such as `503 Try Later`, by
    which the call ends."""

    def problems(self) -> Iterator[FieldProblem]:
        """An action that is neither an exit nor a SIP code."""
        action = self.timeout_action
        if action not in self.exits and sip_fallback(action) is None:
            what = f"{quoted(action)} is neither an exit of this slot nor a SIP code with a reason"
            mend = f"write one of {', '.join(self.exits)}, or such as `503 Try Later`"
            yield FieldProblem("timeout_action", what, mend)
        twice = sorted({name for name in self.results if self.results.count(name) > 1})
        for name in twice:
            yield FieldProblem("results", f"`{name}` stands twice in `results`", "remove one of them")

    @property
    def exits(self) -> tuple[str, ...]:
        """`done`, those that `on` leads somewhere, and `failed`."""
        return (DONE, *(name for name in self.on if name not in (DONE, FAILED)), FAILED)

    @classmethod
    def exit_rules(cls) -> tuple[ExitRule, ...]:
        """`done`, those that `on` leads somewhere, and `failed`."""
        return fixed(DONE), each_key("on", "on"), fixed(FAILED)

    def sip_code(self, exit_name: str) -> int | None:
        """An exit that the script chose is no failure."""
        return super().sip_code(exit_name) if exit_name == FAILED else None

    def sets(self) -> Mapping[str, frozenset[str]]:
        """The results, by every exit that the script chose itself."""
        late = {self.timeout_action} if self.timeout_action in self.exits else set()
        return {name: frozenset(self.results) for name in self.exits if name not in {FAILED, *late}}

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Those in `vars`."""
        for value in self.vars.values():
            yield from (("vars", template) for template in value.templates)

    def scripts(self) -> Iterator[tuple[str, str]]:
        """The script that it runs."""
        yield "script", self.script

    async def run(self, call: Call) -> str:
        """Run the script, and end by the exit that it chooses."""
        variables = call.variables
        is_secret = any(
            variables.is_secret(reference.name)
            for value in self.vars.values()
            for template in value.templates
            for reference in template.references
        )
        try:
            given = {name: value.render(variables.visible) for name, value in self.vars.items()}
        except TextError as error:
            call.note("script_failed", str(error))
            return FAILED
        answer = await call.scripts.run_step(
            self.script,
            given,
            self.timeout,
            frozenset(self.exits) - {FAILED},
            DONE,
            self.results,
            is_secret=is_secret,
        )
        if isinstance(answer, StepRefusal):
            return await self._refuse(call, answer.sip, answer.reason)
        if isinstance(answer, StepFailure):
            refusal = sip_fallback(self.timeout_action)
            if not answer.late:
                return FAILED
            return self.timeout_action if refusal is None else await self._refuse(call, *refusal)
        try:
            variables.store_all(answer.variables, frozenset(self.results) if is_secret else frozenset())
        except UnusableValue as error:
            call.note("script_failed", str(error))
            return FAILED
        return answer.exit

    async def _refuse(self, call: Call, sip: int, reason: str) -> str:
        """End the call; one that is over already can only have failed."""
        if call.caller_gone:
            return FAILED
        await call.reject(sip, reason)
        raise ChannelGone("hangup")
