"""What cells mean under a type, in the strict and the tolerant form."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.data_pipeline.reading.cells import CellForm, strict_value, tolerant_value
from mlops.data_pipeline.typed_values import ColumnType

MORNING = datetime(2024, 1, 5, 10, 0)  # noqa: DTZ001  # moments without a zone are what is tested
CASES = [
    (CellForm(ColumnType.FLOAT), " 1.5 ", 1.5),
    (CellForm(ColumnType.FLOAT), "1,5", None),
    (CellForm(ColumnType.FLOAT, decimal_comma=True), "1,5", 1.5),
    (CellForm(ColumnType.FLOAT, decimal_comma=True), "1.500,5", None),
    (CellForm(ColumnType.INTEGER), "3.0", 3),
    (CellForm(ColumnType.INTEGER), "3.5", None),
    (CellForm(ColumnType.INTEGER), "99999999999999999999", None),
    (CellForm(ColumnType.BOOLEAN), " Yes", True),
    (CellForm(ColumnType.BOOLEAN), "0", False),
    (CellForm(ColumnType.BOOLEAN), "maybe", None),
    (CellForm(ColumnType.DATE), " 2024-01-05", date(2024, 1, 5)),
    (CellForm(ColumnType.DATE), "24-01-05", None),
    (CellForm(ColumnType.DATE, ("%d.%m.%Y", "%m/%d/%Y")), "01/05/2024", date(2024, 1, 5)),
    (CellForm(ColumnType.DATETIME), "2024-01-05 10:00", MORNING),
    (CellForm(ColumnType.DATETIME), "2024-01-05T10:00:00.5", MORNING.replace(microsecond=500_000)),
    (CellForm(ColumnType.DATETIME), "2024-01-05", MORNING.replace(hour=0)),
    (CellForm(ColumnType.DATETIME), "2024-01-05T10:00:00Z", None),
    (CellForm(ColumnType.DATETIME, is_aware=True), "2024-01-05T12:00:00+02:00", MORNING.replace(tzinfo=UTC)),
    (CellForm(ColumnType.DATETIME, is_aware=True), "2024-01-05T10:00:00", MORNING.replace(tzinfo=UTC)),
    (CellForm(ColumnType.DATETIME, ("%d.%m.%Y %H:%M",)), "5.1.2024 10:00", MORNING),
    (CellForm(ColumnType.STRING), " as it is ", " as it is "),
]


@pytest.mark.parametrize(("form", "text", "meaning"), CASES)
def test_tolerant_meaning(form: CellForm, text: str, meaning: object) -> None:
    """A cell means the value that its type gives it, or nothing."""
    frame = pl.DataFrame({"cell": [text]})
    assert frame.select(tolerant_value(pl.col("cell"), form)).item() == meaning


@given(
    kind=st.sampled_from(ColumnType),
    text=st.one_of(
        st.text(max_size=8),
        st.from_regex(r"\A[ +-]?[0-9]{1,18}(\.[0-9]*)?(e[0-9])?\Z"),
        st.dates().map(str),
        st.datetimes().map(datetime.isoformat),
        st.sampled_from(["true", "false", "True", "nan", "inf"]),
    ),
)
def test_strict_form_means_what_the_tolerant_one_means(kind: ColumnType, text: str) -> None:
    """Whatever the strict form understands, the tolerant form understands alike."""
    form, cell = CellForm(kind), pl.col("cell")
    both = pl.DataFrame({"cell": [text]}).select(s=strict_value(cell, form), t=tolerant_value(cell, form))
    strict, tolerant = both.row(0)
    assert strict is None or strict == tolerant or strict != strict  # noqa: PLR0124  # not a number
