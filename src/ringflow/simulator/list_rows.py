"""The operators' lists of a scenario."""

from __future__ import annotations

from collections.abc import Mapping

from ringflow.accounts.value_lists import entries, value_list
from ringflow.actor import acting, shell_operator
from ringflow.simulator.scenario import ScenarioList
from ringflow.store import Store

OPERATOR = "scenario"


async def insert_lists(store: Store, country: str, given: Mapping[str, ScenarioList]) -> None:
    """Make the lists with their entries. Raises `Refused` for what they cannot hold."""
    if not given:
        return
    async with acting(store, shell_operator(OPERATOR), country) as actor:
        for name, one in given.items():
            await value_list.add(actor, name, one.kind)
            for text in one.entries:
                await entries.add(actor, name, text)
