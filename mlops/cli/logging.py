"""Configures logging for the command line and the servers: readable on a terminal, JSON lines elsewhere, no secrets.

structlog's events and the standard library's records take the same road to standard error. Nothing here runs when the
package is imported: a program that uses the package as a library keeps its own configuration.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog

from mlops.config.masking import MASK, mask_passwords

__all__ = ["configure_logging", "mask_secrets"]

_SECRET_NAME = re.compile(
    r"password|passwd|secret|token|(api|signing|encryption|access|private)_?key|authorization", re.IGNORECASE
)


def configure_logging(*, level: str = "INFO", stream: TextIO | None = None, as_json: bool = False) -> None:
    """Send all logging of this process to one stream, replacing what was configured before.

    Args:
        level: Least severe level that is shown, a name such as `INFO`.
        stream: Standard error when not given. JSON lines are written unless it is a terminal.
        as_json: Write JSON lines there too.
    """
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    _configure_standard_library(level, stream, shared, as_json=as_json)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def mask_secrets(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Replace, as a structlog processor, values with a secret's name and passwords inside any text."""
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name):
        return MASK
    if isinstance(value, str):
        return mask_passwords(value)
    if isinstance(value, Mapping):
        return {key: _masked(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(name, item) for item in value]
    return value


def _configure_standard_library(level: str, stream: TextIO, shared: list[Any], *, as_json: bool) -> None:
    handler = logging.StreamHandler(stream)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[remove_meta, _renderer(stream, as_json=as_json)], foreign_pre_chain=shared
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _renderer(stream: TextIO, *, as_json: bool) -> Any:
    if stream.isatty() and not as_json:
        # plain: structlog's own choice prints the local variables of a traceback, keys among them
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False, default=repr)
