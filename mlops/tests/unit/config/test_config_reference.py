"""The reference pages of settings and commands say what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import mlops

ROOT = Path(mlops.__path__[0]).parent


@pytest.mark.parametrize(
    ("script", "function"), [("generate_settings.py", "settings_page"), ("generate_cli_reference.py", "cli_page")]
)
def test_a_generated_reference_page_is_current(script: str, function: str) -> None:
    """`make docs` would change nothing."""
    tool = runpy.run_path(str(ROOT / "tools" / script))
    assert tool["TARGET"].read_text(encoding="utf-8") == tool[function](), "run `make docs`"
