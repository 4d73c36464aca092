"""One SHA-256 for one content of a table or array, whatever its layout in memory.

Two tables get the same digest exactly when they have the same columns in the same order, of the same value types, with
the same values in the same rows. What does not count, because it is layout and not content: strides and byte order,
chunks, how missing values are kept (`Int64` or `int64`, `None` or `NaN`), how text is kept (`object` or `str`), how
fine a clock's ticks are (`datetime64[ns]` or `[us]`), sparse or dense, the order of unordered categories, −0.0 or 0.0,
and the row index of a pandas object. The recipe is versioned by `_RECIPE`. Measured on two shared cores: numbers about
1 GB/s, `str` columns 800 MB/s, text in `object` columns 100 MB/s; mixed Python objects, and the distinct values of a
categorical, take about a microsecond each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mlops.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["array_digest", "sparse_digest", "table_digest"]

_RECIPE = b"tracseq content 1"
_BLOCK = 1 << 18  # values per block: copies stay small enough for the processor's cache
_NANOSECONDS = 1_000_000_000


def table_digest(frame: pd.DataFrame) -> str:
    """Return the hexadecimal digest of a DataFrame's columns; its index is left out.

    Raises:
        InvalidInput: A column holds Python objects that have no canonical form; the message names it.
    """
    content = _Content("table", frame.shape)
    for position, name in enumerate(frame.columns):
        content.add_label(name)
        content.add_column(frame.iloc[:, position], name)
    return content.hexdigest()


def array_digest(array: np.ndarray[Any, Any]) -> str:
    """Return the hexadecimal digest of an array's shape, type and values; masked elements count as missing.

    Raises:
        InvalidInput: It holds Python objects, or extended floats, that have no canonical form.
    """
    import numpy as np
    import pandas as pd

    content = _Content("array", array.shape)
    plain = array if isinstance(array, np.ma.MaskedArray) else np.asarray(array)
    native = plain.astype(plain.dtype.newbyteorder("="), copy=False)
    content.add_column(pd.Series(native.ravel()), "values")
    return content.hexdigest()


def sparse_digest(matrix: Any) -> str:
    """Return the hexadecimal digest of a SciPy sparse matrix in any format; stored zeros do not count."""
    import pandas as pd

    rows = matrix.tocsr().copy()
    rows.sum_duplicates()
    rows.eliminate_zeros()
    content = _Content("sparse", rows.shape)
    for part in (rows.indptr.astype("int64"), rows.indices.astype("int64"), rows.data):
        content.add_column(pd.Series(part), "values")
    return content.hexdigest()


class _Content:
    """A running SHA-256 in which every part says its type and length, so that no two contents run together."""

    def __init__(self, kind: str, shape: Sequence[int]) -> None:
        self._hash = hashlib.sha256()
        self._frame(_RECIPE)
        self._frame(f"{kind} {'×'.join(map(str, shape))}".encode())

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def add_label(self, label: object) -> None:
        self._hash.update(_canonical(label))

    def add_column(self, series: pd.Series[Any], name: object) -> None:
        """Add a type's name and all values of a column."""
        import pandas as pd

        column = _simplified(series)
        types = pd.api.types
        if isinstance(column.dtype, pd.CategoricalDtype):
            self._add_categories(column, name)
        elif types.is_bool_dtype(column.dtype) or types.is_integer_dtype(column.dtype):
            self._add_exact(column)
        elif types.is_float_dtype(column.dtype) or types.is_complex_dtype(column.dtype):
            self._add_floats(column)
        elif types.is_datetime64_any_dtype(column.dtype) or types.is_timedelta64_dtype(column.dtype):
            self._add_moments(column)
        elif not self._add_text(column):
            self._add_objects(column, name)

    def _frame(self, part: bytes) -> None:
        self._hash.update(len(part).to_bytes(8, "little") + part)

    def _add_exact(self, column: pd.Series[Any]) -> None:
        dtype: Any = getattr(column.dtype, "numpy_dtype", column.dtype)
        self._frame(f"{dtype.kind}{dtype.itemsize}".encode())
        missing = column.isna().to_numpy()
        self._add_missing(missing)
        values = column.to_numpy(dtype=dtype, na_value=0) if missing.any() else column.to_numpy(dtype=dtype)
        self._add_numbers(values)

    def _add_floats(self, column: pd.Series[Any]) -> None:
        import numpy as np

        dtype: Any = getattr(column.dtype, "numpy_dtype", column.dtype)
        parts = 2 if dtype.kind == "c" else 1
        if dtype.itemsize > 8 * parts:
            raise InvalidInput(f"{dtype} differs between machines and cannot be fingerprinted. Cast it to float64.")
        self._frame(f"{dtype.kind}{dtype.itemsize}".encode())
        is_plain = isinstance(column.dtype, np.dtype)  # filling would copy it
        values = np.ascontiguousarray(column.to_numpy() if is_plain else column.to_numpy(dtype=dtype, na_value=np.nan))
        self._add_numbers(values.view(f"f{dtype.itemsize // parts}"))

    def _add_moments(self, column: pd.Series[Any]) -> None:
        import numpy as np

        zone = getattr(column.dtype, "tz", None)
        instants = column.dt.tz_convert("UTC").dt.tz_localize(None) if zone is not None else column
        dtype: Any = instants.dtype
        self._frame(f"{dtype.kind} {zone or ''}".encode())
        missing = column.isna().to_numpy()
        self._add_missing(missing)
        unit = np.datetime_data(dtype)[0]
        ticks = np.where(missing, 0, instants.to_numpy().view("int64"))
        per_second = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": _NANOSECONDS}[unit]
        seconds, rest = np.divmod(ticks, per_second)
        self._add_numbers(seconds)
        self._add_numbers(rest * (_NANOSECONDS // per_second))

    def _add_text(self, column: pd.Series[Any]) -> bool:
        """Add a column of text and return True, or return False when it holds anything else."""
        import numpy as np
        import pandas as pd
        import pyarrow as pa
        import pyarrow.compute as pc

        if not isinstance(column.dtype, pd.StringDtype) and pd.api.types.infer_dtype(column, skipna=True) != "string":
            return False
        try:
            kept = pa.array(column.array, type=pa.large_string(), from_pandas=True)
        except UnicodeEncodeError:  # half of a surrogate pair has no UTF-8
            return False
        text = kept.combine_chunks() if isinstance(kept, pa.ChunkedArray) else kept
        filled = pc.fill_null(text, "")
        self._frame(b"text")
        self._add_missing(column.isna().to_numpy())
        self._add_numbers(pc.binary_length(filled).to_numpy(zero_copy_only=False).astype(np.int64))
        ends = np.frombuffer(filled.buffers()[1], dtype=np.int64)[filled.offset : filled.offset + len(filled) + 1]
        if len(filled):
            self._hash.update(memoryview(filled.buffers()[2] or b"")[ends[0] : ends[-1]])
        return True

    def _add_categories(self, column: pd.Series[Any], name: object) -> None:
        import numpy as np

        categories, codes = column.cat.categories, column.cat.codes.to_numpy().astype(np.int64)
        words = [_canonical_in(name, category) for category in categories]
        order = range(len(words)) if column.cat.ordered else sorted(range(len(words)), key=words.__getitem__)
        self._frame(b"ordered categories" if column.cat.ordered else b"categories")
        self._frame(b"".join(words[index] for index in order))
        place = np.full(len(words) + 1, -1, dtype=np.int64)  # the last one is for the code -1, a missing value
        place[list(order)] = np.arange(len(words))
        self._add_numbers(place[codes])

    def _add_objects(self, column: pd.Series[Any], name: object) -> None:
        self._frame(b"objects")
        for value in column:
            self._hash.update(_canonical_in(name, value))

    def _add_missing(self, missing: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        import numpy as np

        self._frame(np.packbits(missing).tobytes() if missing.any() else b"")

    def _add_numbers(self, values: np.ndarray[Any, Any]) -> None:
        import numpy as np

        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            if block.dtype.kind == "f":
                block = block + block.dtype.type(0)  # −0.0 becomes 0.0
                block[np.isnan(block)] = np.nan  # one bit pattern for all of them
            self._hash.update(np.ascontiguousarray(block, dtype=block.dtype.newbyteorder("<")).data)


def _simplified(series: pd.Series[Any]) -> pd.Series[Any]:
    """Undo layouts that pandas has besides its plain ones: sparse columns, and Arrow's times, categories and text."""
    import pandas as pd

    if isinstance(series.dtype, pd.SparseDtype):
        return pd.Series(series.array.to_dense())
    if isinstance(series.dtype, pd.ArrowDtype) and series.dtype.kind not in "biuf":
        import pyarrow as pa

        return pd.Series(pa.array(series.array).to_pandas())
    return series


def _canonical_in(column: object, value: object) -> bytes:
    try:
        return _canonical(value)
    except TypeError as error:
        raise InvalidInput(
            f"Column {column!r} holds a {type(value).__name__}, which has no canonical form ({error}). "
            "Turn it into text, numbers, dates, bytes, or lists and dicts of these before fingerprinting."
        ) from error


def _canonical(value: Any) -> bytes:
    """Return a value as its type's tag, the length of its text, and its text.

    Raises:
        TypeError: The value's type has no canonical form.
    """
    tag, text = _tagged(value)
    return tag + len(text).to_bytes(8, "little") + text


def _tagged(value: Any) -> tuple[bytes, bytes]:
    import pandas as pd

    is_scalar_array = type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0
    plain = value.item() if is_scalar_array else value
    if _is_missing(plain):
        return b"-", b""
    for kinds, tag, text in _FORMS:
        if isinstance(plain, kinds):
            return tag, text(plain)
    if hasattr(plain, "tolist"):
        return b"l", _joined(plain.tolist())
    if isinstance(plain, pd.Period | pd.Interval):
        return type(plain).__name__.encode(), str(plain).encode()
    raise TypeError(f"type {type(value).__module__}.{type(value).__qualname__}")


def _is_missing(value: object) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value)) and bool(pd.isna(value))  # type: ignore[call-overload]


def _joined(items: Iterable[Any]) -> bytes:
    return b"".join(map(_canonical, items))


def _pairs(mapping: Mapping[Any, Any]) -> bytes:
    return b"".join(sorted(_canonical(key) + _canonical(item) for key, item in mapping.items()))


# The first kind that fits counts: a bool is an int too, and a datetime a date.
_FORMS: tuple[tuple[Any, bytes, Callable[[Any], bytes]], ...] = (
    (bool, b"?", lambda value: str(value).encode()),
    (str, b"s", lambda value: value.encode("utf-8", "surrogatepass")),
    (int, b"i", lambda value: str(int(value)).encode()),
    (float, b"f", lambda value: (float(value) + 0.0).hex().encode()),
    (complex, b"c", lambda value: f"{(value.real + 0.0).hex()} {(value.imag + 0.0).hex()}".encode()),
    ((bytes, bytearray, memoryview), b"b", bytes),
    ((date, time), b"t", lambda value: value.isoformat().encode()),
    ((timedelta, Decimal, UUID), b"v", lambda value: f"{type(value).__name__} {value}".encode()),
    (Mapping, b"m", _pairs),
    ((set, frozenset), b"u", lambda value: b"".join(sorted(map(_canonical, value)))),
    ((list, tuple), b"l", _joined),
)
