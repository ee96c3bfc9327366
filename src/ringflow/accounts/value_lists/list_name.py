"""How lists are named: by a word that flows can write."""

from __future__ import annotations

NAME_PATTERN = r"^[a-z][a-z0-9_-]*$"
MAX_NAME = 64
