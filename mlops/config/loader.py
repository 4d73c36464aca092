"""Making one configuration out of all that was set: arguments > variables > file > defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlops.config.catalogue import Setting, catalogue, sections
from mlops.config.errors import ConfigurationError
from mlops.config.masking import MASK, mask_passwords
from mlops.config.settings import Environment, MLOpsConfig, Settings
from mlops.config.sources import DEFAULT_FILE, Given, from_arguments, from_file, from_variables, parse_environment
from mlops.errors import InvalidRecord

__all__ = ["ConfigManager"]


class ConfigManager:
    """Finds the configuration and loads it.

    Args:
        config_path: The JSON file. Unset, the one that MLOPS_CONFIG_FILE names, else `mlops_config.json` in the working
            directory if it is there.
        environ: Environment variables; those of the process when not given.
    """

    def __init__(self, config_path: str | Path | None = None, *, environ: Mapping[str, str] | None = None) -> None:
        self._config_path = config_path
        self._environ = environ

    def load_config(self, environment: Environment | str | None = None, **overrides: Mapping[str, Any]) -> MLOpsConfig:
        """Return the settings of an environment.

        Arguments win over MLOPS_ variables, these over the file, this over the defaults. Settings that were set but
        have no effect yet are named in one logged warning.

        Args:
            environment: Unset, what MLOPS_ENVIRONMENT names, else development.
            **overrides: Values by section, as in `load_config(database={"url": "sqlite:///other.db"})`.

        Raises:
            ConfigurationError: A name or value that cannot be; the message says where it was set.
        """
        environ = os.environ if self._environ is None else self._environ
        chosen = _environment(environment, environ)
        path = self._file(environ)
        given = from_file(path, chosen) if path else {}
        given = {**given, **from_variables(environ), **from_arguments(overrides)}
        config = _assemble(chosen, given)
        _warn_about(given)
        return config

    def _file(self, environ: Mapping[str, str]) -> Path | None:
        named = self._config_path or environ.get("MLOPS_CONFIG_FILE")
        path = Path(named or DEFAULT_FILE).absolute()
        return path if named or path.exists() else None


def _environment(argument: Environment | str | None, environ: Mapping[str, str]) -> Environment:
    if argument is not None:
        return parse_environment(str(argument), where="argument environment")
    return parse_environment(
        environ.get("MLOPS_ENVIRONMENT") or Environment.DEVELOPMENT, where="variable MLOPS_ENVIRONMENT"
    )


def _assemble(environment: Environment, given: Mapping[str, Given]) -> MLOpsConfig:
    values: dict[str, dict[str, Any]] = {section: {} for section in sections()}
    for setting in catalogue():
        if setting.name in given:
            values[setting.section][setting.field] = _checked(setting, given[setting.name])
    made = {name: _section(name, model, values[name], given) for name, model in sections().items()}
    config = MLOpsConfig(environment=environment, **made)
    config._origins = {name: item.origin for name, item in given.items()}
    return config


def _checked(setting: Setting, given: Given) -> Any:
    try:
        return setting.validate(given.value, strict=not given.is_text)
    except ValidationError as error:
        shown = MASK if setting.is_secret else mask_passwords(repr(given.value))
        reason = str(error.errors()[0]["msg"])
    # outside the except clause: pydantic's report holds the value, which may be a secret
    raise ConfigurationError(
        f"{given.where}: {shown} cannot be used: {reason[:1].lower()}{reason[1:]}. Expected: {setting.type_text}.",
        setting=setting.name,
        origin=given.origin,
    )


def _section(name: str, model: type[Settings], values: Mapping[str, Any], given: Mapping[str, Given]) -> Settings:
    try:
        return model(**values)
    except InvalidRecord as error:
        places = "; ".join(given[f"{name}.{field}"].where for field in values)
        raise ConfigurationError(f"{' '.join(error.problems)} Set by: {places}.", setting=name) from error


def _warn_about(given: Mapping[str, Given]) -> None:
    idle = [f"{s.name} ({s.announcement})" for s in catalogue() if s.announcement and s.name in given]
    if idle:
        import structlog

        structlog.get_logger("mlops.config").warning("settings without effect were set", settings=idle)
