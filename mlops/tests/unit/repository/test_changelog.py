"""The script that gathers the notes of changes/ at a release."""

from __future__ import annotations

import runpy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).resolve().parents[4] / "tools"
HEAD = "# Changes\n\nNotes of what is not released yet lie in changes.\n"


@pytest.fixture
def changelog() -> dict[str, Any]:
    """Return the names that the script defines."""
    return runpy.run_path(str(TOOLS / "changelog.py"))


def test_a_release_takes_the_notes_by_kind(changelog: dict[str, Any], tmp_path: Path) -> None:
    """Notes stand under their kind, and their files are gone."""
    (tmp_path / "search.added.md").write_text("Search by date.\n")
    (tmp_path / "crash.fixed.md").write_text("No crash on an empty table.\n")
    log = tmp_path / "CHANGELOG.md"
    log.write_text(HEAD)
    changelog["release"](tmp_path, log, "0.2.0", date(2026, 12, 1))
    wanted = "## 0.2.0 (2026-12-01)\n\n### Added\n\n- Search by date.\n\n### Fixed\n\n- No crash on an empty table.\n"
    assert log.read_text() == f"{HEAD}\n{wanted}"
    assert list(tmp_path.glob("*.*.md")) == []


def test_a_release_stands_above_older_ones(changelog: dict[str, Any], tmp_path: Path) -> None:
    """The newest release comes first, and older ones stay as they were."""
    log = tmp_path / "CHANGELOG.md"
    log.write_text(f"{HEAD}\n## 0.1.0 (2026-11-01)\n\n- First.\n")
    changelog["release"](tmp_path, log, "0.2.0", date(2026, 12, 1))
    assert log.read_text() == f"{HEAD}\n## 0.2.0 (2026-12-01)\n\n## 0.1.0 (2026-11-01)\n\n- First.\n"
