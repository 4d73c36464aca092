"""Makes the features of a run: divides the rows, fits on the training part alone, and writes the feature table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from mlops.data_pipeline.entities import ColumnType, DataSchema, FeatureEngineeringConfig
from mlops.data_pipeline.snapshot_columns import ROW
from mlops.errors import InvalidInput, did_you_mean
from mlops.features import OutOfFold, fit_out_of_fold, split, transform_training
from mlops.features.custom import naming_steps
from mlops.features.splitting import PART, PARTS

__all__ = ["divided", "fit_features", "write_features"]

_TRAIN = PARTS[0]
_FOLDS = 5  # of the training rows, for target encodings
_TIMES = {ColumnType.DATE, ColumnType.DATETIME}  # that features are joined at, see the feature store
_COMPRESSION: Any = "lz4"


def divided(good: pl.LazyFrame, config: FeatureEngineeringConfig) -> pl.LazyFrame:
    """Return the good rows with the part that each belongs to in `__part__`; all train without a split."""
    if config.split is None:
        return good.with_columns(pl.lit(_TRAIN, dtype=pl.Enum(PARTS)).alias(PART))
    return split(good, config.split)


def fit_features(good: pl.LazyFrame, config: FeatureEngineeringConfig) -> OutOfFold:
    """Learn from the training rows.

    Raises:
        InvalidInput: A column of the configuration is not in the table, or cannot become what it is to be.
    """
    _check_columns(good, config)
    training = divided(good, config).filter(pl.col(PART) == _TRAIN)
    return fit_out_of_fold(config.plan(), training, fold=_fold(training, config))


def write_features(
    good: pl.LazyFrame, config: FeatureEngineeringConfig, fitted: OutOfFold, schema: DataSchema, file: Path
) -> None:
    """Write `__row__`, `__part__`, keys, dates and times, the target and the features of every good row as Parquet.

    Target encodings of training rows are out of fold; those of all other rows are the state's.
    """
    made = set(fitted.state.feature_names)
    times = [name for name, spec in schema.columns.items() if spec.type in _TIMES]
    wanted = [*schema.primary_key, *times, *([config.target_column] if config.target_column else [])]
    kept = [ROW, PART, *dict.fromkeys(name for name in wanted if name not in made)]
    parted = divided(good, config)
    is_train = pl.col(PART) == _TRAIN
    fold = pl.when(is_train).then(_fold(parted.filter(is_train), config)).otherwise(-1)
    rows = transform_training(fitted, parted, fold=fold, keep=kept)
    with naming_steps(config.custom_transformations, good):
        rows.sink_parquet(file, compression=_COMPRESSION, statistics=False)
    if config.custom_transformations:
        _check_rows(good, file, config.custom_transformations)


def _check_rows(good: pl.LazyFrame, file: Path, steps: tuple[str, ...]) -> None:
    """Refuse features that are not of every good row in its place, which only custom steps can bring about."""
    made = pl.scan_parquet(file, glob=False).select(pl.len(), is_ordered=(pl.col(ROW).diff() > 0).all())
    found, wanted = made.collect(engine="streaming"), good.select(pl.len()).collect(engine="streaming").item()
    if found["len"].item() != wanted or not found["is_ordered"].item():
        raise InvalidInput(
            f"Of {wanted} rows the custom transformations ({', '.join(steps)}) made {found['len'].item()}, or others "
            "in their places. They may add columns, and may not drop, repeat or move rows."
        )


def _fold(training: pl.LazyFrame, config: FeatureEngineeringConfig) -> pl.Expr:
    """Return which fold a training row is in; rows of a group share theirs, for they tell about each other."""
    by_row = pl.col(ROW).cast(pl.Int64) % _FOLDS
    division = config.split
    if division is None or division.method != "group" or division.column is None:
        return by_row
    by_group = (pl.col(division.column).hash(division.seed) % _FOLDS).cast(pl.Int64)
    are_several = training.select(by_group.n_unique() > 1).collect(engine="streaming").item()
    return by_group if are_several else by_row  # so few groups that all have drawn the same fold


def _check_columns(good: pl.LazyFrame, config: FeatureEngineeringConfig) -> None:
    present = good.collect_schema().names()
    wanted = [] if config.custom_transformations else [*config.input_columns]  # custom steps may add them
    wanted += [config.target_column] if config.target_column else []
    for name in wanted:
        if name not in present:
            hint = did_you_mean(name, present) or f"Its columns are {', '.join(present[1:])}."
            raise InvalidInput(f"The table has no column {name!r} to make features of. {hint}")
