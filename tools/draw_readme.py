"""Draws the README's pictures: what the demonstration prints, and the curves that it plots.

    python tools/draw_readme.py

Needs nothing but the package; the terminal is drawn as SVG, without the fonts that the drawing would fetch.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from mlops.cli.demo import main as demonstrate

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
_FONT_FACES = re.compile(r"@font-face\s*\{[^}]*\}", re.DOTALL)


def main() -> None:
    """Run the demonstration in a temporary folder and keep its pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    console = Console(record=True, file=io.StringIO(), width=112)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        demonstrate(Path("mlops_demo"), console=console)
        shutil.copy(Path("mlops_demo") / "plots" / "metrics.png", IMAGES / "demo-metrics.png")
    drawing = console.export_svg(title="make demo", theme=DIMMED_MONOKAI)
    (IMAGES / "demo-runs.svg").write_text(_FONT_FACES.sub("", drawing))


if __name__ == "__main__":
    main()
