"""A few rows with the model's own answers, kept so that a reloaded or converted model can be held to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops.errors import InvalidInput
from mlops.model_registry.tables import as_columns, rows_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MOST_ROWS", "answer_table", "answers_of", "departures", "sample_rows"]

MOST_ROWS = 32
"""Rows that are kept at most."""

_ANSWERS = {"prediction": "predict", "probability": "predict_proba"}


def sample_rows(data: Any, *, most: int = MOST_ROWS) -> Any:
    """Return at most `most` rows, spread evenly over the data, as the same kind of object.

    Sorted tables are common, and their first rows are often of one class; that is why these are not the first ones.
    """
    import numpy as np

    count = max((column.rows for column in as_columns(data)), default=0)
    if count == 0:
        raise InvalidInput("The sample has no rows. Pass at least one row of training data.")
    positions = np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(int)
    return rows_of(data, positions)


def answers_of(model: Any, rows: Any) -> dict[str, Any]:
    """Return what a model says of rows: the arrays `prediction` and, for classifiers that tell, `probability`.

    A classifier of several outputs has a `probability_0`, `probability_1` and so on. `infer_signature` takes this.

    Raises:
        InvalidInput: The model cannot predict, or refuses these rows.
    """
    if not hasattr(model, "predict"):
        raise InvalidInput(f"A {type(model).__qualname__} has no predict(), so that it has no answers to keep.")
    answers: dict[str, Any] = {}
    for name, method in _ANSWERS.items():
        if hasattr(model, method):
            answers |= _named(name, _ask(getattr(model, method), rows))
    return answers


def answer_table(answers: Mapping[str, Any]) -> pd.DataFrame:
    """Return answers as a table that Parquet can hold: one column each, `probability_0` and on for several values."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, array in answers.items():
        flat = array.reshape(len(array), -1)
        places = [name] if array.ndim == 1 else [f"{name}_{place}" for place in range(flat.shape[1])]
        columns |= {label: flat[:, place] for place, label in enumerate(places)}
    return pd.DataFrame(columns)


def departures(expected: pd.DataFrame, received: pd.DataFrame, *, relative: float = 1e-6) -> list[str]:
    """Return where a table of answers differs from the one that was kept: a sentence a column, none if all agree.

    Args:
        relative: Largest difference of numbers, in relation to the expected one; the same, in parts of 1, near 0.
    """
    if list(expected.columns) != list(received.columns) or len(expected) != len(received):
        seen, wanted = (f"{len(table)} answers with {list(table.columns)}" for table in (received, expected))
        return [f"There are {seen} in place of {wanted}."]
    found = []
    for name in expected.columns:
        agrees = _agrees(expected[name], received[name], relative)
        if not agrees.all():
            row = int((~agrees).argmax())
            found.append(
                f"{name} is {received[name].iloc[row]!r} in row {row} in place of {expected[name].iloc[row]!r} "
                f"({int((~agrees).sum())} of {len(agrees)} rows differ)."
            )
    return found


def _agrees(expected: Any, received: Any, relative: float) -> Any:
    import numpy as np

    if expected.dtype.kind == "f" and received.dtype.kind == "f":
        return np.isclose(received, expected, rtol=relative, atol=relative, equal_nan=True)
    return (expected.to_numpy() == received.to_numpy()) | (expected.isna() & received.isna()).to_numpy()


def _ask(method: Any, rows: Any) -> Any:
    try:
        return method(rows)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise InvalidInput(
            f"The model refuses the sample: {type(error).__name__}: {error}. Pass rows as they were given to fit()."
        ) from error


def _named(name: str, answer: Any) -> dict[str, Any]:
    import numpy as np

    if isinstance(answer, list):
        return {f"{name}_{place}": np.asarray(item) for place, item in enumerate(answer)}
    return {name: np.asarray(answer)}
