"""Commands as a user runs them: in a folder of their own, through `ringflow`'s own entry, in this process."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from ringflow.cli import main


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.out)


@pytest.fixture
def logging_restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands set logging up for their process; here that is put back, as standard error is closed later.

    Loggers are not kept either: each module's would go on writing to the standard error of one test.
    """
    configure, handlers, level = structlog.configure, list(logging.root.handlers), logging.root.level

    def configure_for_now(**settings: Any) -> None:
        configure(**settings | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", configure_for_now)
    yield
    structlog.reset_defaults()
    logging.root.handlers = handlers
    logging.root.setLevel(level)


@pytest.fixture
def ringflow(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    _sqlite_template: Path,
    logging_restored: None,
) -> Callable[..., Ran]:
    """Runs a command in a folder with an empty configuration and database; gives its exit code and prints."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").touch()
    (tmp_path / ".ringflow").mkdir()
    shutil.copy(_sqlite_template, tmp_path / ".ringflow" / "ringflow.db")
    for name in [name for name in os.environ if name.startswith("RINGFLOW_")]:
        monkeypatch.delenv(name)

    def run(*words: str, **environment: str) -> Ran:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            # Set, so that it is taken back: `--config` sets it.
            patch.setenv("RINGFLOW_CONFIG", "")
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["ringflow", *words])
            with pytest.raises(SystemExit) as ended:
                main()
        printed = capsys.readouterr()
        assert ended.value.code is None or isinstance(ended.value.code, int)
        return Ran(ended.value.code or 0, printed.out, printed.err)

    return run
