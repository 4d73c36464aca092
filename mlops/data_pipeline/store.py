"""What the service needs of a store of schemas, feature configurations and runs; `sql` has the one that is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from mlops.data_pipeline.entities import DataSchema, FeatureEngineeringConfig, PipelineRun, RunStatus
from mlops.search import Page

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["PipelineStore"]


class PipelineStore(Protocol):
    """Reads and writes inside the caller's transaction.

    Obligations: every write is part of the transaction it is given and has no other effect; nothing is cached between
    transactions, so one store serves any number of threads. What was stored comes back equal on every database. Two
    schemas, or two configurations, of one project, name and version are never stored, whoever asks for them at once.
    """

    def insert_schema(self, tx: Transaction, schema: DataSchema) -> bool:
        """Store a schema that has its id and moment; False, and nothing, when its id or its version is taken."""

    def find_schema(
        self, tx: Transaction, *, project: str, schema_id: str = "", name: str = "", version: str = ""
    ) -> DataSchema | None:
        """Return the schema with this id, or the one of this name and version: the newest when the version is empty."""

    def list_schemas(self, tx: Transaction, *, project: str, name: str = "") -> list[DataSchema]:
        """Return a project's schemas by name, the newest version of each first."""

    def insert_config(self, tx: Transaction, config: FeatureEngineeringConfig) -> bool:
        """Store a feature configuration that has its id and moment, as `insert_schema`."""

    def find_config(
        self, tx: Transaction, *, project: str, config_id: str = "", name: str = "", version: str = ""
    ) -> FeatureEngineeringConfig | None:
        """Return the configuration with this id, or the one of this name and version, as `find_schema`."""

    def list_configs(self, tx: Transaction, *, project: str, name: str = "") -> list[FeatureEngineeringConfig]:
        """Return a project's configurations, as `list_schemas`."""

    def insert_run(self, tx: Transaction, run: PipelineRun) -> None:
        """Store a new run."""

    def update_run(self, tx: Transaction, run: PipelineRun, *, cache_key: str = "") -> None:
        """Replace what is stored of a run.

        Args:
            cache_key: Under which `find_equal_run` will find it; only completed runs have one.
        """

    def find_run(self, tx: Transaction, run_id: str, *, is_locked: bool = False) -> PipelineRun | None:
        """Return a run; locked, nobody else changes it until the transaction ends."""

    def is_way_known(self, tx: Transaction, way: str) -> bool:
        """Return whether any completed run has a key of this way, see `caching`."""

    def list_inputs(self, tx: Transaction, run_ids: Sequence[str]) -> list[str]:
        """Return the inputs of those of these runs that there are."""

    def find_equal_run(self, tx: Transaction, cache_key: str) -> PipelineRun | None:
        """Return the newest completed run with this key; none has the empty one."""

    def list_runs(
        self,
        tx: Transaction,
        *,
        project: str,
        pipeline_id: str = "",
        status: RunStatus | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[PipelineRun]:
        """Return a page of runs, the newest first."""
