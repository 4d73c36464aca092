"""Gathers the notes of changes/ into CHANGELOG.md at a release, and removes them.

python tools/changelog.py VERSION
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("security", "removed", "changed", "added", "fixed")


def section(version: str, day: date, notes: dict[str, list[str]]) -> str:
    """Return the changelog's section of a release: its notes by kind, in the order of urgency to a reader."""
    parts = [f"## {version} ({day.isoformat()})"]
    parts += ["\n".join([f"### {kind.capitalize()}", "", *notes[kind]]) for kind in KINDS if notes.get(kind)]
    return "\n\n".join(parts)


def release(folder: Path, changelog: Path, version: str, day: date) -> None:
    """Put the notes of a folder above the older releases of a changelog."""
    files = sorted(folder.glob("*.*.md"))
    notes = {
        kind: [f"- {path.read_text('utf-8').strip()}" for path in files if path.suffixes[-2] == f".{kind}"]
        for kind in KINDS
    }
    head, mark, older = changelog.read_text("utf-8").partition("\n## ")
    changelog.write_text(f"{head.rstrip()}\n\n{section(version, day, notes)}\n{mark}{older}", "utf-8")
    for path in files:
        path.unlink()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Give the version: python tools/changelog.py 0.2.0")
    release(ROOT / "changes", ROOT / "CHANGELOG.md", sys.argv[1], datetime.now(UTC).date())
