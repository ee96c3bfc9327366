"""Where Asterisk's manager interface is, who we are there, and how patient we are."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """All times are seconds. Raises `ValueError` for a port, a time or a secret that cannot work.

    A quiet link is pinged every `ping_interval_s` and declared dead after `silence_limit_s` without a byte.
    `action_timeout_s` must leave room for the second that Asterisk waits before it refuses a login
    (`authenticate()` in main/manager.c).
    """

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    ping_interval_s: float = 10.0
    silence_limit_s: float = 30.0
    action_timeout_s: float = 5.0
    backoff_min_s: float = 0.5
    backoff_max_s: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"the AMI port {self.port} is not between 1 and 65535")
        if not self.user or not self.secret:
            raise ValueError("AMI needs a user and a secret")
        if min(self.ping_interval_s, self.action_timeout_s, self.backoff_min_s) <= 0:
            raise ValueError("AMI times must be longer than zero")
        if self.silence_limit_s <= self.ping_interval_s:
            raise ValueError("the AMI silence limit must be longer than the ping interval")
        if self.backoff_max_s < self.backoff_min_s:
            raise ValueError("the longest AMI back-off must not be shorter than the shortest")
