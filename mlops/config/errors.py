"""The error of a configuration that cannot be used."""

from __future__ import annotations

from mlops.errors import InvalidInput

__all__ = ["ConfigurationError"]


class ConfigurationError(InvalidInput):
    """A setting that is unknown, or has a value that cannot be used; the message says where it was set.

    Attributes:
        setting: Dotted name such as `database.url`; empty when the trouble is not with one setting.
        origin: Where it was set, worded as by `MLOpsConfig.origin`; empty when that is not one place.
    """

    def __init__(self, message: str, *, setting: str = "", origin: str = "") -> None:
        self.setting = setting
        self.origin = origin
        super().__init__(message)
