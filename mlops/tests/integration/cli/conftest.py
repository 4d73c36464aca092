"""The command in this process, for tests that look at what it answers rather than at the process."""

from __future__ import annotations

from mlops.tests.fixtures.command import mlops, unconfigured_logging

__all__ = ["mlops", "unconfigured_logging"]
