"""Out-of-fold target encodings: what a training row's own target must not have helped to make.

A model trained on encodings that saw the row's own label learns to trust them too much. So the training rows are cut
into folds, and each fold is encoded by what the other folds taught; new rows get the encoding of all. This is
scikit-learn's `TargetEncoder.fit_transform`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from mlops.errors import InvalidInput
from mlops.features.columns import check_present
from mlops.features.counting import target_entry
from mlops.features.expressions import feature_expressions, working_columns
from mlops.features.fitting import fit_rows, resolved
from mlops.features.plan import FeaturePlan
from mlops.features.state import ColumnState, FeatureState, TargetColumn
from mlops.features.targets import FOLD
from mlops.features.training_rows import Parts, TrainingRows
from mlops.features.transforming import Frame, ready_rows
from mlops.records import Record

__all__ = ["Fold", "OutOfFold", "fit_out_of_fold", "transform_training"]


class Fold(Record):
    """What encodes the training rows of one fold.

    Attributes:
        fold: Its number.
        columns: The target encodings learned from all other folds.
    """

    fold: int
    columns: tuple[TargetColumn, ...]


class OutOfFold(Record):
    """A fitted state, and what encodes its own training rows instead.

    Attributes:
        state: For every row that was not trained on.
        folds: Ascending; empty where the plan has no target encoding.
    """

    state: FeatureState
    folds: tuple[Fold, ...] = ()


def fit_out_of_fold(plan: FeaturePlan, parts: Parts, *, fold: str | pl.Expr) -> OutOfFold:
    """Fit a plan, and target encodings for each fold of the training rows.

    Args:
        fold: Whole numbers that say which fold a row is in: a column, or an expression of the row's own values (never
            of its place in a batch), such as `pl.col("__row__") % 5`.

    Raises:
        InvalidInput: All rows are in one fold, so that nothing is left to learn its encoding from.
    """
    rows = TrainingRows(plan, parts, fold=fold)
    plan = resolved(plan, rows)
    state, found = fit_rows(plan, rows)
    numbers = sorted({number for counted in found.targets.values() for number in counted.folds})
    if found.targets and len(numbers) < 2:
        raise InvalidInput(
            f"Out-of-fold encodings need at least two folds with a target, got {numbers}. Give rows different folds."
        )
    folds = tuple(
        Fold(fold=number, columns=tuple(target_entry(plan, found, name, without=number) for name in found.targets))
        for number in numbers
    )
    return OutOfFold(state=state, folds=folds)


def transform_training(fitted: OutOfFold, frame: Frame, *, fold: str | pl.Expr, keep: Iterable[str] = ()) -> Frame:
    """Return the features of the training rows themselves: as `transform`, with out-of-fold target encodings.

    Args:
        fitted: What `fit_out_of_fold` returned.
        frame: The training rows.
        fold: The same as in fitting. A row of a fold that was not seen then gets the encoding of all.
        keep: Columns to hand through before the features.
    """
    lazy = _lazily(fitted, frame.lazy(), fold, tuple(keep))
    return lazy.collect() if isinstance(frame, pl.DataFrame) else lazy


def _lazily(fitted: OutOfFold, frame: pl.LazyFrame, fold: str | pl.Expr, keep: tuple[str, ...]) -> pl.LazyFrame:
    state = fitted.state
    if isinstance(fold, str):
        check_present((fold,), frame.collect_schema())
        fold = pl.col(fold)
    ready, schema = ready_rows(state, frame.with_columns(fold.alias(FOLD)), keep)
    chosen = list(state.chosen())
    made = [each for column, places in chosen for each in _expressions(fitted, column, places, schema)]
    working = working_columns((column for column, _ in chosen), schema)
    return ready.with_columns(working).select(*keep, *made)


def _expressions(
    fitted: OutOfFold, column: ColumnState, places: tuple[int, ...], schema: pl.Schema
) -> Iterator[pl.Expr]:
    of_all = feature_expressions(column, places, schema)
    if not isinstance(column, TargetColumn):
        yield from of_all
        return
    by_fold = [(each.fold, feature_expressions(_own(each, column), places, schema)) for each in fitted.folds]
    for position, expression in enumerate(of_all):
        result = expression
        for number, others in by_fold:
            result = pl.when(pl.col(FOLD) == number).then(others[position]).otherwise(result)
        yield result.alias(column.outputs[places[position]])


def _own(fold: Fold, column: TargetColumn) -> TargetColumn:
    return next(each for each in fold.columns if each.name == column.name)
