"""Data of any kind as named columns: tables, arrays, sparse matrices, dicts of arrays and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops.errors import InvalidInput
from mlops.model_registry.dtypes import dtype_name, is_missing

__all__ = ["ARRAY_INPUT", "TableColumn", "as_columns", "rows_of"]

ARRAY_INPUT = "input"
"""Name of the one column that a plain array is."""


@dataclass(frozen=True)
class TableColumn:
    """One column of data.

    Attributes:
        values: A NumPy array whose first axis is the rows, a pandas Series, or a SciPy sparse matrix.
        shape: Sizes of one row's value.
    """

    name: str
    values: Any
    shape: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.values.shape[0])

    def missing_row(self) -> int | None:
        """Return the number of the first row, from 0, in which a value is missing."""
        missing = self._missing()
        return int(missing.argmax()) if missing.any() else None

    def is_all_missing(self) -> bool:
        """Tell whether no row has a value."""
        return bool(self._missing().all())

    def is_whole_for(self, wanted: str) -> bool:
        """Tell whether these are floats without fractions where whole numbers, within their range, are wanted."""
        import numpy as np

        if "int" not in wanted or not dtype_name(self.values).startswith("float"):
            return False
        numbers = np.asarray(self.values, dtype=np.float64)
        numbers = numbers[~np.isnan(numbers)]
        limits = np.iinfo(wanted)
        return bool(((numbers == np.floor(numbers)) & (numbers >= limits.min) & (numbers <= limits.max)).all())

    def _missing(self) -> Any:
        import numpy as np

        if hasattr(self.values, "isna"):
            return np.asarray(self.values.isna())
        if not isinstance(self.values, np.ndarray):  # what a sparse matrix does not store is 0
            stored = self.values.tocoo()
            missing = np.zeros(self.rows, dtype=bool)
            missing[stored.row[_missing_values(stored.data)]] = True
            return missing
        missing = _missing_values(self.values)
        return missing.reshape(len(missing), -1).any(axis=1) if missing.ndim > 1 else missing


def _missing_values(values: Any) -> Any:
    import numpy as np

    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "O":
        return np.frompyfunc(is_missing, 1, 1)(values).astype(bool)
    return np.zeros(values.shape, dtype=bool)


def as_columns(
    data: Any, *, name: str = ARRAY_INPUT, names: Sequence[str] = (), is_strict: bool = True
) -> list[TableColumn]:
    """Return data as columns.

    Args:
        data: A pandas DataFrame or Series, anything with `to_pandas`, a NumPy array (structured or not), a SciPy sparse
            matrix, a dict of columns, a list of dicts, or a list of values or rows.
        name: Name of the one column of a plain array.
        names: Names for the columns of a two-dimensional array.
        is_strict: Whether an array that has not as many columns as names is refused; else it stays one column.

    Raises:
        InvalidInput: It is none of these.
    """
    data = data.to_pandas() if hasattr(data, "to_pandas") else data
    if isinstance(data, Mapping):
        return _mapping_columns(data)
    if hasattr(data, "iloc") and getattr(data, "ndim", 0) == 2:
        return _frame_columns(data, name, names, is_strict=is_strict)
    if hasattr(data, "iloc"):
        return [TableColumn(str(name if data.name is None else data.name), data)]
    if isinstance(data, list) and data and all(isinstance(item, Mapping) for item in data):
        import pandas as pd

        return _frame_columns(pd.DataFrame(data), name, (), is_strict=is_strict)
    if hasattr(data, "tocsr"):
        return [TableColumn(name, data, (int(data.shape[1]),))]
    return _array_columns(_as_array(data), name, names, is_strict=is_strict)


def rows_of(data: Any, positions: Any) -> Any:
    """Return some rows of data as the same kind of object; what has no rows of its own becomes an array."""
    data = data.to_pandas() if hasattr(data, "to_pandas") else data
    if isinstance(data, Mapping):
        return {key: rows_of(values, positions) for key, values in data.items()}
    if hasattr(data, "iloc"):
        return data.iloc[positions].reset_index(drop=True)
    if hasattr(data, "tocsr"):
        return data.tocsr()[positions]
    if isinstance(data, list):
        return [data[position] for position in positions]
    return _as_array(data)[positions]


def _frame_columns(frame: Any, name: str, names: Sequence[str], *, is_strict: bool) -> list[TableColumn]:
    """Return the columns of a table; one without names is an array to scikit-learn, and here."""
    if len(frame.columns) and not any(isinstance(label, str) for label in frame.columns):
        return _array_columns(frame.to_numpy(), name, names, is_strict=is_strict)
    labels = [str(label) for label in frame.columns]
    doubled = (
        next((label for label in labels if labels.count(label) > 1), None) if len(set(labels)) < len(labels) else None
    )
    if doubled is not None:
        raise InvalidInput(f"The table has two columns named {doubled!r}. Give every column a name of its own.")
    return [TableColumn(label, frame.iloc[:, place]) for place, label in enumerate(labels)]


def _mapping_columns(columns: Mapping[Any, Any]) -> list[TableColumn]:
    found = []
    for key, values in columns.items():
        array = values if hasattr(values, "iloc") else _as_array(values)
        found.append(TableColumn(str(key), array, tuple(array.shape[1:])))
    lengths = {column.name: column.rows for column in found}
    if len(set(lengths.values())) > 1:
        raise InvalidInput(f"The columns have different numbers of rows: {lengths}. Every column has one value a row.")
    return found


def _array_columns(array: Any, name: str, names: Sequence[str], *, is_strict: bool) -> list[TableColumn]:
    if array.dtype.names:
        return [TableColumn(field, array[field], tuple(array[field].shape[1:])) for field in array.dtype.names]
    width = array.shape[1] if array.ndim == 2 else None
    if names and width == len(names):
        return [TableColumn(label, array[:, place]) for place, label in enumerate(names)]
    if names and is_strict:
        raise InvalidInput(
            f"The sample has {'no' if width is None else width} columns, and there are {len(names)} names "
            "in feature_columns. Pass a name for each column, in order, or a DataFrame."
        )
    return [TableColumn(name, array, tuple(array.shape[1:]))]


def _as_array(data: Any) -> Any:
    import numpy as np

    try:
        array = np.asarray(data)
    except (ValueError, TypeError) as error:  # rows of different lengths
        raise InvalidInput(f"A {type(data).__name__} has no rows and columns: {error}.") from error
    if array.ndim == 0:
        raise InvalidInput(
            f"A {type(data).__name__} has no rows. Pass a DataFrame, an array, a dict of arrays, or a list of rows."
        )
    return array
