"""Opens what runs published; every file is verified before it is read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlops.data_pipeline.entities import PipelineRun, RunStatus
from mlops.data_pipeline.errors import OutputDamaged, RunNotCompleted
from mlops.data_pipeline.workspace import verify_outputs
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    import polars as pl

    from mlops.data_pipeline.quality import QualityReport
    from mlops.features import FeatureState

__all__ = ["feature_state", "features", "mended_file", "output", "quarantine", "report"]


def output(run: PipelineRun) -> pl.LazyFrame:
    """Return the good rows of a run."""
    import polars as pl

    return pl.scan_parquet(_verified(run, run.output_parquet_path))


def features(run: PipelineRun, part: str | None) -> pl.LazyFrame:
    """Return the feature table of a run, or one part of it."""
    import polars as pl

    from mlops.features.splitting import PART, PARTS

    if part is not None and part not in PARTS:
        raise InvalidInput(f"{part!r} is no part of a feature table. Parts are {', '.join(PARTS)}.")
    rows = pl.scan_parquet(_verified(run, run.feature_data_path))
    return rows if part is None else rows.filter(pl.col(PART) == part)


def feature_state(run: PipelineRun) -> FeatureState:
    """Return what a run learned from its training rows."""
    from mlops.features import FeatureState

    return FeatureState.from_document(json.loads(_verified(run, run.feature_state_path).read_text(encoding="utf-8")))


def quarantine(run: PipelineRun) -> pl.DataFrame:
    """Return the bad rows of a run as they stand in its quarantine file."""
    import polars as pl

    _require_completed(run)
    if run.quarantine_path is None:
        return pl.DataFrame()
    return pl.read_csv(_verified(run, run.quarantine_path), infer_schema=False)


def report(run: PipelineRun) -> QualityReport:
    """Return the quality report of a run."""
    from mlops.data_pipeline.quality import QualityReport

    return QualityReport.from_document(json.loads(_verified(run, run.report_path).read_text(encoding="utf-8")))


def mended_file(run: PipelineRun, path: str | os.PathLike[str] | None) -> Path:
    """Return the file with the mended rows of a run.

    Raises:
        InvalidInput: The run has no quarantine, or the file is not there.
    """
    _require_completed(run)
    if run.quarantine_path is None:
        raise InvalidInput(f"Pipeline run {run.run_id!r} quarantined nothing, so there is nothing to mend.")
    file = Path(path or run.quarantine_path).absolute()
    if not file.is_file():
        raise InvalidInput(f"There is no file {str(file)!r}. Name the mended copy of {run.quarantine_path!r}.")
    return file


def _require_completed(run: PipelineRun) -> None:
    if run.status is not RunStatus.COMPLETED:
        raise RunNotCompleted(run.run_id, run.status)


def _verified(run: PipelineRun, path: str | None) -> Path:
    _require_completed(run)
    if path is None:
        raise InvalidInput(
            f"Pipeline run {run.run_id!r} made no features, for it had no feature configuration. "
            "Run the pipeline with feature_config_id."
        )
    digest = run.output_digests.get(path)
    if digest is None:
        raise OutputDamaged(path, "the run has no digest of it")
    verify_outputs({path: digest})
    return Path(path)
