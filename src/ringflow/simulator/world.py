"""What a scenario's call meets, in either world: rows, money, cards, and who answers about them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from ringflow.accounts import speed_dials
from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.directory import Directory
from ringflow.accounts.security_key import SecurityKeys
from ringflow.accounts.speed_dials import SpeedDial
from ringflow.accounts.teller import Teller
from ringflow.actor import CONFIGURATION, acting
from ringflow.calls.clock import Clock
from ringflow.calls.world import CallWorld
from ringflow.config import Config
from ringflow.simulator.card_rows import CardRows
from ringflow.simulator.scenario import Given, ScenarioCustomer
from ringflow.simulator.scenario_money import ScenarioMoney
from ringflow.store import Store


@dataclass(frozen=True, slots=True)
class ScenarioWorld:
    """Ready for its calls."""

    directory: Directory
    world: CallWorld
    money: ScenarioMoney


async def make_world(
    store: Store, clock: Clock, config: Config, given: Given, paying: tuple[ScenarioCustomer, ...]
) -> ScenarioWorld:
    """Fill an empty database with what a scenario gives. `config` has its customers, DIDs and trunks.

    Raises `ConfigError` for rows that clash, `Refused` for cards of customers that are not there.
    """
    await apply_declarations(store, config)
    directory = Directory(store, config.country)
    money = ScenarioMoney(store, clock, config.charging, config.country)
    if given.rates is not None:
        await money.fill(given, paying)
    cards = CardRows(store, clock, config.country)
    await cards.insert(given, paying)
    async with acting(store, CONFIGURATION, config.country) as actor:
        for kept in given.speed_dials:
            await speed_dials.keep(actor, SpeedDial(kept.customer, kept.place, kept.number))
    world = CallWorld.configured(
        config,
        directory,
        # Nobody outside verifies these keys but the lab's callees, who are given them.
        SecurityKeys(secrets.token_hex()),
        clock,
        charging=money.charging,
        teller=Teller(store, directory, config.country, lambda: cards.peppers, cards.now_ms),
    )
    return ScenarioWorld(directory, world, money)
