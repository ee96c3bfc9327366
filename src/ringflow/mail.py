"""Mail by SMTP (RFC 5321), to people whose address an operator has written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from ringflow.config import Config
from ringflow.errors import RingflowError, StartError
from ringflow.secret import read_secret

TIMEOUT_S = 30.0
MADE_BY = "the mail server's own tools"


class MailNotSent(RingflowError):
    """A mail that the server did not take."""

    code = "mail.not_sent"


@dataclass(frozen=True, slots=True)
class Mailer:
    """Sends mail by one server. `security`: `starttls`, `tls` from the start, or `none`."""

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def configured(cls, config: Config) -> Mailer | None:
        """Return the one of the configuration, if it has one. Raises `StartError` without its password."""
        mail = config.mail
        if mail is None:
            return None
        if config.sign_in.url is None:
            raise StartError(
                "mail is configured, and nothing says where its links lead; set sign_in.url to the address "
                "by which browsers reach this server"
            )
        password = None
        if mail.user is not None:
            file = config.path(mail.password_file) if mail.password_file else None
            password = read_secret(
                mail.password_env, file, "the password of `mail.user`", MADE_BY, least_bytes=1
            )
        return cls(mail.host, mail.port, mail.security, mail.sender, mail.user, password)

    async def send(self, to: str, subject: str, text: str) -> None:
        """Send a mail. Raises `MailNotSent`, whose text has neither the mail's nor the password."""
        # A server that sends no mail need not wait for it at its start.
        import aiosmtplib

        try:
            await aiosmtplib.send(
                self._message(to, subject, text),
                hostname=self.host,
                port=self.port,
                username=self.user,
                password=self.password,
                use_tls=self.security == "tls",
                start_tls=self.security == "starttls",
                timeout=TIMEOUT_S,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailNotSent(f"{self.host}:{self.port}: {type(error).__name__}: {error}") from error

    def _message(self, to: str, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        # No program answers such a mail (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message
