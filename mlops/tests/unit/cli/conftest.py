"""Runs the command in this process, and puts the logging of the process back afterwards."""

from __future__ import annotations

from mlops.tests.fixtures.command import mlops, unconfigured_logging

__all__ = ["mlops", "unconfigured_logging"]
