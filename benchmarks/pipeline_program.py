"""One turn of the data pipeline, or of what it is measured against, in a process of its own: seconds and peak memory.

    python -m benchmarks.pipeline_program ours|again|scan|digest TABLE.csv FOLDER

Prints one JSON object. Imports are not counted on either side.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.laboratory_table import COLUMNS

__all__ = ["schema_columns"]


def schema_columns() -> dict[str, dict[str, object]]:
    """Return what the schema demands of the laboratory table: types, a key, ranges, allowed values, a pattern."""
    columns: dict[str, dict[str, object]] = {name: {"type": kind} for name, kind in COLUMNS.items()}
    columns["sample_id"] |= {"primary_key": True, "regex": r"S[0-9]+"}
    columns["patient_id"] |= {"nullable": False}
    columns["concentration"] |= {"min": 0, "max": 1000}
    columns["ph"] |= {"min": 0, "max": 14}
    columns["rin"] |= {"min": 1, "max": 10}
    columns["analyte"] |= {"allowed_values": ["DNA", "RNA", "cfDNA", "protein"]}
    return columns


def _ours(table: Path, folder: Path) -> None:
    from mlops.data_pipeline import DataPipelineService, DataSchema, FeatureEngineeringConfig

    with DataPipelineService(f"sqlite:///{folder}/lab.db", folder / "data") as pipeline:
        schema = DataSchema(name="samples", columns=schema_columns(), validation_rules={"volume": "volume_ul <= 5000"})
        config = FeatureEngineeringConfig(
            name="features",
            numeric_features=[name for name, kind in COLUMNS.items() if kind in {"float", "integer"}],
            categorical_features=["site", "instrument", "analyte", "sample_type"],
            split={"method": "random", "train": 0.8, "validation": 0.1, "test": 0.1},
        )
        ids = pipeline.create_schema(schema), pipeline.create_feature_config(config)
        pipeline.run_pipeline("samples", table, *ids, output_format="parquet", wait=True)


def _scan(table: Path, folder: Path) -> None:
    import polars as pl

    pl.scan_csv(table, infer_schema_length=1000, ignore_errors=True).sink_parquet(folder / "scan.parquet")


def _digest(table: Path, folder: Path) -> None:
    for file in [table, *sorted(folder.glob("data/runs/*/output-*/*"))]:
        with file.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")


TASKS: dict[str, Callable[[Path, Path], None]] = {"ours": _ours, "again": _ours, "scan": _scan, "digest": _digest}


def main() -> None:
    """Do one task and tell what it took."""
    task, table, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    import polars as pl  # noqa: F401  (not counted)

    import mlops.data_pipeline.service  # noqa: F401  (not counted)

    begun = time.perf_counter()
    TASKS[task](table, folder)
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
