"""Experiments side by side: what differs between them first, then what they share.

Pure: it reads experiments that were fetched already and returns a table. Nothing here tests significance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops.comparison import Direction, flat, section_order, side_by_side
from mlops.experiment_tracker.entities import Experiment
from mlops.formatting import unique_labels

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare"]

_ORDER = section_order(
    "params", "metrics", "datasets", "tags", "attributes", last=("created_at", "duration_s")
)  # these two nearly always differ


def compare(
    experiments: Sequence[Experiment],
    *,
    only_differences: bool = False,
    directions: Mapping[str, Direction] | None = None,
) -> pd.DataFrame:
    """Return experiments side by side, one row a field, one column an experiment.

    Rows that differ come first: parameters, metrics, data, tags, then attributes, each in order of name; after them, in
    the same order, rows that are equal everywhere. Nested parameters are rows of their own: `params.optimizer.lr`.
    NaN equals NaN here, 1 equals 1.0, and a field that one experiment lacks differs.

    Args:
        experiments: In the order of the columns; one given twice appears once.
        only_differences: Leave out rows that are equal everywhere.
        directions: Whether `max` or `min` is better, by metric, where its name does not tell (`best_direction`).

    Returns:
        A table of objects. Its index `field` has names such as `params.max_depth`, `metrics.val_accuracy` and `status`.
        Columns are experiment names, with the end of the id where several share a name. A missing field is NaN.
        `attrs` has `differs` (names of the rows that differ), `best` (for metrics with a direction, the columns with
        the best value, by row name) and `experiment_ids` (by column).

    Example:
        >>> table = compare(experiments)                                        # doctest: +SKIP
        >>> table.loc["metrics.val_accuracy"].astype(float).idxmax()            # doctest: +SKIP
        'forest'
    """
    unique = list({experiment.experiment_id: experiment for experiment in experiments}.values())
    labels = unique_labels((experiment.experiment_id, experiment.name) for experiment in unique)
    fields = {labels[experiment.experiment_id]: _fields(experiment) for experiment in unique}
    table = side_by_side(fields, order=_ORDER, only_differences=only_differences, directions=directions)
    table.attrs["experiment_ids"] = {label: key for key, label in labels.items()}
    return table


def _fields(experiment: Experiment) -> dict[str, Any]:
    """Return what is compared of an experiment, by row name."""
    fields = flat("params", experiment.hyperparameters)
    fields |= {f"metrics.{name}": value for name, value in experiment.metrics.items()}
    fields |= {f"tags.{name}": value for name, value in experiment.tags.items()}
    for dataset in experiment.datasets:
        prefix = f"datasets.{dataset.name}"
        fields |= {f"{prefix}.digest": dataset.digest, f"{prefix}.rows": dataset.rows}
    dataset_name = "@".join(filter(None, [experiment.dataset_name, experiment.dataset_version]))
    attributes = {
        "project": experiment.project,
        "status": str(experiment.status),
        "model_type": experiment.model_type,
        "framework": experiment.framework,
        "algorithm": experiment.algorithm,
        "dataset": dataset_name,
        "parent_experiment_id": experiment.parent_experiment_id,
        "error": experiment.error,
        "created_by": experiment.created_by,
        "created_at": experiment.created_at,
        "duration_s": experiment.duration_s,
    }
    return fields | {name: value for name, value in attributes.items() if value not in (None, "")}
