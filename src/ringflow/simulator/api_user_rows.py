"""The operators of a scenario as whom its scripts use the API."""

from __future__ import annotations

from collections.abc import Mapping

from ringflow.accounts import operators
from ringflow.accounts.operators import Operator
from ringflow.actor import acting, shell_operator
from ringflow.simulator.list_rows import OPERATOR
from ringflow.store import Store


async def insert_api_users(store: Store, country: str, given: Mapping[str, str]) -> None:
    """Make the operators, each with its role. Raises `Refused` for a role that is not there."""
    if not given:
        return
    async with acting(store, shell_operator(OPERATOR), country) as actor:
        for name, role in given.items():
            await operators.add(actor, Operator(name, role), None)
