"""What goes wrong on the manager connection beyond what `ringflow.errors` names."""

from __future__ import annotations

from ringflow.errors import PeerSilent, RingflowError


class LinkDown(PeerSilent):
    """There is no link to Asterisk, or it dropped with an action in flight.

    `sent` is true when the action left us and no answer came: Asterisk may have carried it out. It is never
    sent a second time by us.
    """

    def __init__(self, reason: str, *, sent: bool = False) -> None:
        self.reason = reason
        self.sent = sent
        unknown = "; whether Asterisk carried the action out is not known" if sent else ""
        super().__init__(f"no AMI link: {reason}{unknown}")


class LoginRefused(RingflowError):
    """Asterisk does not accept the user, the secret, or our address."""
