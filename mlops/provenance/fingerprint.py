"""Fingerprints of datasets: enough to tell tomorrow whether a run saw the same data, without keeping them.

Tables and arrays are digested by content (`mlops.provenance.content_digest` says what counts), files and
folders by their bytes: a file's digest is what `sha256sum` prints. So a table and the file it was read from differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.errors import InvalidInput
from mlops.provenance.content_digest import array_digest, sparse_digest, table_digest
from mlops.provenance.entities import DatasetFingerprint

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["fingerprint_dataset"]

_COUNTED_BYTES = 256 * 1024 * 1024  # rows of a larger CSV are left uncounted: parsing would cost more than hashing
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_ColumnTypes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Shape:
    rows: int | None = None
    columns: int | None = None
    column_types: _ColumnTypes = ()


def fingerprint_dataset(data: Any, *, name: str = "", role: str = "", source: str = "") -> DatasetFingerprint:
    """Return what identifies a dataset: its digest, size and column types.

    Args:
        data: A pandas DataFrame or Series, anything with `to_pandas()` (Polars, Arrow), a NumPy array (structured or
            not) or anything NumPy can read, a SciPy sparse matrix, a dict of columns, a list of dicts, or the path of
            a file or folder as text or `Path`. Rows and columns of CSV, TSV and Parquet files are counted too.
        name: What the run calls it; empty takes the file's name, else the role, else `dataset`.
        role: Its part in the run: `train`, `validation`, `test`, or any other word.
        source: Where it came from; empty takes the path of a file.

    Returns:
        The fingerprint. Rows and columns are None where they are unknown or too dear to count.

    Raises:
        InvalidInput: There is no such file, the type is none of these, or a column has no canonical form.

    Example:
        >>> import pandas as pd
        >>> fingerprint = fingerprint_dataset(pd.DataFrame({"dose": [1.5, 2.0]}), role="train")
        >>> fingerprint.name, fingerprint.rows, fingerprint.column_types
        ('train', 2, (('dose', 'float64'),))
    """
    path = Path(data) if isinstance(data, str | Path) else None
    digest, shape = _identify_path(path) if path is not None else _identify(data)
    return DatasetFingerprint(
        name=name or (path.name if path is not None else "") or role or "dataset",
        role=role,
        digest=digest,
        rows=shape.rows,
        columns=shape.columns,
        column_types=shape.column_types,
        source=source or (str(path) if path is not None else ""),
    )


def _identify(data: Any) -> tuple[str, _Shape]:
    """Choose the digest by what the object is."""
    import numpy as np
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return table_digest(data), _table_shape(data)
    if isinstance(data, np.ndarray) and data.dtype.names is None:
        return array_digest(data), _array_shape(data.shape, str(data.dtype))
    if hasattr(data, "tocsr"):
        return sparse_digest(data), _array_shape(data.shape, f"sparse {data.dtype}")
    return _identify(_converted(data))


def _converted(data: Any) -> Any:
    """Return a DataFrame or an array with the content of something else."""
    import numpy as np
    import pandas as pd

    if isinstance(data, pd.Series):
        return data.to_frame()
    if hasattr(data, "to_pandas"):
        return data.to_pandas()
    if isinstance(data, np.ndarray):
        return pd.DataFrame({name: _one_per_row(data[name], data.size) for name in data.dtype.names or ()})
    if hasattr(data, "__array__"):
        return np.asarray(data)
    if isinstance(data, Mapping) or _is_list_of_mappings(data):
        return pd.DataFrame(data)
    raise InvalidInput(
        f"A {type(data).__module__}.{type(data).__qualname__} cannot be fingerprinted. Pass a DataFrame, a Series, an "
        "array, a sparse matrix, a dict of columns, a list of dicts, or a path; collect lazy frames first."
    )


def _is_list_of_mappings(data: object) -> bool:
    return isinstance(data, list | tuple) and all(isinstance(row, Mapping) for row in data)


def _one_per_row(field: np.ndarray[Any, Any], rows: int) -> Any:
    """Return a structured array's field with one value per row: a list where the field is an array itself."""
    native = field.astype(field.dtype.newbyteorder("="), copy=False).reshape(rows, -1)
    return native[:, 0] if native.shape[1] == 1 else native.tolist()


def _table_shape(frame: pd.DataFrame) -> _Shape:
    types = tuple((str(name), str(dtype)) for name, dtype in zip(frame.columns, frame.dtypes, strict=True))
    return _Shape(len(frame), len(frame.columns), types)


def _array_shape(shape: tuple[int, ...], dtype: str) -> _Shape:
    rows, *rest = shape or (1,)
    columns = 1
    for size in rest:
        columns *= size
    return _Shape(rows, columns, (("values", f"{dtype}[{','.join(['*', *map(str, rest)])}]"),))


def _identify_path(path: Path) -> tuple[str, _Shape]:
    if path.is_file():
        return _file_digest(path), _file_shape(path)
    if path.is_dir():
        return _folder_digest(path), _Shape()
    raise InvalidInput(f"There is no file or folder {str(path)!r} to fingerprint (looked from {Path.cwd()}).")


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_digest(folder: Path) -> str:
    """Digest the lines `sha256sum` would print for all files below, sorted by their relative names."""
    whole = hashlib.sha256()
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for name in names:
        whole.update(f"{_file_digest(folder / name)}  {name}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _file_shape(path: Path) -> _Shape:
    """Count a file's rows and columns where that is cheap; a file that is not what its name says has none."""
    import pyarrow as pa

    suffix = path.suffix.lower()
    try:
        if suffix in {".parquet", ".pq"}:
            return _parquet_shape(path)
        if suffix in _DELIMITERS:
            return _delimited_shape(path, _DELIMITERS[suffix])
    except pa.ArrowInvalid:
        return _Shape()
    return _Shape()


def _parquet_shape(path: Path) -> _Shape:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        types = tuple((field.name, str(field.type)) for field in schema)
        return _Shape(file.metadata.num_rows, len(types), types)


def _delimited_shape(path: Path, delimiter: str) -> _Shape:
    """Take types from the first megabyte and count rows with the values left as bytes, which cannot fail to convert."""
    import pyarrow as pa
    from pyarrow import csv

    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    with csv.open_csv(path, parse_options=parse) as sample:
        types = tuple((field.name, str(field.type)) for field in sample.schema)
    if path.stat().st_size > _COUNTED_BYTES:
        return _Shape(None, len(types), types)
    as_bytes = csv.ConvertOptions(column_types={name: pa.binary() for name, _ in types})
    with csv.open_csv(path, parse_options=parse, convert_options=as_bytes) as batches:
        return _Shape(sum(batch.num_rows for batch in batches), len(types), types)
