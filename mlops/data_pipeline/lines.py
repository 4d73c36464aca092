"""Tells on which lines of its file rows stand, where reading the file again for that costs little."""

from __future__ import annotations

from collections.abc import Iterable

from mlops.data_pipeline.reading import Snapshot, raw_lines

__all__ = ["MOST_READ_AGAIN", "lines_of"]

MOST_READ_AGAIN = 64_000_000
"""Bytes of a source; a larger one is not read for its lines."""


def lines_of(snapshot: Snapshot, rows: Iterable[int]) -> dict[int, int]:
    """Return the line, from 1, of each of these rows; nothing of a source that is large or has no lines."""
    wanted = set(rows)
    if snapshot.first_line:
        return {row: snapshot.first_line + row for row in wanted}
    if not wanted or snapshot.dialect is None or snapshot.source_bytes > MOST_READ_AGAIN:
        return {}
    return {row: line for row, (line, _) in raw_lines(snapshot, wanted).items()}
