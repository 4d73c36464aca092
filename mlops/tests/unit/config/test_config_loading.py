"""Where settings come from, and which source wins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.config import ConfigManager, ConfigurationError, Environment

GUIDE_FILE: dict[str, dict[str, dict[str, Any]]] = {
    "production": {
        "database": {
            "url": "postgresql://user:pass@prod-db:5432/mlops",
            "max_connections": 50,
            "pool_size": 20,
        },
        "model_registry": {"registry_path": "/data/models", "backup_enabled": True, "backup_interval_hours": 6},
        "monitoring": {"health_check_interval_seconds": 15, "alert_cooldown_minutes": 5},
        "deployment": {"container_registry_url": "registry.company.com", "default_replicas": 3},
    }
}
GUIDE_VARIABLES = {
    "MLOPS_DATABASE_URL": ("database.url", "postgresql://user:pass@localhost:5432/mlops"),
    "MLOPS_REDIS_URL": ("database.redis_url", "redis://localhost:6379"),
    "MLOPS_REGISTRY_PATH": ("model_registry.registry_path", "/data/models"),
    "MLOPS_TRACKING_DIR": ("experiment_tracking.tracking_dir", "/data/experiments"),
    "MLOPS_DATA_DIR": ("data_pipeline.data_dir", "/data/pipeline"),
    "MLOPS_CONTAINER_REGISTRY": ("deployment.container_registry_url", "registry.company.com"),
    "MLOPS_KUBERNETES_CONFIG": ("deployment.kubernetes_config", "/path/to/kubeconfig"),
    "MLOPS_HEALTH_CHECK_INTERVAL": ("monitoring.health_check_interval_seconds", 30),
    "MLOPS_ERROR_THRESHOLD": ("monitoring.error_threshold", 0.05),
}


def value_of(config: Any, setting: str) -> Any:
    section, field = setting.split(".")
    return getattr(getattr(config, section), field)


def written(document: Any, path: str = "mlops_config.json") -> Path:
    Path(path).write_text(json.dumps(document))
    return Path(path).absolute()


def test_nothing_set_gives_the_development_defaults() -> None:
    """With no file and no variable, the defaults of the guide hold."""
    config = ConfigManager().load_config(Environment.DEVELOPMENT)
    assert config.environment is Environment.DEVELOPMENT
    assert config.database.url == "sqlite:///mlops.db"
    assert config.model_registry.registry_path == "./mlops_data/models"
    assert config.experiment_tracking.tracking_dir == "./mlops_data/experiments"
    assert config.data_pipeline.data_dir == "./mlops_data/pipeline"


def test_the_guides_file_loads_whole() -> None:
    """Every key of the file that the guide prints sets what it names."""
    path = written(GUIDE_FILE)
    config = ConfigManager().load_config(Environment.PRODUCTION)
    for section, values in GUIDE_FILE["production"].items():
        for field, value in values.items():
            assert value_of(config, f"{section}.{field}") == value
            assert config.origin(f"{section}.{field}") == f"file {path}"


@pytest.mark.parametrize("variable", GUIDE_VARIABLES)
def test_the_guides_variables_set_what_they_name(variable: str) -> None:
    """Every variable of the guide is read, converted to its type, and remembered as the origin."""
    setting, value = GUIDE_VARIABLES[variable]
    config = ConfigManager(environ={variable: str(value)}).load_config()
    assert value_of(config, setting) == value
    assert type(value_of(config, setting)) is type(value)
    assert config.origin(setting) == f"variable {variable}"


@pytest.mark.parametrize("name", ["jwt_secret", "api_key", "signing_key", "encryption_key"])
def test_keys_are_read_as_secrets(name: str) -> None:
    """A key is only readable by asking for it."""
    config = ConfigManager(environ={f"MLOPS_{name.upper()}": "hush"}).load_config()
    assert value_of(config, f"security.{name}").get_secret_value() == "hush"


@given(st.sets(st.sampled_from(["file", "variable", "argument"])))
def test_the_strongest_source_wins(sources: set[str]) -> None:
    """Arguments beat variables, these beat the file, this beats the default, whatever else is set."""
    written({"development": {"database": {"pool_size": 11} if "file" in sources else {}}})
    environ = {"MLOPS_DATABASE_POOL_SIZE": "12"} if "variable" in sources else {}
    overrides = {"pool_size": 13} if "argument" in sources else {}
    config = ConfigManager(environ=environ).load_config(database=overrides)
    strongest = max(sources, key=["file", "variable", "argument"].index, default="default")
    expected = {"default": 5, "file": 11, "variable": 12, "argument": 13}
    assert config.database.pool_size == expected[strongest]
    assert config.origin("database.pool_size").split()[0] == strongest


def test_sources_are_merged_setting_by_setting() -> None:
    """A source that sets one field of a section leaves the others to the weaker sources."""
    written({"development": {"database": {"pool_size": 7, "lock_timeout_s": 2}}})
    config = ConfigManager(environ={"MLOPS_DATABASE_URL": "sqlite:///v.db"}).load_config(database={"pool_size": 8})
    assert (config.database.url, config.database.pool_size, config.database.lock_timeout_s) == ("sqlite:///v.db", 8, 2)


def test_the_environment_is_chosen_by_argument_then_variable() -> None:
    """MLOPS_ENVIRONMENT chooses the section of the file, and an argument overrules it."""
    written({"staging": {"database": {"url": "sqlite:///s.db"}}, "testing": {"database": {"url": "sqlite:///t.db"}}})
    manager = ConfigManager(environ={"MLOPS_ENVIRONMENT": "staging"})
    assert manager.load_config().database.url == "sqlite:///s.db"
    assert manager.load_config("testing").database.url == "sqlite:///t.db"
    assert manager.load_config(Environment.PRODUCTION).database.url == "sqlite:///mlops.db"


def test_the_file_is_found_by_argument_then_variable_then_working_directory() -> None:
    """Of three files, the one named most directly is read."""
    paths = [written({"development": {"database": {"url": f"sqlite:///{n}"}}}, f"{n}.json") for n in ("a", "b")]
    written({"development": {"database": {"url": "sqlite:///c"}}})
    by_variable = {"MLOPS_CONFIG_FILE": str(paths[1])}
    assert ConfigManager(paths[0], environ=by_variable).load_config().database.url == "sqlite:///a"
    assert ConfigManager(environ=by_variable).load_config().database.url == "sqlite:///b"
    assert ConfigManager(environ={}).load_config().database.url == "sqlite:///c"


def test_the_process_environment_is_read_at_each_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """A manager made before a variable was set sees it."""
    manager = ConfigManager()
    monkeypatch.setenv("MLOPS_TRACKING_DIR", "elsewhere")
    assert manager.load_config().experiment_tracking.tracking_dir == "elsewhere"


def test_an_empty_variable_is_not_set() -> None:
    """Manifests that pass an empty variable on leave the default in force."""
    environ = {"MLOPS_DATABASE_URL": "", "MLOPS_ENVIRONMENT": "", "MLOPS_CONFIG_FILE": "", "MLOPS_API_KEY": ""}
    config = ConfigManager(environ=environ).load_config()
    assert config.origin("database.url") == "default"
    assert config.security.api_key is None


def test_a_path_object_is_accepted_as_an_argument(tmp_path: Path) -> None:
    """Folders may be given as paths and are kept as text."""
    config = ConfigManager().load_config(experiment_tracking={"tracking_dir": tmp_path})
    assert config.experiment_tracking.tracking_dir == str(tmp_path)


@given(st.integers(1, 10_000))
def test_the_most_connections_follow_the_pool_until_they_are_set(pool_size: int) -> None:
    """Enlarging the pool alone never contradicts the bound on connections."""
    config = ConfigManager(environ={}).load_config(database={"pool_size": pool_size})
    assert config.database.max_connections == pool_size + 15
    assert config.origin("database.max_connections") == "default"


@pytest.mark.parametrize(
    ("section", "setting", "value"),
    [
        ("database", "lock_timeout_s", 1e12),
        ("experiment_tracking", "system_metrics_interval_s", 1e12),
        ("jobs", "keep_ended_days", 10_000_000),
    ],
)
def test_times_that_no_clock_can_hold_are_refused(section: str, setting: str, value: float) -> None:
    """At once, and not by whoever waits or counts with them later."""
    with pytest.raises(ConfigurationError, match=rf"{section}\.{setting}"):
        ConfigManager(environ={}).load_config(**{section: {setting: value}})


def test_a_configuration_is_frozen() -> None:
    """Settings cannot be changed after they were loaded."""
    config = ConfigManager().load_config()
    with pytest.raises(ValueError, match="frozen"):
        config.database.url = "sqlite:///other.db"  # type: ignore[misc]


def test_the_origin_of_an_unknown_setting_is_an_error_with_the_near_match() -> None:
    """Asking for a mistyped setting offers the right one."""
    with pytest.raises(ConfigurationError, match=r"'database\.ulr' is not a setting.*'database\.url'"):
        ConfigManager().load_config().origin("database.ulr")
