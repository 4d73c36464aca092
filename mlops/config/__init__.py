"""Settings: what can be configured, and the manager that finds and loads it.

    >>> from mlops.config import ConfigManager, Environment
    >>> config = ConfigManager(environ={}).load_config(Environment.DEVELOPMENT, database={"pool_size": 8})
    >>> config.database.url, config.database.pool_size
    ('sqlite:///mlops.db', 8)
    >>> config.origin("database.pool_size")
    'argument'

Reads the environment and one JSON file, and nothing else; makes no folder and opens no connection.
"""

from __future__ import annotations

from mlops.config.catalogue import CONTROL_VARIABLES, Setting, catalogue
from mlops.config.errors import ConfigurationError
from mlops.config.loader import ConfigManager
from mlops.config.masking import mask_passwords
from mlops.config.settings import Environment, MLOpsConfig

__all__ = [
    "CONTROL_VARIABLES",
    "ConfigManager",
    "ConfigurationError",
    "Environment",
    "MLOpsConfig",
    "Setting",
    "catalogue",
    "mask_passwords",
]
