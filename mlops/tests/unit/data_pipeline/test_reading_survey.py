"""What the bytes of a table tell, however they come in blocks."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.data_pipeline.reading.survey import Survey


def surveyed(*blocks: bytes) -> Survey:
    survey = Survey(",")
    for block in blocks:
        survey.add(block)
    return survey


def in_three(table: bytes) -> list[Survey]:
    """Survey a table in three blocks, cut anywhere."""
    cuts = combinations_with_replacement(range(len(table) + 1), 2)
    return [surveyed(table[:first], table[first:second], table[second:]) for first, second in cuts]


@given(st.text('a",\n', max_size=10))
def test_where_a_block_ends_does_not_matter(text: str) -> None:
    """Separators, the end and the digest are those of the table in one block."""
    whole = surveyed(text.encode())
    for parts in in_three(text.encode()):
        assert (parts.separators, parts.digest) == (whole.separators, whole.digest)
        assert parts.ends_inside == whole.ends_inside
        assert parts.ends_inside or parts.ends_with_separator == whole.ends_with_separator


@pytest.mark.parametrize("table", ['1,"b"c\n', '"a" ,2\n', '1,x"b\ny",3\n', '"a""b"c,2\n', '"aaaa"b,"c"\n'])
def test_quotes_that_stand_oddly_are_seen(table: str) -> None:
    """Text behind a closing quote, and a line end between quotes amid a cell, wherever a block ends."""
    assert all(parts.has_odd_quotes for parts in in_three(table.encode()))


@pytest.mark.parametrize(
    "table", ['1,"b"\n', '"a ""b""",2\r\n', '"",""\n', '"a\nb",2\n', "a'b,2\n", '5" x 3",2\n', '"a","b"\n"c","d"\n']
)
def test_quotes_that_stand_well_are_not_odd(table: str) -> None:
    """Doubled ones, empty cells, line ends in a cell, and inches, wherever a block ends."""
    assert not any(parts.has_odd_quotes for parts in in_three(table.encode()))
