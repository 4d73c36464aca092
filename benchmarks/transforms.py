"""Features of one row by the closure: against a limit, and against scikit-learn's transformers fitted on the same rows.

Both sides are given the row as they take it, a dict and a DataFrame of one row, made beforehand; their features must
agree or the figure fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from benchmarks.harness import Bench, Figure, Round, at_least, at_most, interleave, timed

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["FIGURES"]

ROWS = 20_000
_NUMBERS = tuple(f"analyte_{place}" for place in range(16))
_NAMES = tuple(f"code_{place}" for place in range(4))
_CODES = ("blood", "plasma", "saliva", "serum", "urine")
_SAMPLE = 500  # rows that take turns, so that nothing is remembered
_LIMIT_US = 20.0

Row = dict[str, Any]
Transform = Callable[[Any], Sequence[float]]


def _samples() -> pl.DataFrame:
    """Return measurements and codes, a tenth of them missing."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(11)

    def with_gaps(values: np.ndarray[Any, Any]) -> list[Any]:
        return [None if gap else value for gap, value in zip(random.random(ROWS) < 0.1, values.tolist(), strict=True)]

    numbers = {name: with_gaps(random.normal(50, 10, ROWS)) for name in _NUMBERS}
    return pl.DataFrame({**numbers, **{name: with_gaps(random.choice(_CODES, ROWS)) for name in _NAMES}})


def _ours(samples: pl.DataFrame) -> Transform:
    from mlops.features import FeaturePlan, compile_row, fit

    return compile_row(fit(FeaturePlan(numeric=_NUMBERS, categorical=_NAMES), samples))


def _theirs(samples: pl.DataFrame) -> Transform:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), list(_NUMBERS)),
        (
            make_pipeline(
                SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            ),
            list(_NAMES),
        ),
    )
    columns.fit(_as_pandas(samples))
    return lambda row: columns.transform(row)[0].tolist()


def _as_pandas(samples: pl.DataFrame) -> pd.DataFrame:
    """Return the rows as scikit-learn takes them: NaN where something is missing."""
    import numpy as np
    import pandas as pd

    return pd.DataFrame(samples.to_dict(as_series=False)).astype(dict.fromkeys(_NAMES, object)).fillna(np.nan)


def _row_us(transform: Transform, rows: Sequence[Any], *, times: int) -> float:
    """Return the mean time of a row, in µs."""
    turns = cycle(rows)
    return timed(lambda: [transform(next(turns)) for _ in range(times)]) * 1e6 / times


def _check_agreement(ours: Transform, theirs: Transform, dicts: Sequence[Row], frames: Sequence[Any]) -> None:
    import numpy as np

    np.testing.assert_allclose(
        [ours(row) for row in dicts[:50]], [theirs(row) for row in frames[:50]], rtol=1e-6, atol=1e-9
    )


def _measure_limit(bench: Bench) -> list[Round]:
    samples = _samples()
    ours, rows = _ours(samples), samples.head(_SAMPLE).to_dicts()
    return interleave(bench, lambda: _row_us(ours, rows, times=20_000), lambda: _LIMIT_US)


def _measure_sklearn(bench: Bench) -> list[Round]:
    samples = _samples()
    ours, theirs = _ours(samples), _theirs(samples)
    dicts, table = samples.head(_SAMPLE).to_dicts(), _as_pandas(samples.head(_SAMPLE))
    frames = [table.iloc[place : place + 1] for place in range(_SAMPLE)]
    _check_agreement(ours, theirs, dicts, frames)
    return interleave(
        bench,
        lambda: 1e6 / _row_us(ours, dicts, times=20_000),
        lambda: 1e6 / _row_us(theirs, frames, times=100),
    )


_WORKLOAD = (
    f"the closure's features of one row: {len(_NUMBERS)} numbers (mean, standard scaling) and "
    f"{len(_NAMES)} categories (most frequent, one-hot)"
)

FIGURES = (
    Figure("transform-row", _WORKLOAD, f"{_LIMIT_US:g} µs", "µs", at_most(1.0), _measure_limit),
    Figure(
        "transform-row-sklearn",
        _WORKLOAD,
        "scikit-learn: `ColumnTransformer.transform` of the same row as a DataFrame",
        "rows/s",
        at_least(100.0),
        _measure_sklearn,
    ),
)
