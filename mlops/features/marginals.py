"""What each feature's values are like by themselves, counted over the training rows before features are selected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mlops.features.columns import as_category, as_number
from mlops.features.exact import ExactSums
from mlops.features.plan import FeaturePlan
from mlops.features.quantiles import ValueTable
from mlops.features.state import FeatureState
from mlops.features.training_rows import TrainingRows
from mlops.features.transforming import features_of

__all__ = ["CODES", "QUANTITY", "Marginals", "feature_batches", "marginals"]

QUANTITY = "__target__"
CODES = "__class__"


@dataclass
class Marginals:
    """Numbers of each feature by itself.

    Attributes:
        moments: Of the values that are not missing, by feature.
        tables: How often each value occurs; empty where no mutual information is wanted.
        quantity: The same of a target that is a quantity.
        classes: Of a target that is not, in order.
    """

    moments: dict[str, ExactSums]
    tables: dict[str, ValueTable]
    quantity: ValueTable
    classes: tuple[str, ...] = ()


def marginals(state: FeatureState, rows: TrainingRows) -> Marginals:
    """Count the features of all training rows."""
    plan = state.plan
    names = state.feature_names
    wants_tables = plan.target is not None and (plan.mutual_information is not None or plan.max_features is not None)
    found = Marginals({name: ExactSums() for name in names}, {}, ValueTable())
    found.tables = {name: ValueTable() for name in names} if wants_tables else {}
    classes: set[str] = set()
    for batch in feature_batches(state, rows):
        for name in names:
            _add(found, name, batch[name].to_numpy())
        if QUANTITY in batch.columns:
            found.quantity += ValueTable.of(batch[QUANTITY].drop_nulls().to_numpy(), cut=found.quantity.cut)
        if CODES in batch.columns:
            classes.update(batch[CODES].drop_nulls().unique().to_list())
    found.classes = tuple(sorted(classes))
    return found


def _add(found: Marginals, name: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    finite = values[np.isfinite(values)]
    found.moments[name] += ExactSums.of(finite)
    if name in found.tables:
        found.tables[name] += ValueTable.of(finite, cut=found.tables[name].cut)


def feature_batches(state: FeatureState, rows: TrainingRows) -> Iterator[pl.DataFrame]:
    """Yield the features of all training rows, in batches, with the target if features are ranked by it."""
    for batch in rows.batches():
        yield features_of(state, batch.lazy(), batch.schema, _target(state.plan, batch.schema)).collect()


def _target(plan: FeaturePlan, schema: pl.Schema) -> list[pl.Expr]:
    if plan.target is None or plan.target_type == "auto":
        return []
    if plan.target_type == "regression":
        return [as_number(plan.target).alias(QUANTITY)]
    return [as_category(plan.target, schema[plan.target]).alias(CODES)]
