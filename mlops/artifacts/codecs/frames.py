"""pandas DataFrames and Series as Parquet, with index and dtypes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from mlops.artifacts.codecs.protocol import Encoding, is_exactly
from mlops.artifacts.errors import CannotEncode
from mlops.errors import Corrupted

__all__ = ["FrameCodec", "SeriesCodec"]

_SERIES_NAME = b"mlops.series"
_COLUMN = "value"


class FrameCodec:
    """A DataFrame that Parquet gives back equal: values, dtypes, index and column labels."""

    name = "dataframe"
    version = 1
    members = ("frame.parquet",)
    signed = False
    deterministic = True

    def handles(self, value: object) -> bool:
        """Take DataFrames, and no subclass."""
        return is_exactly(value, "pandas", "DataFrame")

    def encode(self, value: Any) -> Encoding:
        """Write Parquet after a look that it comes back equal."""
        details = {"rows": len(value), "columns": [str(name) for name in value.columns[:1000]]}
        return Encoding({self.members[0]: _writer(_exact_table(value))}, details)

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Read Parquet."""
        return _read(members[self.members[0]]).to_pandas()


class SeriesCodec:
    """A Series, as a frame of one column that remembers its name."""

    name = "series"
    version = 1
    members = ("series.parquet",)
    signed = False
    deterministic = True

    def handles(self, value: object) -> bool:
        """Take Series, and no subclass."""
        return is_exactly(value, "pandas", "Series")

    def encode(self, value: Any) -> Encoding:
        """Write Parquet after a look that it comes back equal."""
        if not (value.name is None or type(value.name) in {str, int}):
            raise CannotEncode(f"A Series named {value.name!r} would lose its name; names are text, integers or None.")
        table = _exact_table(value.to_frame(_COLUMN))
        table = table.replace_schema_metadata({**table.schema.metadata, _SERIES_NAME: json.dumps(value.name)})
        return Encoding({self.members[0]: _writer(table)}, {"rows": len(value), "name": value.name})

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Read Parquet."""
        table = _read(members[self.members[0]])
        name = json.loads((table.schema.metadata or {}).get(_SERIES_NAME, b"null"))
        return table.to_pandas()[_COLUMN].rename(name)


def _exact_table(frame: Any) -> Any:
    """Return the Arrow table of a frame, or say why it would not come back equal."""
    import pyarrow as pa

    try:
        table = pa.Table.from_pandas(frame)
        restored = table.to_pandas()
    except (pa.ArrowException, ValueError, TypeError, KeyError, NotImplementedError, OverflowError) as error:
        raise CannotEncode(f"Parquet cannot hold this frame: {error}.") from error
    if not _is_same(frame, restored):
        raise CannotEncode("This frame would come back from Parquet with other values, dtypes, index or columns.")
    return table


def _is_same(frame: Any, restored: Any) -> bool:
    from pandas.testing import assert_frame_equal

    try:
        assert_frame_equal(frame, restored, check_exact=True, check_freq=False, check_flags=True)
    except (AssertionError, ValueError, TypeError):
        return False
    return bool(frame.attrs == restored.attrs)


def _writer(table: Any) -> Any:
    def write(sink: BinaryIO) -> None:
        import pyarrow.parquet as pq

        pq.write_table(table, sink)

    return write


def _read(content: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        raise Corrupted(f"The file is not a table that Parquet can read: {error}.") from error
