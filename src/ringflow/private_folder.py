"""Folders for secrets and databases."""

from __future__ import annotations

from pathlib import Path

PRIVATE_FOLDER_MODE = 0o711
"""For the owner alone, except that others may pass through.

Every secret in such a folder is readable by its owner only. The programs of the lab's PostgreSQL, which
refuses to run as root, are below it.
"""


def make_private_folder(folder: Path) -> None:
    """Make a folder for secrets, which nobody else can list; a folder that exists stays as it is.

    Raises `OSError`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)
