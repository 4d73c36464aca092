"""Every setting has an effect or says which part it waits for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import mlops.tests
from mlops.config import CONTROL_VARIABLES, ConfigManager, catalogue

EFFECTS = {
    "database.url": "test_setting_database_url_decides_where_records_live",
    "database.pool_size": "test_setting_pool_size_bounds_the_connections_kept_open",
    "database.max_connections": "test_setting_max_connections_bounds_the_connections_open_at_once",
    "database.lock_timeout_s": "test_setting_lock_timeout_bounds_the_wait_of_a_write",
    "database.redis_url": "test_setting_redis_url_decides_where_online_features_live",
    "experiment_tracking.tracking_dir": "test_setting_tracking_dir_decides_where_artifacts_live",
    "experiment_tracking.default_project": "test_setting_default_project_is_the_project_of_runs_that_name_none",
    "experiment_tracking.system_metrics_interval_s": "test_setting_system_metrics_interval_paces_the_samples",
    "experiment_tracking.capture_environment": "test_setting_capture_environment_decides_whether_it_is_recorded",
    "model_registry.registry_path": "test_setting_registry_path_decides_where_models_live",
    "model_registry.default_project": "test_setting_model_default_project_is_that_of_models_that_name_none",
    "model_registry.max_model_versions": "test_setting_max_model_versions_bounds_the_versions_retention_keeps",
    "model_registry.automatic_cleanup": "test_setting_automatic_cleanup_applies_retention_after_registration",
    "model_registry.backup_enabled": "test_setting_backup_enabled_decides_whether_a_due_backup_is_made",
    "model_registry.backup_interval_hours": "test_setting_backup_interval_paces_due_backups",
    "model_registry.backup_keep": "test_setting_backup_keep_removes_the_oldest_restore_points",
    "model_registry.backup_dir": "test_setting_backup_dir_decides_where_restore_points_live",
    "data_pipeline.data_dir": "test_setting_data_dir_decides_where_outputs_live",
    "data_pipeline.default_project": "test_setting_pipeline_default_project_is_that_of_runs_that_name_none",
    "data_pipeline.max_bad_fraction": "test_setting_max_bad_fraction_fails_runs_with_more_bad_rows",
    "feature_store.store_dir": "test_setting_store_dir_decides_where_feature_rows_live",
    "feature_store.default_project": "test_setting_feature_default_project_is_that_of_features_that_name_none",
    "jobs.keep_ended_days": "test_setting_keep_ended_days_removes_old_jobs_each_night",
    "security.signing_key": "test_setting_signing_key_signs_pickled_artifacts",
    "security.encryption_key": "test_setting_encryption_key_encrypts_artifacts_at_rest",
}
EFFECTIVE = [setting.name for setting in catalogue() if not setting.announcement]


def test_every_setting_is_announced_or_has_a_test_of_its_effect() -> None:
    """A setting that nothing reads, and that does not say so, cannot be added."""
    assert sorted(EFFECTS) == sorted(EFFECTIVE)


@pytest.mark.parametrize("setting", EFFECTS)
def test_the_test_of_a_settings_effect_exists(setting: str) -> None:
    """The named test stands somewhere under mlops/tests."""
    definition = re.compile(rf"^\s*(async )?def {EFFECTS[setting]}\(", re.MULTILINE)
    files = Path(mlops.tests.__path__[0]).rglob("test_*.py")
    assert any(definition.search(file.read_text()) for file in files), f"no test named {EFFECTS[setting]}"


def test_every_variable_sets_one_setting() -> None:
    """No two settings share a variable, and none takes the name of a controlling variable."""
    variables = [setting.variable for setting in catalogue()] + list(CONTROL_VARIABLES)
    assert len(set(variables)) == len(variables)
    assert all(re.fullmatch(r"MLOPS_[A-Z0-9_]+", variable) for variable in variables)


def test_every_default_is_a_value_that_could_have_been_set() -> None:
    """Defaults obey the limits of their settings."""
    for setting in catalogue():
        if setting.default is not None:
            assert setting.validate(setting.default, strict=True) == setting.default


def test_every_setting_explains_itself() -> None:
    """Each has a description that is a sentence, and a type in words."""
    for setting in catalogue():
        assert setting.description.endswith(".")
        assert setting.type_text


def test_setting_something_without_effect_is_said_once_by_name() -> None:
    """A load names the idle settings that somebody set, and only these, without their values."""
    environ = {"MLOPS_JWT_SECRET": "hush", "MLOPS_API_KEY": "hush", "MLOPS_DATABASE_POOL_SIZE": "3"}
    with capture_logs() as logs:
        ConfigManager(environ=environ).load_config()
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert logs[0]["settings"] == [
        "security.jwt_secret (no effect yet: arrives with the HTTP API)",
        "security.api_key (no effect yet: arrives with the HTTP API)",
    ]
    assert "hush" not in str(logs)


def test_defaults_without_effect_are_not_worth_a_warning() -> None:
    """Nothing is logged when nobody set an idle setting."""
    with capture_logs() as logs:
        ConfigManager(environ={}).load_config(database={"pool_size": 3})
    assert logs == []


def test_importing_the_settings_is_light() -> None:
    """The pure floor brings neither a database driver nor a logging library nor pandas with it."""
    code = "import sys, mlops.config; print({'sqlalchemy', 'structlog', 'pandas', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
