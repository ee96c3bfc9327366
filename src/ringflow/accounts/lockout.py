"""Who may try a PIN or a code, and who has to wait: rules without I/O. docs/cards.md has them in words.

Each failure is held against several subjects. What stands against one drains away with time, a failure
in each `drain_ms`. Beyond `free` failures each one doubles the wait before the next try, up to `cap_ms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000

Subject: TypeAlias = Literal["pair", "cli", "card", "trunk"]


@dataclass(frozen=True, slots=True)
class Rule:
    """For one kind of subject. Times in milliseconds."""

    free: int
    first_ms: int
    cap_ms: int
    drain_ms: int

    def delay_ms(self, failures: int) -> int:
        """How long to wait after the failure that made it so many."""
        doublings = min(failures - self.free, 32)
        return 0 if doublings < 0 else min(self.cap_ms, self.first_ms << doublings)


RULES: dict[Subject, Rule] = {
    # One card from one telephone: the only thing that counts where the card was opened from it before.
    "pair": Rule(free=3, first_ms=MINUTE_MS, cap_ms=24 * HOUR_MS, drain_ms=24 * HOUR_MS),
    # One telephone, whatever cards it tries.
    "cli": Rule(free=10, first_ms=30 * SECOND_MS, cap_ms=HOUR_MS, drain_ms=10 * MINUTE_MS),
    # One card, from all telephones that are not known to it.
    "card": Rule(free=10, first_ms=MINUTE_MS, cap_ms=HOUR_MS, drain_ms=HOUR_MS),
    # One incoming trunk, from all telephones that never opened a card.
    "trunk": Rule(free=100, first_ms=SECOND_MS, cap_ms=MINUTE_MS, drain_ms=20 * SECOND_MS),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a try comes from: the incoming trunk's name, and the CLI in E.164, None where there is none."""

    trunk: str
    cli: str | None

    @property
    def source(self) -> str | None:
        """What a card may come to know: a CLI by way of a trunk. Nobody is known by calling anonymously."""
        return None if self.cli is None else f"{self.trunk}/{self.cli}"

    def subjects(self, card_id: str | None) -> dict[Subject, str]:
        """All that this caller's failures can be held against; with a card where its ID was given."""
        found: dict[Subject, str] = {"trunk": f"trunk:{self.trunk}"}
        if card_id is not None:
            found["card"] = f"card:{card_id}"
        if self.source is not None:
            found["cli"] = f"cli:{self.source}"
            if card_id is not None:
                found["pair"] = f"pair:{card_id}:{self.source}"
        return found


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands against a subject: when it last failed, and when all of it will have drained away."""

    failed_ms: int
    clear_ms: int


def wait_ms(kind: Subject, standing: Standing, now_ms: int) -> int:
    """How long the subject has to wait; 0: it may try. A clock that went back makes nobody wait longer."""
    rule = RULES[kind]
    failures = -(-(standing.clear_ms - standing.failed_ms) // rule.drain_ms)
    delay_ms = rule.delay_ms(failures)
    return min(delay_ms, max(0, standing.failed_ms + delay_ms - now_ms))


def counted(caller: Caller, known: bool, trusted: bool, card_id: str | None) -> set[Subject]:
    """Against what a failure is held. `known`: to this card; `trusted`: it has opened some card before."""
    kinds = set(caller.subjects(card_id))
    return kinds - ({"card"} if known else set()) - ({"trunk"} if trusted else set())


def longest_wait_ms(standings: Mapping[Subject, Standing], known: bool, trusted: bool, now_ms: int) -> int:
    """How long a caller has to wait. One whom the card knows answers only for its own failures with it."""
    heard: set[Subject] = {"pair"} if known else {"pair", "cli", "card", "trunk"}
    if trusted:
        heard.discard("trunk")
    waits = [wait_ms(kind, one, now_ms) for kind, one in standings.items() if kind in heard]
    return max(waits, default=0)
