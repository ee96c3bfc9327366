"""The log: one line for each event on standard error, JSON for programs or text for people."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, tzinfo

import structlog
from structlog.typing import Processor

from ringflow.config import LogConfig
from ringflow.moments import iso_in

_ENCODER = json.JSONEncoder(default=repr)
# Without local variables: a secret or a PIN may be among them.
_with_exception = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
WHOLE_SECONDS = len("2026-07-01T06:00:00")
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def set_up_logs(config: LogConfig, zone: tzinfo = UTC) -> None:
    """Configure structlog, and pass the libraries' warnings through it. Every line has the call's ID, if any.

    JSON escapes what callers send; the text form shows values by `repr`, so that no line can be forged. Its
    times are in `zone`, with their offset; those of JSON are in UTC.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _Clock(zone if config.format == "text" else UTC),
    ]
    if config.format == "json":
        last: list[Processor] = [_json_line]
    else:
        colours = sys.stderr.isatty()
        last = [
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
        ]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[config.level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_drop_record, *last])
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)


class _Clock:
    """Puts the time into an event: RFC 3339, microseconds. structlog's takes a third of a whole line."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._second = -1
        self._shown = self._offset = ""

    def __call__(
        self, logger: object, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        second, ns = divmod(time.time_ns(), 1_000_000_000)
        if second != self._second:
            self._second = second
            shown = iso_in(second * 1000, self._zone, "seconds")
            self._shown, self._offset = shown[:WHOLE_SECONDS], shown[WHOLE_SECONDS:]
        event["timestamp"] = f"{self._shown}.{ns // 1000:06d}{self._offset}"
        return event


def _json_line(logger: object, method: str, event: structlog.typing.EventDict) -> str:
    if "exc_info" in event:
        event = _with_exception(logger, method, event)
    # `json.dumps` with a `default` makes an encoder for every line, which takes longer than to encode it.
    return _ENCODER.encode(event)


def _drop_record(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, method, event)
