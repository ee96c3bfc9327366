"""A place where tests put flows of their own and call them: real store, real wire, virtual clock."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.directory import Directory
from ringflow.accounts.security_key import SecurityKeys
from ringflow.calls import events
from ringflow.calls.call_record import CallRecord
from ringflow.calls.charging import Charging
from ringflow.calls.digits import DIALPLAN_TIMERS
from ringflow.calls.event_stream import Observer
from ringflow.calls.history import CallHistory
from ringflow.calls.manager import Manager
from ringflow.calls.originations import Originations
from ringflow.calls.prompt import Voice
from ringflow.calls.world import CallWorld
from ringflow.config import Config, CustomerDeclaration, DidDeclaration, TrunkDeclaration
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.engine.engine import Engine
from ringflow.flows.book import FlowBook
from ringflow.flows.flow import Flow
from ringflow.flows.slot import Slot
from ringflow.recordings.service import Recordings
from ringflow.scripts.service import Scripts
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import CallerStep, ScriptedCaller
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.talks import Work
from ringflow.simulator.virtual_call import Arrival, CarriedCall, carry_call
from ringflow.store import Store

DID = "18005550100"
CLI = "441910000001"


class Keeper:
    """Keeps the records of calls that ended."""

    observed = (events.CallEnded,)

    def __init__(self) -> None:
        self.records: list[CallRecord] = []

    def observe(self, event: events.CallEvent, history: CallHistory) -> None:
        self.records.append(history.record())


@dataclass
class Place:
    """`call` carries one call through the slots given; the rest is there to be looked at or broken."""

    store: Store
    directory: Directory
    config: Config
    clock: VirtualClock
    charging: Charging | None = None
    observers: list[Observer] = field(default_factory=list)
    library: frozenset[str] = frozenset()
    voice: Voice | None = None
    recordings: Recordings | None = None
    scripts: Scripts | None = None
    recordings_folder: Path | None = None
    """Where Asterisk writes them and looks for them."""

    def engine(
        self, flows: Sequence[Flow], observers: Sequence[Observer] = (), manager: Manager | None = None
    ) -> Engine:
        world = CallWorld(
            trunks=self.directory.trunks,
            may_call=self.directory.may_call,
            security_keys=SecurityKeys("a secret for tests only"),
            asterisk_sounds="/sounds",
            apology="MISC/sorry",
            uri_dial=self.config.uri_dial,
            uri_hosts=frozenset({"pbx.example.com"}),
            charging=self.charging,
            manager=manager,
            recordings=self.recordings,
            scripts=self.scripts,
            has_prompt=self.library.__contains__,
            clock=self.clock,
            voice=self.voice,
        )
        originations = Originations(self.store)
        return Engine(
            self.directory,
            FlowBook.of(flows),
            world,
            observers,
            lambda: "c1",
            originations=originations,
        )

    async def call(
        self,
        *slots: Slot,
        steps: Sequence[CallerStep] = (),
        callees: Sequence[Callee] = (Callee(Behaviour.ANSWER, 1000, 5000),),
        caller: str | None = CLI,
        did: str = DID,
        app: str = "tested",
        also: Sequence[Flow] = (),
        missing: frozenset[str] = frozenset(),
        dialplan: str = str(DIALPLAN_VERSION),
        timers: str = DIALPLAN_TIMERS,
        in_talk: Sequence[tuple[int, Work]] = (),
        prompts_s: float = 2.0,
        missing_applications: frozenset[str] = frozenset(),
    ) -> CarriedCall:
        flows = [Flow(app, "", slots, "tested.yaml", "r1"), *also] if slots else list(also)
        return await carry_call(
            Arrival(did, caller, dialplan=dialplan, timers=timers),
            lambda observers, held_keys: self.engine(flows, [*observers, *self.observers]),
            ScriptedCaller(self.clock, steps),
            self.clock,
            lambda attempt, target: callees[min(attempt, len(callees) - 1)],
            lambda name: None if name in missing else prompts_s,
            sounds_prefix="/sounds",
            in_talk=in_talk,
            missing_applications=missing_applications,
            recordings=self.recordings_folder,
        )


Configure = Callable[..., Coroutine[Any, Any, Place]]


@pytest.fixture
async def configured(_sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Configure]:
    """Makes a place with fields of the configuration changed."""
    opened: list[Store] = []

    async def make(**changes: object) -> Place:
        base: dict[str, object] = {
            "customers": (CustomerDeclaration(id=42, clis=(CLI,)),),
            "dids": (DidDeclaration(number=DID, app="tested"),),
            "trunks": (
                TrunkDeclaration(name="first", dial="PJSIP/{number}@first", position=1),
                TrunkDeclaration(name="second", dial="PJSIP/{number}@second", position=2),
            ),
        }
        config = Config.model_validate(base | changes)
        path = tmp_path / f"place-{len(opened)}.db"
        shutil.copy(_sqlite_template, path)
        store = await Store.open(f"sqlite:///{path}")
        opened.append(store)
        await apply_declarations(store, config)
        return Place(store, Directory(store, config.country), config, VirtualClock())

    yield make
    for store in opened:
        await store.close()


@pytest.fixture
async def place(configured: Configure) -> Place:
    """A customer 42 with one CLI, a DID that leads to `tested`, and two trunks."""
    return await configured()
