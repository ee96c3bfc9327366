"""The scripts of a folder as checks of flows see them, each read once."""

from __future__ import annotations

from functools import cache

from ringflow.errors import DocumentError
from ringflow.scripts.exit_names import ExitNames, exit_names
from ringflow.scripts.folder import ScriptFolder


class KnownScripts:
    """What is known of a folder's scripts without running any."""

    def __init__(self, folder: ScriptFolder) -> None:
        self._folder = folder
        self._read = cache(self._look)

    def trouble(self, name: str) -> tuple[str, str]:
        """What keeps a script from being run, and what to do; two empty texts where nothing does."""
        _, what, mend = self._read(name)
        return what, mend

    def exits(self, name: str) -> ExitNames | None:
        """The exits that a script names; None where it cannot be read."""
        return self._read(name)[0]

    def _look(self, name: str) -> tuple[ExitNames | None, str, str]:
        try:
            return exit_names(self._folder.read(name).script), "", ""
        except DocumentError as error:
            first = error.problems[0]
            if not first.line:
                return None, first.what, first.mend
            return None, f"script {name} cannot be used: {first}", "`ringflow script check` says all"
