"""Online rows come back as they were put, whatever their types."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.feature_store import Feature, FeatureType, KeyType
from mlops.feature_store.rows import RowCodec, key_reader, key_text
from mlops.feature_store.values import read_moment

LATE = timezone(timedelta(hours=-12))  # its last day of the year 9999 ends in the year 10000 of UTC

VALUES = {
    FeatureType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    FeatureType.FLOAT: st.floats(allow_nan=False),
    FeatureType.STRING: st.text(max_size=20),
    FeatureType.BOOLEAN: st.booleans(),
    FeatureType.DATETIME: st.datetimes(timezones=st.just(UTC)),
    FeatureType.DATE: st.dates(),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Feature], list[list[object]]]:
    """Draw features of some types and rows of their values, missing ones too."""
    kinds = draw(st.lists(st.sampled_from(list(FeatureType)), min_size=1, max_size=10))
    row = st.tuples(*(st.one_of(st.none(), VALUES[kind]) for kind in kinds)).map(list)
    return [Feature(name=f"f{at}", dtype=kind) for at, kind in enumerate(kinds)], draw(st.lists(row, max_size=5))


@given(tables())
def test_rows_come_back_as_they_were(table: tuple[list[Feature], list[list[object]]]) -> None:
    """Every type, nulls anywhere, several rows at once."""
    features, rows = table
    codec = RowCodec(features)
    found = codec.decode_all([codec.encode(row) for row in rows])
    assert [list(row[: len(features)]) for row in found] == rows


def test_nan_is_a_value_and_not_a_gap() -> None:
    """It is neither lost nor turned into None."""
    codec = RowCodec([Feature(name="x", dtype=FeatureType.FLOAT)])
    assert math.isnan(codec.decode_all([codec.encode([math.nan])])[0][0])


@given(
    st.lists(st.one_of(st.text(), st.integers()), min_size=1, max_size=3),
    st.lists(st.one_of(st.text(), st.integers()), min_size=1, max_size=3),
)
def test_different_keys_have_different_texts(one: list[object], other: list[object]) -> None:
    """Within one entity, whose keys have as many values of the same types."""
    if list(map(type, one)) == list(map(type, other)):
        assert (key_text(one) == key_text(other)) == (one == other)


@pytest.mark.parametrize("value", [7, True, None, 1.5])
def test_a_key_of_another_type_is_refused_by_name(value: object) -> None:
    """A number is not taken for the text that looks like it."""
    with pytest.raises(InvalidInput, match="sample_id"):
        key_reader({"sample_id": KeyType.STRING})({"sample_id": value})


def test_a_missing_key_is_named() -> None:
    """The error says which of several is not there."""
    with pytest.raises(InvalidInput, match="'site'"):
        key_reader({"sample_id": KeyType.STRING, "site": KeyType.INTEGER})({"sample_id": "S-1"})


def test_dates_are_kept_to_the_day() -> None:
    """The first and the last day that Python knows."""
    codec = RowCodec([Feature(name="day", dtype=FeatureType.DATE), Feature(name="at", dtype=FeatureType.DATETIME)])
    row = [date.max, datetime(1, 1, 1, tzinfo=UTC)]
    assert list(codec.decode_all([codec.encode(row)])[0][:2]) == row


@pytest.mark.parametrize("value", ["soon", 7, "0001-01-01T00:00+02:00", datetime(9999, 12, 31, 23, tzinfo=LATE)])
def test_what_is_no_time_is_refused(value: object) -> None:
    """Nor is one that UTC has not in the years 1 to 9999."""
    with pytest.raises(InvalidInput, match=r"as_of is .*, which is no time"):
        read_moment(value, where="as_of")


def test_times_are_read_in_utc() -> None:
    """Text and dates too; without a zone they are in UTC."""
    noon = datetime(2026, 5, 3, 12, tzinfo=UTC)
    assert read_moment("2026-05-03T14:00+02:00", where="x") == read_moment("2026-05-03T12:00", where="x") == noon
    assert read_moment(date(2026, 5, 3), where="x") == datetime(2026, 5, 3, tzinfo=UTC)
