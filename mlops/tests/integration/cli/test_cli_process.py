"""The command as a process: start-up, pipes, terminals, signals."""

from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MLOPS = [sys.executable, "-m", "mlops"]


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MLOPS, *words], capture_output=True, text=True, check=False, env={**os.environ, **environ}, timeout=60
    )


def test_help_imports_nothing_heavy() -> None:
    """`mlops --help` answers without the database, pydantic, the logging library or pandas."""
    code = (
        "import sys; from mlops.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'pydantic', 'structlog', 'pandas', 'numpy', 'alembic', 'mlops.config'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: mlops" in done.stdout
    assert done.stderr.strip() == "[]"


def test_warnings_are_json_lines_on_stderr_beside_json_on_stdout() -> None:
    """What a program reads from standard output is never mixed with logs."""
    done = run("config", "show", "--json", MLOPS_JWT_SECRET="hush", MLOPS_REDIS_URL="redis://:hush@cache")
    assert json.loads(done.stdout)["settings"]["database.redis_url"]["value"] == "redis://:***@cache"
    [line] = done.stderr.splitlines()
    assert json.loads(line)["event"] == "settings without effect were set"
    assert "hush" not in done.stdout + done.stderr


@pytest.mark.parametrize("words", [("config", "show"), ("config", "show", "--json"), ("--help",)], ids=" ".join)
def test_a_reader_that_leaves_early_causes_no_noise(words: tuple[str, ...]) -> None:
    """`mlops … | head` ends without a traceback when the pipe is closed."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*MLOPS, *words], stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 1


def opened_once_read(pipe: Path) -> int:
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody reads yet
                raise
            time.sleep(0.05)


def test_an_interrupted_command_ends_with_130(tmp_path: Path) -> None:
    """SIGINT while a command waits ends it at once, without a traceback."""
    os.mkfifo(tmp_path / "config.json")
    process = subprocess.Popen(
        [*MLOPS, "config", "show"],
        env={**os.environ, "MLOPS_CONFIG_FILE": str(tmp_path / "config.json")},
        stderr=subprocess.PIPE,
        text=True,
    )
    writing = opened_once_read(tmp_path / "config.json")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    os.close(writing)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.parametrize(("environ", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_a_table(environ: dict[str, str], is_coloured: bool) -> None:
    """Errors are coloured on a terminal unless NO_COLOR asks for none."""
    parent, child = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    settings = {**plain, "TERM": "xterm-256color", "MLOPS_ENVIRONMENT": "prod", **environ}
    subprocess.run([*MLOPS, "config", "show"], stderr=child, env=settings, check=False, timeout=60)
    os.close(child)
    shown = os.read(parent, 100_000).decode()
    os.close(parent)
    assert "Did you mean 'production'?" in shown
    assert ("\x1b[1;31mError:" in shown) is is_coloured


def test_debug_prints_the_traceback() -> None:
    """`mlops --debug` shows where an error came from."""
    done = run("--debug", "config", "show", MLOPS_ENVIRONMENT="prod")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "ConfigurationError" in done.stderr
