"""The demonstration's first two chapters: a raw table through the pipeline, its features through the feature store."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from mlops.cli.demo.biopsies import (
    COLLECTED,
    DAMAGES,
    DIAGNOSED,
    PROJECT,
    SITES,
    TARGET,
    Split,
    split_parts,
    write_raw_table,
)
from mlops.cli.demo.shell import typed_path

if TYPE_CHECKING:
    import pandas as pd

    from mlops.data_pipeline import DataPipelineService, DataSchema, FeatureEngineeringConfig, PipelineRun
    from mlops.feature_store import FeatureStoreService, TrainingSet

__all__ = ["load_split", "show"]

TRAINING_SET = "biopsies"
_VIEW = "cell_measures"
_SHOWN = 6  # rows of a table


def show(console: Console, folder: Path) -> tuple[Split, dict[str, Any]]:
    """Run the pipeline on a damaged table and return a point-in-time training set of its features, and what to tell."""
    console.print(Rule("1  A raw table, as a laboratory exports it", align="left"))
    raw = write_raw_table(folder / "biopsies_raw.csv")
    told = ", ".join(f"{count} {word}" for word, count in DAMAGES.items())
    console.print(f"{len(raw)} rows, {raw.shape[1]} columns; damaged on purpose: {told}.")
    with closing(_open_pipeline(folder)) as pipeline:
        run = _run(console, pipeline, folder, raw)
        _tell_quality(console, pipeline, run)
        _tell_quarantine(console, pipeline, run)
    console.print(Rule("2  Features, as they were known at the time of each diagnosis", align="left"))
    with closing(_open_store(folder)) as store:
        saved = _save_training_set(console, store, run)
        split = _split(store, run.run_id)
    parts = f"{len(split.train)} to train, {len(split.validation)} to validate, {len(split.test)} held out to the end"
    console.print(f"{saved.rows} biopsies with a diagnosis: {parts}.\n")
    return split, {
        "run_id": run.run_id,
        "input_rows": run.input_rows,
        "output_rows": run.output_rows,
        "quarantined_rows": run.quarantined_rows,
        "quality": run.data_quality_score,
        "report": run.report_html_path,
        "training_set": saved.training_set_id,
    }


def load_split(folder: Path) -> Split:
    """Return the samples of the last demonstration in a folder, from its saved training set."""
    with closing(_open_store(folder)) as store:
        return _split(store, "")


def schema(measures: list[str]) -> DataSchema:
    """Return what rows of the raw table have to be."""
    from mlops.data_pipeline import DataSchema

    return DataSchema(
        name="Fine-needle aspirates",
        columns={
            "sample_id": {"type": "string", "primary_key": True, "regex": "FNA-[0-9]{4}"},
            "site": {"type": "category", "nullable": False, "allowed_values": SITES},
            COLLECTED: {"type": "datetime", "nullable": False},
            DIAGNOSED: {"type": "datetime", "nullable": False},
            **{name: {"type": "float", "nullable": False, "min": 0} for name in measures},
            TARGET: {"type": "integer", "nullable": False, "allowed_values": (0, 1)},
        },
        validation_rules={"diagnosed later": f"{DIAGNOSED} > {COLLECTED}"},
    )


def features(measures: list[str]) -> FeatureEngineeringConfig:
    """Return how the measures become features: scaled as the training samples are, divided by diagnosis."""
    from mlops.data_pipeline import FeatureEngineeringConfig

    return FeatureEngineeringConfig(
        name="Cell measures",
        numeric_features=measures,
        target_column=TARGET,
        scaling_method="standard",
        split={"method": "stratified", "column": TARGET, "train": 0.6, "validation": 0.2, "test": 0.2, "seed": 7},
    )


def _open_pipeline(folder: Path) -> DataPipelineService:
    from mlops.data_pipeline import DataPipeline

    return DataPipeline(f"sqlite:///{folder / 'mlops.db'}", folder / "pipeline", project=PROJECT).sync


def _open_store(folder: Path) -> FeatureStoreService:
    from mlops.feature_store import FeatureStore

    return FeatureStore(folder / "features", f"sqlite:///{folder / 'mlops.db'}", project=PROJECT).sync


def _run(console: Console, pipeline: DataPipelineService, folder: Path, raw: pd.DataFrame) -> PipelineRun:
    measures = [name for name in raw.columns if name not in {"sample_id", "site", COLLECTED, DIAGNOSED, TARGET}]
    schema_id = pipeline.create_schema(schema(measures))
    config_id = pipeline.create_feature_config(features(measures))
    run_id = pipeline.run_pipeline("biopsies", folder / "biopsies_raw.csv", schema_id, config_id)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Running the pipeline", total=1.0)
        run = pipeline.wait(run_id, on_progress=lambda now: progress.update(task, completed=now.progress))
    of = f", taken over from run {run.cached_from[-8:]}" if run.cached_from else ""
    console.print(
        f"{run.output_rows} rows are good, {run.quarantined_rows} are in quarantine; "
        f"{run.feature_count} features fitted on the training part{of}.\n"
    )
    return run


def _tell_quality(console: Console, pipeline: DataPipelineService, run: PipelineRun) -> None:
    from mlops.data_pipeline.quality import terminal

    report = pipeline.assess_data_quality(run.run_id)
    parts = "  ".join(f"{part.name} {part.value:.3f}" for part in report.score.parts)
    console.print(Text.assemble("Quality ", (f"{report.score.value:.3f}", "bold"), f" of 1: {parts}"))
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in terminal.ISSUE_HEADS:
        table.add_column(title, overflow="fold")
    for row in terminal.issue_rows(report, most=_SHOWN):
        table.add_row(*map(Text, row))
    console.print(table)
    if run.report_html_path is not None:
        console.print(f"Report: {typed_path(Path(run.report_html_path))}\n", highlight=False, soft_wrap=True)


def _tell_quarantine(console: Console, pipeline: DataPipelineService, run: PipelineRun) -> None:
    rows = pipeline.read_quarantine(run.run_id)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("line", "sample", "site", "mean_radius", "mean_area", TARGET, "why it is in quarantine"):
        table.add_column(title, justify="right" if title == "line" else "left")
    wanted = ("quarantine_line", "sample_id", "site", "mean_radius", "mean_area", TARGET, "quarantine_reasons")
    kinds = rows.unique("quarantine_reasons", keep="first", maintain_order=True)
    for row in kinds.head(_SHOWN).iter_rows(named=True):
        table.add_row(*(Text(str(row[name] or "")) for name in wanted))
    console.print(table)
    if run.quarantine_path is not None:
        console.print(f"All of them: {typed_path(Path(run.quarantine_path))}\n", highlight=False, soft_wrap=True)


def _save_training_set(console: Console, store: FeatureStoreService, run: PipelineRun) -> TrainingSet:
    """Describe the features of a run and join them to the diagnoses, each as it was known at its own time."""
    import pandas as pd

    from mlops.feature_store import Entity, FeatureSource, FeatureView

    assert run.feature_data_path is not None
    store.apply_entity(Entity(name="sample", join_keys=("sample_id",), description="A fine-needle aspirate."))
    made = pd.read_parquet(run.feature_data_path)
    view = FeatureView(
        name=_VIEW,
        entity="sample",
        source=FeatureSource(
            path=run.feature_data_path, format="parquet", pipeline_run_id=run.cached_from or run.run_id
        ),
        event_timestamp=COLLECTED,
        features=dict.fromkeys(_feature_names(made), "float"),
        owner="pathology",
        description="Thirty measures of cell nuclei, scaled.",
    )
    version = store.apply_view(view).version
    diagnoses = pd.DataFrame(
        {
            "sample_id": made["sample_id"],
            "event_timestamp": made[DIAGNOSED],
            COLLECTED: made[COLLECTED],
            "part": made["__part__"].astype(str),
            TARGET: made[TARGET],
        }
    )
    saved = store.save_training_set(TRAINING_SET, diagnoses, [f"{_VIEW}:*"])
    console.print(
        f"View {_VIEW}, version {version}: {len(view.features)} features of a sample. Joined to each diagnosis as they "
        f"were known then and saved as training set {TRAINING_SET} (digest {saved.digest[:12]}…)."
    )
    return saved


def _split(store: FeatureStoreService, pipeline_run_id: str) -> Split:
    rows = store.get_training_set(TRAINING_SET)
    return split_parts(rows, _feature_names(rows), pipeline_run_id)


def _feature_names(rows: pd.DataFrame) -> list[str]:
    others = {"__row__", "__part__", "sample_id", "part", "event_timestamp", COLLECTED, DIAGNOSED, TARGET}
    return [str(name) for name in rows.columns if name not in others]
