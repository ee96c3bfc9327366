"""What the operations of the API work with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ringflow.accounts.access.passkey_sign_in import PasskeySignIn
from ringflow.accounts.access.password_links import PasswordLinks
from ringflow.accounts.access.password_resets import PasswordResets
from ringflow.accounts.access.sessions import SessionRules
from ringflow.accounts.access.sign_in import SignIn
from ringflow.accounts.access.webauthn_checks import RelyingParty
from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.customer_access.sign_in import CustomerSignIn
from ringflow.accounts.passwords import Passwords
from ringflow.accounts.peppers import configured_peppers
from ringflow.actor import Opener, Principal, acting
from ringflow.asterisk.findings import Finding
from ringflow.calls.call_backs import CallBacks
from ringflow.calls.originator import Originator
from ringflow.config import Config
from ringflow.engine.shared_watches import SharedWatches
from ringflow.flows.publisher import FlowPublisher
from ringflow.flows.script_library import ScriptLibrary
from ringflow.mail import Mailer
from ringflow.scripts.service import Scripts, script_folder
from ringflow.store import Store
from ringflow.web.readiness import Probe
from ringflow.web.rest.event_feed import OpenFeeds
from ringflow.web.rest.open_telephones import OpenTelephones

SIMULATIONS_AT_ONCE = 2
"""How many calls or rows of scenarios are simulated beside a server's calls; others wait."""

REQUESTS_AT_ONCE = 4
"""How many requests use the database at once; others wait, in their order.

Between two steps of a call at most so many requests do a step of theirs, however many connections ask. And
SQLAlchemy keeps five connections: to open one more for a request, with its thread on SQLite, takes longer
than the request.
"""


@dataclass(frozen=True, slots=True)
class CustomerServices:
    """What customers' own programs work with."""

    caller_accounts: CallerAccounts
    passwords: Passwords
    sign_in: CustomerSignIn
    call_backs: CallBacks


@dataclass(frozen=True, slots=True)
class Services:
    """The database and the configuration that a server runs with; `now_ms` is since 1970.

    `probes` tell how its parts are. `findings` are of the last look at its Asterisk, None before the first.
    `job_queued` is set where a job was put into the queue, so that it need not wait for the next look.
    """

    store: Store
    config: Config
    now_ms: Callable[[], int]
    probes: Mapping[str, Probe]
    findings: Callable[[], Sequence[Finding] | None]
    feeds: OpenFeeds = field(default_factory=OpenFeeds)
    telephones: OpenFeeds = field(default_factory=OpenTelephones)
    of_customers: CustomerServices | None = None
    job_queued: asyncio.Event = field(default_factory=asyncio.Event)
    mailer: Mailer | None = None
    originator: Originator | None = None
    script_runner: Scripts | None = None
    conversions: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REQUESTS_AT_ONCE))
    simulations: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIMULATIONS_AT_ONCE))
    sign_in: SignIn = field(init=False, repr=False)
    passkeys: PasskeySignIn = field(init=False, repr=False)
    links: PasswordLinks = field(init=False, repr=False)
    flows: FlowPublisher = field(init=False, repr=False)
    resets: PasswordResets = field(init=False, repr=False)
    scripts: ScriptLibrary = field(init=False, repr=False)
    watches: SharedWatches = field(init=False, repr=False)

    def __post_init__(self) -> None:
        of = self.config.sign_in
        rules = SessionRules(of.idle_s * 1000, of.absolute_s * 1000, frozenset(of.second_factor_for))
        peppers = partial(configured_peppers, self.config)
        sign_in = SignIn(self.store, self.config.country, rules, self.now_ms, peppers)
        party = RelyingParty.configured(self.config)
        passkeys = PasskeySignIn(self.store, self.config.country, rules, self.now_ms, party)
        object.__setattr__(self, "passkeys", passkeys)
        links = PasswordLinks(self.store, self.config.country, sign_in.passwords, self.now_ms)
        # The class is frozen, and these are made of the other fields.
        object.__setattr__(self, "sign_in", sign_in)
        object.__setattr__(self, "links", links)
        # It keeps what it has read of the files, so that a check takes milliseconds.
        object.__setattr__(self, "flows", FlowPublisher.configured(self.config, self.store, self.now_ms))
        resets = PasswordResets(self.store, self.config, self.now_ms, self.mailer)
        object.__setattr__(self, "resets", resets)
        folder = script_folder(self.config)
        # It starts no process before a script is read.
        runner = self.script_runner or Scripts.configured(self.config)
        scripts = ScriptLibrary(self.store, folder, self.config.country, self.now_ms, runner)
        object.__setattr__(self, "scripts", scripts)
        object.__setattr__(self, "watches", SharedWatches(self.store, self.now_ms))

    @property
    def customers(self) -> CustomerServices:
        """What customers' own programs work with."""
        assert self.of_customers is not None, "a server has them"
        return self.of_customers

    def opener(self, principal: Principal) -> Opener:
        """Return what begins a transaction in which the principal acts."""
        return lambda: acting(self.store, principal, self.config.country, self.now_ms())
