"""Resets of passwords by mail, which anybody may ask for.

Whoever asks is told the same, and as quickly, for every name: all that depends on it is done afterwards, in a
task of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog
from sqlalchemy import or_, select

from ringflow.accounts.access.password_links import link_url, make_reset_link
from ringflow.accounts.access.sign_in import SIGN_IN
from ringflow.accounts.failures import count_failure, judge
from ringflow.accounts.lockout import MINUTE_MS, Budget, Limit, Limits
from ringflow.actor import acting
from ringflow.config import Config
from ringflow.errors import Conflict
from ringflow.mail import Mailer, MailNotSent
from ringflow.plain_text import plain
from ringflow.rights import ALL_RIGHTS
from ringflow.store import Store
from ringflow.store.operator_tables import operators

log = structlog.get_logger("ringflow.accounts")

MOST_WAITING = 100
MAILS = Budget(at_once=3, each_ms=20 * MINUTE_MS)
"""How many such mails an operator gets, whoever asks."""
_SUBJECT = "Set another password for Ringflow"
_TEXT = """\
Somebody, perhaps you, asked from {address} to set another password for the
operator {operator}. To do so, open this link within an hour. It is good once:

  {link}

If it was not you, do nothing: the password stays as it is.
"""


class PasswordResets:
    """Sends links by which operators set another password. `now_ms` is since 1970."""

    def __init__(
        self, store: Store, config: Config, now_ms: Callable[[], int], mailer: Mailer | None
    ) -> None:
        self._store = store
        self._config = config
        self._now_ms = now_ms
        self._mailer = mailer
        self._asked: asyncio.Queue[tuple[str, str]] = asyncio.Queue(MOST_WAITING)

    def ask(self, name: str, address: str) -> None:
        """Have a link sent to the operator of this name or address of e-mail, if there is one.

        Raises `Conflict` where no mail is configured.
        """
        if self._mailer is None:
            raise Conflict("mail.not_configured", "no mail is sent from here; ask an admin for a link")
        try:
            self._asked.put_nowait((name, address))
        except asyncio.QueueFull:
            log.warning("reset of a password not sent", detail="too many are waiting")

    async def run(self) -> None:
        """Send what is asked for, until it is cancelled."""
        while True:
            name, address = await self._asked.get()
            await self.send(name, address)

    async def send(self, name: str, address: str) -> None:
        """Send a link to whom it is for: operators who have a password and an address of e-mail."""
        table = operators.c
        query = select(table.name, table.email).where(
            or_(table.name == name, table.email == name),
            table.enabled,
            table.password_hash.is_not(None),
            table.email.is_not(None),
        )
        async with self._store.reading() as connection:
            found = (await connection.execute(query.order_by(table.id))).all()
        for operator, email in found:
            await self._send_link(operator, email, address)

    async def _send_link(self, operator: str, email: str, address: str) -> None:
        assert self._mailer is not None
        now_ms = self._now_ms()
        limits = Limits({"operator": Limit(f"mails:{operator}", MAILS)})
        verdict = await judge(self._store, limits, now_ms)
        if verdict.wait_ms:
            log.warning("reset of a password not sent", operator=operator, detail="too many were asked for")
            return
        await count_failure(self._store, verdict.counted, now_ms)
        who = replace(SIGN_IN, rights=ALL_RIGHTS, address=address)
        async with acting(self._store, who, self._config.country, now_ms) as actor:
            _, text = await make_reset_link(actor, operator)
        link = link_url(self._config, text)
        body = _TEXT.format(address=plain(address), operator=operator, link=link)
        try:
            await self._mailer.send(email, _SUBJECT, body)
        except MailNotSent as error:
            log.warning("mail not sent", operator=operator, detail=str(error))
