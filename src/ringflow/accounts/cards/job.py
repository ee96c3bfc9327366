"""The making of one batch of cards as a job: run once, watched while it runs, and ended by cancelling it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

from ringflow.accounts.cards.batch import Batch
from ringflow.accounts.cards.generation import Plan, Secret, discard, generate, open_batch
from ringflow.accounts.peppers import Peppers
from ringflow.actor import Opener


class JobState(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    """Its cards are good."""
    FAILED = "failed"
    """Nothing of it is left."""


class SecretsReceiver(Protocol):
    """Who is handed the PINs, which nobody can read again."""

    def write(self, secrets: Sequence[Secret]) -> None:
        """Take some cards' IDs and PINs."""

    def keep(self) -> None:
        """Keep all of them, before the cards are good."""


class SecretsList:
    """Keeps them in memory, for few cards."""

    def __init__(self) -> None:
        self.secrets: list[Secret] = []

    def write(self, secrets: Sequence[Secret]) -> None:
        """Take some cards' IDs and PINs."""
        self.secrets += secrets

    def keep(self) -> None:
        """They are kept already."""


class CardJob:
    """One batch in the making. `made` of `plan.count` cards are made; `batch` is there when it is ready."""

    def __init__(self, opener: Opener, plan: Plan, peppers: Peppers, receiver: SecretsReceiver) -> None:
        self.plan = plan
        self.state = JobState.WAITING
        self.made = 0
        self.batch: Batch | None = None
        self._opener = opener
        self._peppers = peppers
        self._receiver = receiver

    async def run(self, progress: Callable[[int], None] = lambda made: None) -> Batch:
        """Make the cards; `progress` is called with how many are made. Raises as `generate`.

        Whatever it raises, none of the cards is left.
        """

        def count(made: int) -> None:
            self.made = made
            progress(made)

        self.state = JobState.RUNNING
        try:
            batch = await generate(self._opener, self.plan, self._peppers, self._receiver.write, count)
            try:
                # The PINs first: cards that are good and that nobody has the PIN of would be worth nothing.
                self._receiver.keep()
                async with self._opener() as actor:
                    self.batch = await open_batch(actor, batch)
            except BaseException:
                await discard(self._opener, batch)
                raise
        except BaseException:
            self.state = JobState.FAILED
            raise
        self.state = JobState.READY
        return self.batch
