"""How many wrong PINs, codes and passwords are compared: rules without I/O. docs/cards.md explains the model.

Wrong tries use up budgets: `at_once` of them may come in a row, and one is forgotten every `each_ms`. A try
is compared while its budgets have room. Which budgets a wrong try uses, and what its caller hears, depends
only on earlier wrong tries, never on whether the card exists or knows the telephone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal, TypeAlias

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Subject: TypeAlias = Literal[
    "card",
    "known",
    "telephone",
    "trunk",
    "system",
    "customer",
    "number",
    "numbers",
    "member",
    "password",
    "operator_at_address",
    "address",
    "operator",
    "second_factor",
    "device",
    "session",
    "web",
    "customer_login",
]


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands against a subject: when it last failed, and when all of it will be forgotten."""

    failed_ms: int
    clear_ms: int

    def left_ms(self, now_ms: int) -> int:
        """How long until all is forgotten. Nothing is while the clock is behind the last failure."""
        return max(0, self.clear_ms - max(now_ms, self.failed_ms))


@dataclass(frozen=True, slots=True)
class Budget:
    """`at_once` wrong tries in a row, and one more every `each_ms` milliseconds."""

    at_once: int
    each_ms: int

    def wait_ms(self, standing: Standing | None, now_ms: int) -> int:
        """How long until one more wrong try fits; 0: it does now."""
        left_ms = 0 if standing is None else standing.left_ms(now_ms)
        return max(0, left_ms - (self.at_once - 1) * self.each_ms)


# PINs that open a card alone. Such a PIN is a guess at every card, so these limit the guesses of everybody
# together; where one is used up, the caller is asked for the card's ID too.
TELEPHONE = Budget(at_once=5, each_ms=10 * MINUTE_MS)
TRUNK = Budget(at_once=400, each_ms=36 * SECOND_MS)
SYSTEM = Budget(at_once=800, each_ms=24 * SECOND_MS)
# Codes of vouchers, for the account that they would go to.
CUSTOMER = Budget(at_once=10, each_ms=10 * MINUTE_MS)
# Codes at a number that customers share: for all customers of one number together, and for all numbers.
NUMBER = Budget(at_once=10, each_ms=HOUR_MS)
NUMBERS = Budget(at_once=400, each_ms=36 * SECOND_MS)
# Passwords of operators: for one name from one address, for an address, and for one name from anywhere. A
# device from which the operator has signed in before has its own, and so has a session that asks again.
OPERATOR_AT_ADDRESS = Budget(at_once=5, each_ms=5 * MINUTE_MS)
ADDRESS = Budget(at_once=20, each_ms=MINUTE_MS)
OPERATOR = Budget(at_once=100, each_ms=5 * MINUTE_MS)
SECOND_FACTOR = Budget(at_once=10, each_ms=15 * MINUTE_MS)
DEVICE = Budget(at_once=10, each_ms=2 * MINUTE_MS)
SESSION = Budget(at_once=5, each_ms=2 * MINUTE_MS)
# Cards' PINs and passwords that come over HTTP, from one address whatever they are tried at.
CUSTOMERS_ADDRESS = Budget(at_once=10, each_ms=10 * MINUTE_MS)
# Passwords of one customer's login.
CUSTOMER_LOGIN = Budget(at_once=50, each_ms=10 * MINUTE_MS)
_IDLE = Budget(at_once=1, each_ms=SECOND_MS)

_SHORTEST_PIN = 4
_SHORTEST_PIN_TRIES_A_DAY = 12


