"""The settings themselves: one frozen model per section, each field with its limits, default and effect.

A field that carries `Announced` is part of the guide's contract for a part that is not built: it is accepted and
checked, and has no effect. Where a value comes from is the business of `sources` and `loader`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from mlops.config.errors import ConfigurationError
from mlops.config.masking import mask_passwords
from mlops.errors import did_you_mean
from mlops.records import Record

__all__ = [
    "Announced",
    "DatabaseSettings",
    "Environment",
    "ExperimentTrackingSettings",
    "MLOpsConfig",
    "SecuritySettings",
    "Settings",
    "Variable",
]


class Environment(StrEnum):
    """Which section of the configuration file applies."""

    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
    PRODUCTION = "production"


@dataclass(frozen=True)
class Variable:
    """Marks a field whose environment variable is not `MLOPS_<SECTION>_<FIELD>`."""

    name: str


@dataclass(frozen=True)
class Announced:
    """Marks a field without effect until `part`, a noun such as `the model registry`, is built."""

    part: str


def _as_text(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


Text = Annotated[str, BeforeValidator(_as_text), StringConstraints(min_length=1)]
Secret = Annotated[SecretStr, Field(min_length=1)]
PositiveInt = Annotated[int, Field(ge=1)]


class Settings(Record):
    """Base of the sections: a frozen record that shows no password in its repr or its dumps."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, mask_passwords(value) if type(value) is str else value

    @model_serializer(mode="wrap")
    def _masked(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: mask_passwords(v) if type(v) is str else v for name, v in handler(self).items()}


class DatabaseSettings(Settings):
    """Where the records live and how many connections serve them."""

    url: Annotated[Text, Variable("MLOPS_DATABASE_URL")] = Field(
        "sqlite:///mlops.db",
        description="Database of all records: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST:PORT/NAME`.",
    )
    redis_url: Annotated[Text | None, Variable("MLOPS_REDIS_URL")] = Field(
        None,
        description="Redis or Valkey server that keeps online features and wakes workers, `redis://HOST:PORT/0`. "
        "Unset, features are kept in the database, and workers look there.",
    )
    pool_size: PositiveInt = Field(
        5, description="Connections kept open: PostgreSQL connections, or concurrent readers of an SQLite file."
    )
    max_connections: PositiveInt = Field(
        default_factory=lambda settings: settings["pool_size"] + 15,
        description="Most connections open at once; those beyond `database.pool_size` are closed after use. "
        "Unset, it is `database.pool_size` + 15.",
    )
    lock_timeout_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = Field(
        60.0, description="Seconds that a write waits for the writer lock before it fails."
    )

    @field_validator("max_connections")
    @classmethod
    def _holds_the_pool(cls, most: int, others: ValidationInfo) -> int:
        if most < others.data.get("pool_size", 0):
            raise ValueError(f"less than pool_size ({others.data['pool_size']}); raise the first or lower the second")
        return most


class ModelRegistrySettings(Settings):
    """Where models are kept."""

    registry_path: Annotated[Text, Variable("MLOPS_REGISTRY_PATH")] = Field(
        "./mlops_data/models", description="Files of registered models: a folder, or any fsspec URL."
    )
    default_project: Text = Field("default", description="Project of models that name none.")
    max_model_versions: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Newest versions of a model that retention keeps, beside those in use; 0 keeps all.",
    )
    automatic_cleanup: bool = Field(
        default=False,
        description="Whether retention is applied to a model after each registration, and each night to all models by "
        "`mlops worker` or an open platform.",
    )
    backup_enabled: bool = Field(
        default=False,
        description="Whether restore points of database and artifacts are made when they are due: by `mlops worker` or "
        "an open platform, and by `mlops backup --if-due`.",
    )
    backup_interval_hours: PositiveInt = Field(24, description="Hours after which the next restore point is due.")
    backup_keep: Annotated[int, Field(ge=0)] = Field(
        0, description="Newest restore points that `mlops worker` or an open platform leaves; 0 keeps all."
    )
    backup_dir: Text = Field("./mlops_data/backups", description="Folder of restore points, on this machine.")


class ExperimentTrackingSettings(Settings):
    """Where experiments keep their artifacts, and what is recorded beside what the user logs."""

    tracking_dir: Annotated[Text, Variable("MLOPS_TRACKING_DIR")] = Field(
        "./mlops_data/experiments", description="Artifacts of experiments: a folder, or any fsspec URL."
    )
    default_project: Text = Field("default", description="Project of experiments that name none.")
    system_metrics_interval_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = Field(
        10.0, description="Seconds between two samples of CPU, memory and disk while a run is open; 0 turns them off."
    )
    capture_environment: bool = Field(
        default=True, description="Whether a run records its Python, packages, machine and git commit."
    )


class ABTestingSettings(Settings):
    """Comparison of models on live traffic; has no settings yet."""


class ContinuousLearningSettings(Settings):
    """Retraining; has no settings yet."""


