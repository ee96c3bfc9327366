"""What a script is given as a step of a flow, and what it may make of it: an exit, and variables.

Everything that comes back is taken for hostile.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from ringflow.accounts.customers import Customer
from ringflow.scripts.exit_names import EXIT_FIELD
from ringflow.scripts.returned import wrong_result
from ringflow.scripts.run import RunResult
from ringflow.scripts.script import Script


@dataclass(frozen=True, slots=True)
class StepCall:
    """The call in which a script is a step. `cli` in E.164; None: not known."""

    id: str
    channel: str
    endpoint: str
    did: str
    app: str
    cli: str | None
    withheld: bool
    answered: bool
    customer: Customer | None


def customer_data(customer: Customer | None) -> JsonValue:
    """Return what a script is told of who pays."""
    if customer is None:
        return None
    return {
        "id": customer.id,
        "name": customer.name,
        "status": customer.status,
        "currency": customer.currency,
    }


def step_data(
    call: StepCall, server: str, script_vars: JsonValue, variables: Mapping[str, JsonValue]
) -> JsonValue:
    """Return what `main` is given."""
    return {
        "routing": {
            "cli": call.cli or "",
            "dest_number": call.did,
            "account_id": call.customer.id if call.customer is not None else None,
            "server": server,
        },
        "vars": script_vars,
        "did": {"number": call.did, "app": call.app},
        "call": {
            "id": call.id,
            "channel": call.channel,
            "trunk": call.endpoint,
            "withheld": call.withheld,
            "answered": call.answered,
        },
        "customer": customer_data(call.customer),
        "variables": dict(variables),
        EXIT_FIELD: None,
    }


def read_step(
    script: Script, result: RunResult, exits: Collection[str], main_exit: str, results: Sequence[str]
) -> tuple[str, dict[str, JsonValue]]:
    """Return the exit and the variables that a script has chosen. A result that it leaves unset is null.

    Raises `ScriptFailed` for an exit that the slot does not have, and for what is no object.
    """

    data = result.value
    if not isinstance(data, dict):
        raise wrong_result(
            script, "what main returned is no object: return data, or {exit, variables}", "return"
        )
    chosen = data.get(EXIT_FIELD)
    if chosen is None:
        chosen = main_exit
    if not isinstance(chosen, str):
        raise wrong_result(script, "exit is no text", EXIT_FIELD)
    if chosen not in exits:
        raise wrong_result(
            script, f"the slot has no exit {chosen[:64]}; it has: {', '.join(sorted(exits))}", EXIT_FIELD
        )
    variables = data.get("variables")
    if variables is None:
        variables = {}
    if not isinstance(variables, dict):
        raise wrong_result(script, "variables is no object", "variables")
    return chosen, {name: variables.get(name) for name in results}