def card_budget(pin_digits: int) -> Budget:
    """For PINs of this length keyed with a card's ID: 12 a day for four digits, twice as many for each more.

    A budget for each length: whoever keys shorter PINs than the card's uses up nothing that its owner needs.
    """
    tries_a_day = _SHORTEST_PIN_TRIES_A_DAY << max(0, pin_digits - _SHORTEST_PIN)
    return Budget(at_once=tries_a_day // 2, each_ms=DAY_MS // tries_a_day)


def web_budget(pin_digits: int) -> Budget:
    """For PINs of this length at all cards together, over HTTP: as many for four digits as of PINs alone.

    Each digit more makes a guess ten times as hopeless, so there are ten times as many.
    """
    times = 10 ** max(0, pin_digits - _SHORTEST_PIN)
    return Budget(at_once=SYSTEM.at_once * times, each_ms=max(1, SYSTEM.each_ms // times))


WEB = "(web)"
"""Stands for the trunk where a try comes over HTTP; no trunk can have this name."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a try comes from: the incoming trunk's name, and the CLI in E.164, None where there is none.

    Over HTTP these are `WEB` and the address.
    """

    trunk: str
    cli: str | None

    @property
    def source(self) -> str | None:
        """What a card may come to know: a CLI by way of a trunk. Nobody is known by calling anonymously."""
        return None if self.cli is None else f"{self.trunk}/{self.cli}"


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget, and the name under which the database keeps what was used of it."""

    name: str
    budget: Budget


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be compared. `wait_ms`: how long until a telephone that no card knows may try; 0: it may now.

    `known_may`: whether a telephone that the card knows may. `counted`: what a failure is held against.
    """

    wait_ms: int
    known_may: bool
    counted: Sequence[Limit]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a try is held against. `shared`: any of these used up stops callers who are not known.

    `own`: what stops a telephone that the card knows; None where nobody can be known. `idle`: counted and
    never read, so that a try takes as long whether or not it was compared.
    """

    shared: Mapping[Subject, Limit]
    own: tuple[Subject, Limit] | None = None
    idle: Limit | None = None

    @property
    def all(self) -> dict[Subject, Limit]:
        """Every limit by its subject."""
        return dict(self.shared) if self.own is None else {**self.shared, self.own[0]: self.own[1]}

    def judge(self, standings: Mapping[Subject, Standing], now_ms: int) -> Verdict:
        """What may be compared now, given what stands against the subjects."""
        waits = {kind: one.budget.wait_ms(standings.get(kind), now_ms) for kind, one in self.all.items()}
        wait_ms = max(waits[kind] for kind in self.shared)
        if not wait_ms:
            return Verdict(0, True, list(self.all.values()))
        if self.own is not None and not waits[self.own[0]]:
            return Verdict(wait_ms, True, [self.own[1]])
        return Verdict(wait_ms, False, [] if self.idle is None else [self.idle])


def limits_of_card(card_id: str, pin_digits: int, caller: Caller) -> Limits:
    """Of a card's ID and PIN. Neither telephone nor trunk counts: an attacker presents whose he likes.

    Tries over HTTP have limits of their own, so that nobody there locks a card out for who calls.
    """
    budget = card_budget(pin_digits)
    if caller.trunk == WEB:
        return _limits_of_card_on_web(card_id, pin_digits, caller, budget)
    shared: dict[Subject, Limit] = {"card": Limit(f"card:{card_id}:{pin_digits}", budget)}
    source = caller.source
    if source is None:
        return Limits(shared)
    own = Limit(f"known:{card_id}:{pin_digits}:{source}", budget)
    return Limits(shared, ("known", own), Limit(f"idle:{source}", _IDLE))


def _limits_of_card_on_web(card_id: str, pin_digits: int, caller: Caller, budget: Budget) -> Limits:
    """The same over HTTP, where guessing at many cards at once costs nothing: two limits more."""
    assert caller.cli is not None, "whoever sends a request has an address"
    own = Limit(f"known:{card_id}:{pin_digits}:{caller.source}", budget)
    shared: dict[Subject, Limit] = {
        "card": Limit(f"web:{card_id}:{pin_digits}", budget),
        "address": _limit_of_address(caller.cli),
        "web": Limit(f"web:{pin_digits}", web_budget(pin_digits)),
    }
    return Limits(shared, ("known", own), Limit(f"idle:{caller.source}", _IDLE))


def limits_of_login(login: str, address: str) -> Limits:
    """Of the password of a customer's login. `login` names it, whether or not there is such a login."""
    own = Limit(f"known:{login}:{address}", CUSTOMER_LOGIN)
    shared: dict[Subject, Limit] = {
        "customer_login": Limit(f"customer-login:{login}", CUSTOMER_LOGIN),
        "address": _limit_of_address(address),
    }
    return Limits(shared, ("known", own), Limit(f"idle:{WEB}/{address}", _IDLE))


def _limit_of_address(address: str) -> Limit:
    return Limit(f"customers-address:{address}", CUSTOMERS_ADDRESS)


def limits_of_pin(caller: Caller) -> Limits:
    """Of a PIN that opens a card alone."""
    shared: dict[Subject, Limit] = {
        "trunk": Limit(f"trunk:{caller.trunk}", TRUNK),
        "system": Limit("system", SYSTEM),
    }
    if caller.source is None:
        return Limits(shared)
    own = Limit(f"telephone:{caller.source}", TELEPHONE)
    return Limits({**shared, "telephone": own}, ("telephone", own))


def limits_of_code(number: str) -> Limits:
    """Of a code at a shared number, which may hit any of its customers.

    Who presents the number may be anybody, so these lock nobody out: see `limits_of_member`.
    """
    return Limits(
        {"number": Limit(f"number:{number}", NUMBER), "numbers": Limit("numbers", NUMBERS)},
    )


def limits_of_member(number: str, customer_id: int, digits: int) -> Limits:
    """Of a code at a shared number where the caller has named the account."""
    return Limits({"member": Limit(f"member:{number}:{customer_id}:{digits}", card_budget(digits))})


def limits_of_password(customer_id: int, digits: int) -> Limits:
    """Of a service password."""
    return Limits({"password": Limit(f"password:{customer_id}:{digits}", card_budget(digits))})


def limits_of_voucher(customer_id: int) -> Limits:
    """Of a voucher's code."""
    return Limits({"customer": Limit(f"customer:{customer_id}", CUSTOMER)})


def limits_of_sign_in(name: str, address: str, device: str | None) -> Limits:
    """Of an operator's password. `device`: the digest of one from which the operator has signed in before."""
    source = address_name(address)
    shared: dict[Subject, Limit] = {
        "operator_at_address": Limit(f"operator:{name}@{source}", OPERATOR_AT_ADDRESS),
        "address": Limit(f"address:{source}", ADDRESS),
        "operator": Limit(f"operator:{name}", OPERATOR),
    }
    return Limits(shared, _own_device(name, device))


def limits_of_second_factor(name: str, device: str | None) -> Limits:
    """Of the code that an operator's second factor shows, after the right password."""
    shared: dict[Subject, Limit] = {"second_factor": Limit(f"second_factor:{name}", SECOND_FACTOR)}
    return Limits(shared, _own_device(name, device))


def limits_of_session(number: int) -> Limits:
    """Of the password that somebody who has signed in gives once more."""
    return Limits({"session": Limit(f"session:{number}", SESSION)})


def address_name(address: str) -> str:
    """Return the name under which an address is counted: of IPv6 a subscriber's whole network (RFC 6177)."""
    try:
        read = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(read, IPv6Address):
        return str(read.ipv4_mapped or ip_network((read, 64), strict=False).network_address)
    return str(read)


def _own_device(name: str, device: str | None) -> tuple[Subject, Limit] | None:
    return None if device is None else ("device", Limit(f"device:{name}:{device}", DEVICE))