class MonitoringSettings(Settings):
    """Watching models in production."""

    health_check_interval_seconds: Annotated[
        PositiveInt, Variable("MLOPS_HEALTH_CHECK_INTERVAL"), Announced("model monitoring")
    ] = Field(30, description="Seconds between two health checks of a model.")
    alert_cooldown_minutes: Annotated[int, Field(ge=0), Announced("model monitoring")] = Field(
        5, description="Minutes in which an alert is not repeated."
    )
    error_threshold: Annotated[
        float, Field(ge=0, le=1), Variable("MLOPS_ERROR_THRESHOLD"), Announced("model monitoring")
    ] = Field(0.05, description="Share of failed predictions above which a model is unhealthy.")


class DeploymentSettings(Settings):
    """Where models are deployed to."""

    container_registry_url: Annotated[
        Text | None, Variable("MLOPS_CONTAINER_REGISTRY"), Announced("the deployment manager")
    ] = Field(None, description="Registry that images are pushed to and pulled from.")
    kubernetes_config: Annotated[
        Text | None, Variable("MLOPS_KUBERNETES_CONFIG"), Announced("the deployment manager")
    ] = Field(None, description="Path of the kubeconfig file.")
    default_replicas: Annotated[PositiveInt, Announced("the deployment manager")] = Field(
        1, description="Replicas of a deployment that names no number."
    )


class DataPipelineSettings(Settings):
    """Where the data pipeline keeps its files, and what it lets pass."""

    data_dir: Annotated[Text, Variable("MLOPS_DATA_DIR")] = Field(
        "./mlops_data/pipeline", description="Folder of snapshots, quarantine and outputs."
    )
    default_project: Text = Field("default", description="Project of schemas and runs that name none.")
    max_bad_fraction: Annotated[float, Field(ge=0, le=1)] = Field(
        1.0, description="Largest fraction of bad rows that a run quarantines; with more it fails."
    )


class FeatureStoreSettings(Settings):
    """Where the feature store keeps its files."""

    store_dir: Annotated[Text, Variable("MLOPS_FEATURE_STORE_DIR")] = Field(
        "./mlops_data/features",
        description="Training sets and rows handed over as frames: a folder, or any fsspec URL.",
    )
    default_project: Text = Field("default", description="Project of features that name none.")


class JobsSettings(Settings):
    """Work that outlives the process that asked for it."""

    keep_ended_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        90,
        description="Days after which ended jobs with their logs are removed, each night, and DataFrames that only "
        "their runs were begun on; 0 keeps them for ever.",
    )


class SecuritySettings(Settings):
    """Keys; none of them is ever printed."""

    signing_key: Annotated[Secret | None, Variable("MLOPS_SIGNING_KEY")] = Field(
        None,
        description="Key that signs pickled artifacts; only those signed by it are loaded. "
        "Unset, a key is made beside the artifacts, readable by their owner only.",
    )
    encryption_key: Annotated[Secret | None, Variable("MLOPS_ENCRYPTION_KEY")] = Field(
        None, description="Key that encrypts artifacts at rest (AES-256-GCM). Unset, they are stored as they are."
    )
    jwt_secret: Annotated[Secret | None, Variable("MLOPS_JWT_SECRET"), Announced("the HTTP API")] = Field(
        None, description="Key that signs the tokens of users."
    )
    api_key: Annotated[Secret | None, Variable("MLOPS_API_KEY"), Announced("the HTTP API")] = Field(
        None, description="Key that programs present to the HTTP API."
    )


class MLOpsConfig(Record):
    """All settings of one environment, checked and frozen.

    Values are attributes of their section (`config.database.url`) and are plain: a password in a URL is readable there,
    and masked in every repr and dump. Keys are `SecretStr`: read them with `.get_secret_value()`.
    """

    environment: Environment = Environment.DEVELOPMENT
    database: DatabaseSettings = DatabaseSettings()
    model_registry: ModelRegistrySettings = ModelRegistrySettings()
    experiment_tracking: ExperimentTrackingSettings = ExperimentTrackingSettings()
    ab_testing: ABTestingSettings = ABTestingSettings()
    continuous_learning: ContinuousLearningSettings = ContinuousLearningSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    deployment: DeploymentSettings = DeploymentSettings()
    data_pipeline: DataPipelineSettings = DataPipelineSettings()
    feature_store: FeatureStoreSettings = FeatureStoreSettings()
    jobs: JobsSettings = JobsSettings()
    security: SecuritySettings = SecuritySettings()

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)

    def origin(self, setting: str) -> str:
        """Say where the value of a setting, named like `database.url`, came from.

        Returns:
            `argument`, `variable NAME`, `file PATH` or `default`.

        Raises:
            ConfigurationError: There is no such setting.
        """
        section, _, field = setting.partition(".")
        known = [f"{name}.{key}" for name, value in self if isinstance(value, Settings) for key, _ in value]
        if f"{section}.{field}" not in known:
            hint = did_you_mean(setting, known) or f"Settings are {', '.join(known)}."
            raise ConfigurationError(f"{setting!r} is not a setting. {hint}", setting=setting)
        return self._origins.get(setting, "default")
