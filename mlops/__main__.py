"""Runs the `mlops` command as `python -m mlops`."""

from __future__ import annotations

from mlops.cli import main

if __name__ == "__main__":
    main()
