"""How calendars, and files of calendars, may be named."""

from __future__ import annotations

MAX_NAME = 64
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
FILE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*$"
"""A file's name in the folder of calendars: no part of it begins with a dot, so none leads out of it."""
