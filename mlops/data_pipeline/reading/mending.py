"""Writes a copy of a damaged text that Polars reads row for row: broken rows become empty ones that carry their fault.

The copy has one column more than the original, `__fault__`, which only broken rows reach; Polars fills it with nulls in
all others. So no row is lost, none is shifted, and sound lines are copied as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mlops.data_pipeline.reading.record_blocks import RecordBlock, RecordForm, record_blocks

__all__ = ["Mended", "mend"]


class Mended(NamedTuple):
    """What was found.

    Attributes:
        rows: Records.
        faults: Number of broken ones by fault.
        first_lines: For each fault, the line of the first record that has it.
    """

    rows: int
    faults: Counter[str]
    first_lines: dict[str, int]


def mend(parts: Iterable[bytes], target: Path, form: RecordForm, *, check: Callable[[], object]) -> Mended:
    """Write the mended copy, without a header.

    Args:
        parts: Blocks of plain UTF-8 from behind the header to the end.
        target: File to write.
        form: What records look like.
        check: Called after each block; raises to stop.
    """
    found = Mended(0, Counter(), {})
    with target.open("wb") as file:
        for block in record_blocks(parts, form):
            _write(file, block, form)
            for place, fault in block.faults.items():
                found.faults[fault] += 1
                found.first_lines.setdefault(fault, int(block.lines[place]))
            found = found._replace(rows=found.rows + len(block.starts))
            check()
    return found


def _write(file: BinaryIO, block: RecordBlock, form: RecordForm) -> None:
    special = sorted(block.faults.keys() | block.rewritten.keys())
    if block.is_gapless and not special and block.text.endswith(b"\n"):
        file.write(_whole(block))
        return
    before = 0
    for place in special:
        _copy(file, block, before, place)
        file.write(_replacement(block, place, form))
        before = place + 1
    _copy(file, block, before, len(block.starts))


def _whole(block: RecordBlock) -> bytes:
    return block.text[: block.text.find(b"\n", int(block.ends[-1])) + 1]


def _copy(file: BinaryIO, block: RecordBlock, begin: int, end: int) -> None:
    """Copy the records from `begin` to before `end`, each with a line feed."""
    if block.is_gapless and end > begin:
        file.write(block.text[int(block.starts[begin]) : int(block.ends[end - 1])] + b"\n")
        return
    file.writelines(
        block.text[int(block.starts[place]) : int(block.ends[place])] + b"\n" for place in range(begin, end)
    )


def _replacement(block: RecordBlock, place: int, form: RecordForm) -> bytes:
    separator = form.separator.encode()
    fault = block.faults.get(place)
    if fault is not None:
        return separator * form.width + fault.encode() + b"\n"
    return separator.join(b'"' + cell.replace(b'"', b'""') + b'"' for cell in block.rewritten[place]) + b"\n"
