"""Records cut apart all at once have the cells that reading them one by one finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlops.data_pipeline.reading.one_record import split_cells
from mlops.data_pipeline.reading.raw_cells import TEXT, raw_cells
from mlops.data_pipeline.reading.raw_lines import RawText, shown

TEXTS = st.lists(st.sampled_from([b"a", b"1.50", b";", b";", b'"', b" ", b"\xfc", "ü".encode(), b"\r"]), max_size=9)


@given(texts=st.lists(TEXTS.map(b"".join), max_size=6), width=st.integers(1, 3))
def test_cells_are_those_of_careful_reading(texts: list[bytes], width: int) -> None:
    """Quotes, missing cells and bytes that are no text included; what does not fit has its whole text."""
    names = ["one", "two", "three"][:width]
    table = raw_cells([RawText(at, at + 2, text) for at, text in enumerate(texts)], names, ";")
    assert table.height == len(texts)
    for row, text in zip(table.iter_rows(named=True), texts, strict=True):
        cells = [shown(cell) for cell in split_cells(text, b";")]
        assert [row[name] for name in names] == [*cells, *[None] * width][:width]
        assert row[TEXT] == (None if len(cells) == width else shown(text))
