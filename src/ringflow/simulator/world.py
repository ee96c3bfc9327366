"""What a scenario's call meets, in either world: rows, money, cards, and who answers about them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from ringflow.accounts import speed_dials
from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.directory import Directory
from ringflow.accounts.security_key import SecurityKeys
from ringflow.accounts.speed_dials import SpeedDial
from ringflow.accounts.value_lists.look_up import ValueLists
from ringflow.actor import CONFIGURATION, acting
from ringflow.calendars.calendar_files import CalendarFiles
from ringflow.calendars.calendars import Calendars
from ringflow.calls.clock import Clock
from ringflow.calls.echo import ECHO, NO_ECHO
from ringflow.calls.world import CallWorld
from ringflow.config import Config
from ringflow.scripts.host import host_calls
from ringflow.scripts.key_values import KeyValues
from ringflow.scripts.service import Scripts
from ringflow.scripts.workers import ScriptWorkers
from ringflow.simulator.api_user_rows import insert_api_users
from ringflow.simulator.calendar_rows import insert_calendars
from ringflow.simulator.card_rows import CardRows
from ringflow.simulator.list_rows import insert_lists
from ringflow.simulator.scenario import Given, ScenarioCustomer
from ringflow.simulator.scenario_money import ScenarioMoney
from ringflow.simulator.scenario_recordings import ScenarioRecordings
from ringflow.simulator.scenario_requests import ScenarioRequests
from ringflow.simulator.scenario_scripts import ScenarioScripts, ScenarioValues
from ringflow.store import Store


@dataclass(frozen=True, slots=True)
class ScenarioWorld:
    """Ready for its calls."""

    directory: Directory
    world: CallWorld
    money: ScenarioMoney
    recordings: ScenarioRecordings
    values: ScenarioValues
    now_ms: Callable[[], int]


async def make_world(
    store: Store,
    clock: Clock,
    config: Config,
    given: Given,
    paying: tuple[ScenarioCustomer, ...],
    recordings_folder: Path,
    workers: ScriptWorkers,
) -> ScenarioWorld:
    """Fill an empty database with what a scenario gives. `config` has its customers, DIDs and trunks.

    `workers` run its scripts, and are the caller's to close.

    Raises `ConfigError` for rows that clash, `Refused` for cards of customers that are not there and for
    lists that cannot hold what is given.
    """
    await apply_declarations(store, config)
    directory = Directory(store, config.country)
    money = ScenarioMoney(store, clock, config.charging, config.country)
    if given.rates is not None:
        await money.fill(given, paying)
    await insert_calendars(store, given, config.country, clock)
    await insert_lists(store, config.country, given.lists)
    await insert_api_users(store, config.country, given.api_users)
    cards = CardRows(store, clock, config.country)
    await cards.insert(given, paying)
    async with acting(store, CONFIGURATION, config.country) as actor:
        for kept in given.speed_dials:
            await speed_dials.keep(actor, SpeedDial(kept.customer, kept.place, kept.number))
    recordings = ScenarioRecordings(
        store, clock, recordings_folder, config.recordings, disk_full=given.disk_full
    )
    world = CallWorld.configured(
        config,
        directory,
        # Nobody outside verifies these keys but the lab's callees, who are given them.
        SecurityKeys(secrets.token_hex()),
        clock,
        charging=money.charging,
        caller_accounts=CallerAccounts(store, directory, config.country, lambda: cards.peppers, cards.now_ms),
        recordings=recordings.service,
        calendars=Calendars(store, CalendarFiles(config.path(config.calendars.folder))),
        value_lists=ValueLists(store, config.country),
        scripts=ScenarioScripts(
            Scripts.configured(config, host_calls(store, config, cards.now_ms), workers), given.scripts
        ),
        kept_values=KeyValues(store),
        requests=ScenarioRequests(clock, given.http),
    )
    # The same chance in both worlds, and in each run; callers differ.
    world = replace(
        world,
        random_for=lambda cli: Random(cli if given.seed is None else f"{given.seed} {cli}"),  # noqa: S311
        echo=ECHO if given.echo else NO_ECHO,
    )
    values = ScenarioValues(KeyValues(store), cards.now_ms)
    return ScenarioWorld(directory, world, money, recordings, values, cards.now_ms)
