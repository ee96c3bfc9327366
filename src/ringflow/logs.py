"""The log: one line for each event on standard error, JSON for programs or text for people."""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, timedelta, tzinfo

import structlog
from structlog.typing import Processor

from ringflow.config import LogConfig
from ringflow.moments import EPOCH, iso_of

# Without local variables: a secret or a PIN may be among them.
_with_exception = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def set_up_logs(config: LogConfig, zone: tzinfo = UTC) -> None:
    """Configure structlog, and pass the libraries' warnings through it. Every line has the call's ID, if any.

    JSON escapes what callers send; the text form shows values by `repr`, so that no line can be forged. Its
    times are in `zone`, with their offset; those of JSON are in UTC.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _timestamp(zone if config.format == "text" else UTC),
    ]
    if config.format == "json":
        last: list[Processor] = [_with_exception, structlog.processors.JSONRenderer(default=repr)]
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


def _timestamp(zone: tzinfo) -> Processor:
    """Put the time into an event: RFC 3339, microseconds."""

    def stamp(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        now = EPOCH + timedelta(microseconds=time.time_ns() // 1000)
        event["timestamp"] = iso_of(now.astimezone(zone), "microseconds")
        return event

    return stamp


def _drop_record(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, method, event)
