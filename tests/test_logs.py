"""Lines of the log as a program finds them on standard error."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest

SET_UP = """
import logging, structlog
from ringflow.config import LogConfig
from ringflow.logs import set_up_logs
set_up_logs(LogConfig())
log = structlog.get_logger("test").bind()
structlog.contextvars.bind_contextvars(call_id="01a")
"""


def lines_of(program: str) -> list[Mapping[str, object]]:
    """What a program writes, each line of which must be JSON and ASCII."""
    done = subprocess.run(
        [sys.executable, "-c", SET_UP + program], capture_output=True, check=True, timeout=60
    )
    return [json.loads(line) for line in done.stderr.decode("ascii").splitlines()]


def test_what_callers_send_stays_within_one_line_and_comes_back_as_it_was() -> None:
    hostile = '"},\n{"level": "error"\r\0\x1b[2J \u2028 \xe9'
    (line,) = lines_of(f'log.info("call ended", cli={hostile!r}, legs=[{hostile!r}])')
    assert (line["cli"], line["legs"]) == (hostile, [hostile])
    assert (line["event"], line["level"], line["call_id"]) == ("call ended", "info", "01a")


@pytest.mark.parametrize("logger", ["log", 'logging.getLogger("library")'])
def test_an_exception_is_told_with_its_place_and_without_what_variables_held(logger: str) -> None:
    (line,) = lines_of(f"""
def read(pin):
    raise ValueError("unreadable")
try:
    read("908" + "17")
except ValueError:
    {logger}.exception("call failed")
""")
    (error,) = line["exception"]  # type: ignore[misc]
    assert (error["exc_type"], error["exc_value"]) == ("ValueError", "unreadable")  # type: ignore[has-type]
    assert [frame["name"] for frame in error["frames"]] == ["<module>", "read"]  # type: ignore[has-type]
    assert (line["event"], line["level"], line["call_id"]) == ("call failed", "error", "01a")
    assert "90817" not in json.dumps(line)
    assert "exc_info" not in line


def test_the_text_form_is_in_the_operators_zone_and_json_is_in_utc() -> None:
    program = """
import structlog, time
from zoneinfo import ZoneInfo
from ringflow.config import LogConfig
from ringflow.logs import set_up_logs
time.time_ns = lambda: 1_782_885_600_123_456_789
for form in ("text", "json"):
    set_up_logs(LogConfig(format=form), ZoneInfo("Asia/Kolkata"))
    structlog.get_logger("test").info("here")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    text, as_json = done.stderr.decode().splitlines()
    assert text.startswith("2026-07-01T11:30:00.123456+05:30 ")
    assert json.loads(as_json)["timestamp"] == "2026-07-01T06:00:00.123456Z"


def test_a_value_that_json_does_not_know_is_shown() -> None:
    (line,) = lines_of('log.warning("odd", value={1, })')
    assert line["value"] == "{1}"
