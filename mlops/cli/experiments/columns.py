"""Which columns a list of experiments has, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops.cli import metric_columns
from mlops.cli.cells import age_cell, metric_cell, value_cell
from mlops.cli.experiments.cells import duration_cell
from mlops.errors import InvalidInput, did_you_mean

if TYPE_CHECKING:
    from mlops.experiment_tracker import Experiment

__all__ = ["cell_of", "missing_columns", "parse_columns", "telling_metrics"]

_COLLECTIONS = {"metrics": "metrics", "params": "hyperparameters", "tags": "tags"}
_ATTRIBUTES = (
    *("project", "description", "model_type", "framework", "algorithm", "dataset_name", "dataset_version"),
    *("created_by", "notes", "parent_experiment_id", "created_at", "ended_at", "deleted_at", "duration_s", "error"),
)


def parse_columns(text: str) -> list[str]:
    """Read what `--columns` asks for: fields with commas between, such as `metrics.val_loss,params.alpha`.

    Raises:
        InvalidInput: A field is unknown.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        collection, dot, key = name.partition(".")
        if name not in _ATTRIBUTES and not (dot and key and collection in _COLLECTIONS):
            hint = did_you_mean(name, [*_ATTRIBUTES, "metrics.", "params.", "tags."])
            raise InvalidInput(
                f"{name!r} cannot be a column. {hint} Columns are metrics.NAME, params.NAME, tags.NAME "
                f"and {', '.join(_ATTRIBUTES)}."
            )
    return names


def telling_metrics(experiments: Sequence[Experiment], *, search: str = "") -> list[str]:
    """Return the metrics of a list, the most telling first; see `mlops.cli.metric_columns`.

    Args:
        search: The filter and the order of the list, as text.
    """
    from mlops.experiment_tracker.entities import METRIC_FIELDS

    return metric_columns.telling_metrics([one.metrics for one in experiments], METRIC_FIELDS, search=search)


def cell_of(experiment: Experiment, column: str, now: datetime) -> Any:
    """Return what stands in a column of an experiment's row; None where it has no such value."""
    if column == "duration_s":
        return duration_cell(experiment, now)
    if column in _ATTRIBUTES:
        value = getattr(experiment, column) or None
        return age_cell(value, now) if isinstance(value, datetime) else value_cell(value)
    collection, _, key = column.partition(".")
    value = getattr(experiment, _COLLECTIONS[collection]).get(key)
    return metric_cell(value) if collection == "metrics" else value_cell(value)


def missing_columns(experiments: Sequence[Experiment], columns: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each column that no experiment has a value for."""
    for column in columns:
        collection, dot, key = column.partition(".")
        maps: list[Mapping[str, Any]] = [getattr(one, _COLLECTIONS[collection]) for one in experiments] if dot else []
        if dot and not any(key in values for values in maps):
            known = {f"{collection}.{name}" for values in maps for name in values}
            yield f"No experiment in this list has {column}. {did_you_mean(column, sorted(known))}".rstrip()
