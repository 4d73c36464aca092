"""The rows that a plan is fitted on, read in batches as often as it takes, whatever they come as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import polars as pl

from mlops.errors import InvalidInput
from mlops.features.columns import check_columns, check_present
from mlops.features.custom import apply_steps, get_transformation, naming_steps
from mlops.features.errors import NothingToLearnFrom
from mlops.features.plan import FeaturePlan
from mlops.features.state import StepState
from mlops.features.targets import FOLD

__all__ = ["Parts", "TrainingRows"]

Parts = pl.LazyFrame | pl.DataFrame | Iterable[pl.DataFrame]

_BATCH = 1 << 18  # rows: 2 MB a column


class TrainingRows:
    """Training rows after the custom steps, with no more columns than the plan needs.

    Attributes:
        schema: Of the rows after the custom steps.
        steps: What the custom steps read and made.
        input_names: Columns that the plan and its steps read from the rows as they come.

    Raises:
        NothingToLearnFrom: There is no part at all.
        ColumnNotFound: A column of the plan is not there.
        UnsuitableColumn: A column cannot become what the plan says.
    """

    def __init__(self, plan: FeaturePlan, parts: Parts, *, fold: str | pl.Expr | None = None) -> None:
        self._plan = plan
        self._fold = pl.col(fold) if isinstance(fold, str) else fold
        self._is_once = isinstance(parts, Iterator)
        self._parts: pl.LazyFrame | Iterable[pl.DataFrame] | None
        self._parts, first = _with_first(parts)
        raw = first.collect_schema()
        if fold is not None and isinstance(fold, str):
            check_present((fold,), raw)
        self.steps = tuple(_described(plan.steps, first))
        self.schema = apply_steps(plan.steps, first).collect_schema()
        check_columns(plan, self.schema)
        made = {name for step in self.steps for name in step.made}
        reads = (*plan.columns, *(name for step in self.steps for name in step.inputs))
        self.input_names = tuple(dict.fromkeys(name for name in reads if name not in made))

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows in batches, in any order; again and again, unless they came as an iterator.

        Raises:
            InvalidInput: An iterator was to be read a second time.
        """
        parts, self._parts = self._parts, None if self._is_once else self._parts
        if parts is None:
            raise InvalidInput(
                "The plan needs several passes over the training rows (for selection, or to see what the target is), "
                "and they came as an iterator, which gives them once. Pass a LazyFrame or a list of DataFrames."
            )
        if isinstance(parts, pl.LazyFrame):
            ready = self._ready(parts)
            with naming_steps(self._plan.steps, parts):
                yield from ready.collect_batches(chunk_size=_BATCH, maintain_order=False, engine="streaming")
            return
        for part in parts:
            for piece in part.iter_slices(_BATCH):
                with naming_steps(self._plan.steps, piece.lazy()):
                    yield self._ready(piece.lazy()).collect()

    def _ready(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        if self._fold is not None:
            frame = frame.with_columns(self._fold.alias(FOLD))
        target = () if self._plan.target is None else (self._plan.target,)
        fold = () if self._fold is None else (FOLD,)
        return apply_steps(self._plan.steps, frame).select(*self._plan.columns, *target, *fold)


def _with_first(parts: Parts) -> tuple[pl.LazyFrame | Iterable[pl.DataFrame], pl.LazyFrame]:
    """Return the parts, and one that tells the schema."""
    if isinstance(parts, pl.LazyFrame):
        return parts, parts
    if isinstance(parts, pl.DataFrame):
        return (parts,), parts.lazy()
    remaining = iter(parts)
    first = next(remaining, None)
    if first is None:
        raise NothingToLearnFrom
    return chain([first], remaining) if remaining is parts else parts, first.lazy()


def _described(names: Iterable[str], frame: pl.LazyFrame) -> Iterator[StepState]:
    for name in names:
        before = set(frame.collect_schema())
        frame = apply_steps([name], frame)
        made = tuple(column for column in frame.collect_schema() if column not in before)
        yield StepState(name=name, inputs=get_transformation(name).inputs, made=made)
