"""How the command line and the servers log."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

import pytest
import structlog

from mlops.cli.logging import configure_logging


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


def logged(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_events_are_json_lines_when_not_on_a_terminal() -> None:
    """Each event is one line with its level, time, logger and values."""
    stream = io.StringIO()
    configure_logging(stream=stream)
    structlog.get_logger("mlops.test").info("model stored", model="ünï", size=3)
    [entry] = logged(stream)
    assert (entry["event"], entry["model"], entry["size"]) == ("model stored", "ünï", 3)
    assert (entry["level"], entry["logger"]) == ("info", "mlops.test")
    assert str(entry["timestamp"]).endswith("Z")


def test_the_standard_library_takes_the_same_road() -> None:
    """Records of other libraries become the same lines, their arguments filled in."""
    stream = io.StringIO()
    configure_logging(stream=stream)
    logging.getLogger("alembic").warning("running %s", "0001")
    [entry] = logged(stream)
    assert (entry["event"], entry["level"], entry["logger"]) == ("running 0001", "warning", "alembic")


def test_a_terminal_gets_readable_lines() -> None:
    """On a terminal the event is text with its values beside it."""
    stream = Terminal()
    configure_logging(stream=stream)
    structlog.get_logger("mlops.test").info("model stored")
    assert "model stored" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_a_terminal_gets_json_lines_on_demand() -> None:
    """A program may read what looks like a terminal."""
    stream = Terminal()
    configure_logging(stream=stream, as_json=True)
    structlog.get_logger("mlops.test").info("model stored")
    assert logged(stream)[0]["event"] == "model stored"


def test_less_severe_events_than_asked_for_are_dropped() -> None:
    """The level holds for both libraries."""
    stream = io.StringIO()
    configure_logging(level="WARNING", stream=stream)
    structlog.get_logger("mlops.test").info("quiet")
    logging.getLogger("other").info("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_secrets_are_never_logged(stream: io.StringIO) -> None:
    """Values with a secret's name, and passwords in any text, nested ones and tracebacks too, are masked."""
    configure_logging(stream=stream)
    log = structlog.get_logger("mlops.test")
    log.info("open postgresql://ann:s3cr3t@db/lab", api_key="s3cr3t", options={"signing_key": "s3cr3t"})
    log.info("urls", urls=["redis://:s3cr3t@cache"])
    logging.getLogger("other").warning("at %s", "redis://:s3cr3t@cache")
    try:
        int("redis://:s3cr3t@cache")
    except ValueError:
        log.exception("failed")
    assert "s3cr3t" not in stream.getvalue()
    assert "ValueError" in stream.getvalue()


def test_importing_the_command_configures_nothing() -> None:
    """A program that imports the package keeps its own logging."""
    code = (
        "import logging, structlog, mlops, mlops.cli, mlops.cli.logging;"
        "print(structlog.is_configured(), logging.getLogger().handlers)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False []"
