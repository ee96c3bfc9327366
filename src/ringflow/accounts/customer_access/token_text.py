"""The texts of customers' tokens: how they are drawn, read and digested.

`rf_me_PREFIX_SECRET` opens the customer's own resources; `rf_mr_PREFIX_SECRET` is exchanged for both anew.
The prefix finds the row; the secret has 256 random bits, of which SHA-256 is kept.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field

from ringflow.accounts.access.secret_text import digest_of, new_prefix, new_secret

PREFIX_LENGTH = 12
ACCESS = "rf_me_"
REFRESH = "rf_mr_"

_TEXT = re.compile(rf"(rf_m[er]_)([a-z0-9]{{{PREFIX_LENGTH}}})_[A-Za-z0-9_-]{{43}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenText:
    """A text as it came, and the prefix by which its row is found."""

    prefix: str
    text: str = field(repr=False)

    def has_digest(self, digest: str | None) -> bool:
        """Whether this is the text whose digest is kept."""
        return hmac.compare_digest(digest_of(self.text), digest or "")


def read_text(text: str, kind: str) -> TokenText | None:
    """Return a text of this kind (`ACCESS`, `REFRESH`); None for anything else, which is safe to pass."""
    match = _TEXT.fullmatch(text)
    return TokenText(match[2], text) if match is not None and match[1] == kind else None


def draw_prefix() -> str:
    """Return a new prefix."""
    return new_prefix(PREFIX_LENGTH)


def draw_text(kind: str, prefix: str) -> str:
    """Return a new text."""
    return f"{kind}{prefix}_{new_secret()}"
