"""What a scenario's call meets, in either world: rows, money, cards, and who answers about them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.directory import Directory
from ringflow.accounts.security_key import SecurityKeys
from ringflow.accounts.teller import Teller
from ringflow.calls.clock import Clock
from ringflow.calls.world import CallWorld
from ringflow.config import Config
from ringflow.simulator.deck import Deck
from ringflow.simulator.scenario import Given, ScenarioCustomer
from ringflow.simulator.till import Till
from ringflow.store import Store


@dataclass(frozen=True, slots=True)
class ScenarioWorld:
    """Ready for its calls."""

    directory: Directory
    world: CallWorld
    till: Till


async def make_world(
    store: Store, clock: Clock, config: Config, given: Given, paying: tuple[ScenarioCustomer, ...]
) -> ScenarioWorld:
    """Fill an empty database with what a scenario gives. `config` has its customers, DIDs and trunks.

    Raises `ConfigError` for rows that clash, `Refused` for cards of customers that are not there.
    """
    await apply_declarations(store, config)
    directory = Directory(store, config.country)
    till = Till(store, clock, config.charging, config.country)
    if given.rates is not None:
        await till.fill(given, paying)
    deck = Deck(store, clock)
    await deck.deal(given.cards, given.vouchers)
    world = CallWorld.configured(
        config,
        directory,
        # Nobody outside verifies these keys but the lab's callees, who are given them.
        SecurityKeys(secrets.token_hex()),
        clock,
        charging=till.charging,
        teller=Teller(store, directory, config.country, lambda: deck.peppers, deck.now_ms),
    )
    return ScenarioWorld(directory, world, till)
