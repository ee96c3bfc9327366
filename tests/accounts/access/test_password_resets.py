"""Resets of passwords by mail: who gets one, how often, and what whoever asks can learn of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from ringflow.accounts import operators
from ringflow.accounts.access.password_resets import MAILS, MOST_WAITING, PasswordResets
from ringflow.actor import acting, shell_operator
from ringflow.config import Config
from ringflow.documents import Document
from ringflow.errors import Conflict, StartError
from ringflow.mail import Mailer
from ringflow.store import Store

from .test_password_links import NEW, LinkDoor

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CONFIG = Config.model_validate({"sign_in": {"url": "https://ringflow.example.com"}})


class MailServer:
    """Takes mail by SMTP, as much of it as sending one needs. `refuses`: no recipient is taken."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.said: list[bytes] = []
        self.came = asyncio.Event()
        self.refuses = False
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            self.said.append(line)
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-test\r\n250 AUTH PLAIN\r\n")
            elif verb == b"AUTH":
                writer.write(b"235 ok\r\n")
            elif verb == b"RCPT" and self.refuses:
                writer.write(b"550 nobody of that name\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                self.taken.append(message_from_bytes(raw, EmailMessage, policy=policy.default))
                self.came.set()
                writer.write(b"250 ok\r\n")
            else:
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[MailServer]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    def mailer(self, user: str | None = None) -> Mailer:
        secret = None if user is None else "a password"
        return Mailer("127.0.0.1", self.port, "none", "ringflow@example.com", user, secret)


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with MailServer().running() as server:
        yield server


@pytest.fixture
async def door(store: Store) -> LinkDoor:
    door = LinkDoor(store)
    await door.add("ann")
    await door.add("bob")
    await door.add("program", password=None)
    async with acting(store, shell_operator("root"), "US", door.now_ms) as actor:
        for name in ("ann", "program"):
            await operators.alter(actor, name, email=f"{name}@example.com")
    return door


Resets = Callable[[Mailer | None], PasswordResets]


@pytest.fixture
def resets(door: LinkDoor) -> Resets:
    return lambda mailer: PasswordResets(door.store, CONFIG, lambda: door.now_ms, mailer)


async def test_an_operator_is_sent_a_link_that_sets_another_password(
    door: LinkDoor, mail: MailServer, resets: Resets
) -> None:
    sending = resets(mail.mailer("user"))
    await sending.send("ann", "198.51.100.9")
    (one,) = mail.taken
    assert (one["To"], one["From"]) == ("ann@example.com", "ringflow@example.com")
    body = one.get_content()
    assert "198.51.100.9" in body
    found = re.search(r"https://ringflow\.example\.com/setup#(\S+)", body)
    assert found is not None
    await door.use(found[1])
    assert (await door.enter("ann", NEW)).session.operator == "ann"
    assert any(line.startswith(b"AUTH PLAIN") for line in mail.said)
    (made,) = await door.entries("link")
    assert (made.subject, made.operator, made.address) == ("operator ann", "sign-in", "198.51.100.9")


async def test_an_operator_is_found_by_the_address_of_e_mail_too(
    door: LinkDoor, mail: MailServer, resets: Resets
) -> None:
    await resets(mail.mailer()).send("ann@example.com", "")
    assert [one["To"] for one in mail.taken] == ["ann@example.com"]


async def test_nobody_is_sent_a_link_who_has_no_address_no_password_or_is_disabled(
    door: LinkDoor, mail: MailServer, resets: Resets
) -> None:
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.set_enabled(actor, "ann", enabled=False)
    sending = resets(mail.mailer())
    for name in ("ann", "bob", "program", "nobody", "", "%", "program@example.com"):
        await sending.send(name, "")
    assert mail.taken == []
    async with door.store.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM operator_links"))).scalar_one() == 0


async def test_whoever_asks_is_answered_before_anything_is_looked_up(
    door: LinkDoor, mail: MailServer, resets: Resets
) -> None:
    sending = resets(mail.mailer())
    # It is no coroutine: nothing can be waited for between the question and its answer.
    for name in ("ann", "nobody"):
        sending.ask(name, "")
    assert mail.said == []
    task = asyncio.create_task(sending.run())
    await mail.came.wait()
    task.cancel()
    with pytest.raises(Conflict) as refused:
        resets(None).ask("ann", "")
    assert refused.value.code == "mail.not_configured"


async def test_an_operator_gets_so_many_mails_whoever_asks_and_so_many_wait(
    door: LinkDoor, mail: MailServer, resets: Resets
) -> None:
    sending = resets(mail.mailer())
    for _ in range(MAILS.at_once + 2):
        await sending.send("ann", "")
    assert len(mail.taken) == MAILS.at_once
    door.now_ms += MAILS.each_ms
    await sending.send("ann", "")
    assert len(mail.taken) == MAILS.at_once + 1
    with structlog.testing.capture_logs() as logged:
        for _ in range(MOST_WAITING + 1):
            sending.ask("ann", "")
    assert [one["detail"] for one in logged] == ["too many are waiting"]


async def test_a_mail_that_is_not_taken_is_logged_without_its_link(
    door: LinkDoor, mail: MailServer, resets: Resets
) -> None:
    mail.refuses = True
    with structlog.testing.capture_logs() as logged:
        await resets(mail.mailer()).send("ann", "")
        await resets(Mailer("127.0.0.1", 1, "none", "ringflow@example.com")).send("ann", "")
    assert [(one["event"], one["operator"]) for one in logged] == [("mail not sent", "ann")] * 2
    assert "setup#" not in str(logged)


async def test_the_mail_server_comes_from_the_configuration(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def configured(**mail: str) -> Mailer | None:
        settings = {"host": "mail.example.com", "sender": "ringflow@example.com", **mail}
        sign_in = {"url": "https://ringflow.example.com"}
        config = Config.model_validate({"mail": settings, "sign_in": sign_in})
        return Mailer.configured(config.read_from(Document(str(tmp_path / "config.yaml"), None, {})))

    assert Mailer.configured(Config()) is None
    assert configured() == Mailer("mail.example.com", 587, "starttls", "ringflow@example.com")
    with pytest.raises(StartError, match=r"the password of `mail\.user`"):
        configured(user="ringflow")
    monkeypatch.setenv("RINGFLOW_MAIL_PASSWORD", "short")
    found = configured(user="ringflow")
    assert found is not None
    assert (found.password, "short" in repr(found)) == ("short", False)
    with pytest.raises(StartError, match=r"set sign_in\.url"):
        Mailer.configured(Config.model_validate({"mail": {"host": "a", "sender": "a@example.com"}}))
