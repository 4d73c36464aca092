"""Statistics of columns against numpy and pandas, on made and on odd data."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.data_pipeline.entities import DataSchema
from mlops.data_pipeline.quality import passes, statistics
from mlops.data_pipeline.quality.profiles import ColumnKind, ColumnProfile, FindingKind, TableProfile
from mlops.data_pipeline.quality.sampling import nearly_all_different, sample_size
from mlops.data_pipeline.quality.statistics import profile

NOW = datetime(2026, 1, 15, tzinfo=UTC)
numbers = st.lists(st.none() | st.floats(-1e9, 1e9), min_size=1, max_size=60)
texts = st.lists(st.none() | st.text(max_size=12), min_size=1, max_size=60)


def at(year: int, month: int, day: int) -> datetime:
    """Return a moment as tables have it, without a zone."""
    return datetime(year, month, day, tzinfo=UTC).replace(tzinfo=None)


def column(values: list[object], **options: object) -> ColumnProfile:
    return profile(pl.DataFrame({"x": pl.Series(values, strict=False, **options)}), now=lambda: NOW).columns[0]


def small_samples(monkeypatch: pytest.MonkeyPatch, rows: int = 2_000) -> None:
    monkeypatch.setattr("mlops.data_pipeline.quality.sampling.MOST_SAMPLED", rows)


@settings(max_examples=60, deadline=None)
@given(numbers)
def test_numbers_are_what_numpy_says(values: list[float | None]) -> None:
    """Minimum, maximum, mean, deviation, quartiles and MAD agree with numpy and pandas."""
    found = column(values, dtype=pl.Float64)
    known = np.array([value for value in values if value is not None])
    assert (found.nulls, found.distinct) == (len(values) - len(known), len(set(known.tolist())))
    if not len(known):
        assert found.numbers is None
        return
    item = found.numbers
    assert item is not None
    assert (item.minimum, item.maximum) == (known.min(), known.max())
    assert item.mean == pytest.approx(known.mean(), rel=1e-9, abs=1e-6)
    assert item.median == pytest.approx(np.median(known))
    assert [item.lower_quartile, item.upper_quartile] == pytest.approx(list(np.quantile(known, [0.25, 0.75])))
    assert item.mad == pytest.approx(np.median(np.abs(known - np.median(known))))
    if len(known) > 1:
        assert item.std == pytest.approx(pd.Series(known).std(), rel=1e-6, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(numbers)
def test_outliers_are_those_beyond_the_fences(values: list[float | None]) -> None:
    """Counts by both fences agree with the formulas written out; without spread there are no fences."""
    found = column(values, dtype=pl.Float64)
    known = np.array([value for value in values if value is not None])
    if not len(known):
        return
    low, high = np.quantile(known, [0.25, 0.75])
    beyond = (known < low - 1.5 * (high - low)) | (known > high + 1.5 * (high - low))
    assert found.count(FindingKind.OUTLIER_IQR) == (beyond.sum() if high > low else 0)
    mad = np.median(np.abs(known - np.median(known)))
    reach = 3.5 * mad / 0.6745
    far = np.abs(known - np.median(known)) > reach * (1 + 1e-12)
    assert found.count(FindingKind.OUTLIER_MAD) == pytest.approx(far.sum() if mad > 0 else 0, abs=1)


@settings(max_examples=60, deadline=None)
@given(texts)
def test_texts_are_what_pandas_says(values: list[str | None]) -> None:
    """Lengths, distinct values and counts of categories agree with pandas."""
    found = column(values, dtype=pl.String)
    known = pd.Series([value for value in values if value is not None], dtype=object)
    assert (found.nulls, found.distinct) == (len(values) - len(known), known.nunique())
    if len(known):
        assert found.text is not None
        lengths = known.map(len)
        assert (found.text.shortest, found.text.longest) == (lengths.min(), lengths.max())
        assert found.text.mean_length == pytest.approx(lengths.mean())
        counts = known.value_counts()
        assert {item.value: item.count for item in found.categories} == {
            value: counts[value] for value in [item.value for item in found.categories]
        }
        assert found.most_common is not None
        assert found.most_common.count == counts.max()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-50, 50) | st.none(), min_size=1, max_size=80), st.sampled_from([pl.Int64, pl.Float64]))
def test_a_histogram_counts_every_number_once(values: list[int | None], dtype: type[pl.DataType]) -> None:
    """Bins and what lies beyond them add up to the cells that have a value; edges ascend and are at most 41."""
    found = column(values, dtype=dtype)
    if found.histogram is None:
        assert found.values == 0
        return
    drawn = found.histogram
    assert sum(drawn.counts) + drawn.below + drawn.above == found.values
    assert len(drawn.edges) == len(drawn.counts) + 1 <= 41
    assert list(drawn.edges) == sorted(set(drawn.edges))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.none() | st.sampled_from("ab")), max_size=30))
def test_duplicate_rows_are_those_of_pandas(rows: list[tuple[int, str | None]]) -> None:
    """A row counts when an earlier one is equal in every column, empty cells included."""
    frame = pl.DataFrame(rows, schema={"x": pl.Int64, "y": pl.String}, orient="row")
    assert profile(frame).duplicate_rows == pd.DataFrame(rows, columns=["x", "y"]).duplicated().sum()


def test_first_duplicates_are_shown_with_how_often() -> None:
    """The examples are the first rows that come again."""
    found = profile(pl.DataFrame({"x": [5, 1, 5, 2, 1, 5]}))
    assert [(item.row, item.value) for item in found.duplicates] == [(0, "3 times"), (1, "2 times")]


@pytest.mark.parametrize("frame", [pl.DataFrame(), pl.DataFrame({"x": []}), pl.DataFrame({"x": [], "y": []})])
def test_an_empty_table_has_a_profile(frame: pl.DataFrame) -> None:
    """No rows, or no columns, are no error."""
    found = profile(frame)
    assert (found.rows, found.duplicate_rows, len(found.columns)) == (0, 0, frame.width)
    assert all(item.null_share == item.common_share == 0 for item in found.columns)


def test_one_row_has_no_deviation() -> None:
    """One number has a mean and a median, and no standard deviation."""
    item = column([4.0]).numbers
    assert item is not None
    assert (item.mean, item.median, item.std, item.lower_fence) == (4.0, 4.0, None, None)


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Int64, pl.String, pl.Boolean, pl.Datetime, pl.Date, pl.Null])
def test_a_column_may_be_empty_throughout(dtype: type[pl.DataType]) -> None:
    """All cells empty: counted, nothing else is said."""
    found = column([None, None, None], dtype=dtype)
    assert (found.nulls, found.distinct, found.values, found.findings, found.histogram) == (3, 0, 0, (), None)


def test_nan_and_infinities_are_counted_and_left_out() -> None:
    """Numbers that are none do not spoil the statistics of the others."""
    found = column([1.0, 2.0, 3.0, math.nan, math.inf, -math.inf, None])
    assert found.numbers is not None
    assert (found.numbers.mean, found.numbers.maximum, found.nulls) == (2.0, 3.0, 1)
    assert (found.count(FindingKind.NAN), found.count(FindingKind.INFINITE)) == (1, 2)


@pytest.mark.parametrize(
    "values",
    [[2**62, -(2**62), 2**62 - 1, 3], [2**63 - 1, -(2**63)], [1e308, -1e308, 1e308], [5e-324, 0.0, 1e-320]],
)
def test_huge_and_tiny_numbers_keep_their_ends(values: list[float]) -> None:
    """Whole numbers are exact at any size, and the report of them survives JSON."""
    found = profile(pl.DataFrame({"x": values}))
    item = found.columns[0].numbers
    assert item is not None
    assert (item.minimum, item.maximum) == (min(values), max(values))
    assert TableProfile.from_document(found.to_document()) == found


def test_odd_types_of_parquet_are_profiled_as_far_as_they_go() -> None:
    """Decimals are numbers, categories text; what has no statistics is counted."""
    frame = pl.DataFrame(
        {
            "decimal": pl.Series(["1.50", "2.50"]).cast(pl.Decimal(10, 2)),
            "category": pl.Series(["a", "b"], dtype=pl.Categorical),
            "choice": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
            "list": [[1], [2]],
            "struct": [{"a": 1}, {"a": 2}],
            "time": pl.Series([0, 1]).cast(pl.Time),
            "bytes": [b"\xff", b"a"],
            "zoned": pl.Series([at(2024, 1, 1), at(2025, 1, 1)]).dt.replace_time_zone("Europe/Berlin"),
        }
    )
    found = {item.name: item for item in profile(frame).columns}
    assert found["decimal"].numbers is not None
    assert found["category"].kind is found["choice"].kind is ColumnKind.TEXT
    assert {found[name].kind for name in ("list", "struct", "time", "bytes")} == {ColumnKind.OTHER}
    assert all(item.distinct == 2 for item in found.values())
    assert found["zoned"].dtype == "datetime Europe/Berlin"


def test_impossible_moments_are_found() -> None:
    """The future begins a day after now, for clocks of other zones; before 1900 nobody measured."""
    tomorrow = NOW.replace(tzinfo=None) + timedelta(hours=20)
    found = column([at(2025, 1, 1), tomorrow, at(2204, 1, 1), at(1202, 1, 1)])
    assert [(item.kind, item.count) for item in found.findings] == [(FindingKind.FUTURE, 1), (FindingKind.TOO_OLD, 1)]
    assert found.findings[0].examples[0].value == "2204-01-01 00:00:00"
    assert column([date(2025, 1, 1), date(2027, 1, 1)]).count(FindingKind.FUTURE) == 1


@pytest.mark.parametrize("sentinel", [-999, 9999])
def test_a_sentinel_far_off_the_rest_is_found_however_common(sentinel: int) -> None:
    """A third of the values being -999 does not make it usual."""
    found = column([*range(20, 60), *[sentinel] * 20])
    [item] = [item for item in found.findings if item.kind is FindingKind.SENTINEL]
    assert (item.count, item.detail, item.examples[0].row) == (20, str(sentinel), 40)


def test_a_sentinel_within_the_values_means_what_it_says() -> None:
    """99 among numbers up to 200, and one 9,999 in a long tail, are no sentinels."""
    assert column([*range(200), 99, 99]).count(FindingKind.SENTINEL) == 0
    assert column([*range(0, 12_000, 7), 9999]).count(FindingKind.SENTINEL) == 0


def test_negatives_are_impossible_where_the_schema_says_so() -> None:
    """A smallest allowed value of 0 makes them a finding; a column without does not."""
    schema = DataSchema(name="s", columns={"x": {"type": "float", "min": 0, "units": "ng"}, "y": "float"})
    found = profile(pl.DataFrame({"x": [1.0, -2.0, 3.0], "y": [1.0, -2.0, 3.0]}), schema)
    assert [item.count(FindingKind.NEGATIVE) for item in found.columns] == [1, 0]
    assert found.columns[0].units == "ng"


def test_texts_that_are_none_are_found() -> None:
    """Placeholders, blanks and padding are told apart."""
    found = column(["ok", "n/a", "", "  ", "ok ", "\u00a0ok", None, "fine"])
    counts = {item.kind: item.count for item in found.findings}
    assert counts == {FindingKind.PLACEHOLDER: 1, FindingKind.BLANK: 2, FindingKind.PADDED: 2}


def test_sorts_of_text_that_are_mixed_are_found() -> None:
    """Numbers and dates among words, and three ways to write a date."""
    assert column(["high", "low", "high", "12.5"]).count(FindingKind.MIXED) == 1
    found = column(["2024-01-31", "2024-02-01", "31.01.2024", "01/31/2024", "2024-03-01"])
    [item] = found.findings
    assert item.count == 2
    assert item.detail == "60 % ISO dates, 20 % dates with dots, 20 % dates with slashes"


def test_what_could_not_be_read_is_not_empty() -> None:
    """A cell whose text the snapshot kept beside it is unreadable and not missing."""
    frame = pl.DataFrame({"__row__": [0, 1, 2], "x": [1.0, None, None], "__raw__x": [None, "abc", None]})
    [item] = profile(frame).columns
    assert (item.nulls, item.count(FindingKind.UNPARSEABLE), item.values) == (1, 1, 1)
    assert item.findings[0].examples[0].value == "abc"


def test_rows_that_differ_only_in_unreadable_text_differ() -> None:
    """Two rows with different garbage are no duplicates."""
    frame = pl.DataFrame(
        {"__row__": [0, 1], "x": [None, None], "__raw__x": ["abc", "abd"]}, schema_overrides={"x": pl.Int64}
    )
    assert profile(frame).duplicate_rows == 0


def test_broken_rows_are_counted_apart() -> None:
    """Rows that are none have no part in the statistics of columns."""
    frame = pl.DataFrame({"__row__": [0, 1, 2], "x": [1, None, 3], "__fault__": [None, "ragged", None]})
    found = profile(frame)
    assert (found.rows, found.broken_rows, found.input_rows, found.columns[0].nulls) == (2, 1, 3, 0)


def test_a_sampled_profile_agrees_with_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are the same to the cell; quartiles and estimates of distinct values are close."""
    generator = np.random.default_rng(5)
    rows = 60_000
    frame = pl.DataFrame(
        {
            "id": np.arange(rows),
            "value": generator.normal(10, 3, rows),
            "site": generator.choice(["north", "south", "n/a"], rows),
            "many": generator.integers(0, 30_000, rows).astype(str),
        }
    ).with_columns(pl.when(pl.col("id") % 7 == 0).then(None).otherwise("value").alias("value"))
    whole = profile(frame)
    small_samples(monkeypatch)
    monkeypatch.setattr(statistics, "_HASHES_TO_COUNT", 8_000)
    part = profile(frame.lazy())
    assert (part.sample_rows <= 2_000, part.columns[0].is_sampled) == (True, True)
    assert [item.nulls for item in part.columns] == [item.nulls for item in whole.columns]
    assert part.columns[2].categories == whole.columns[2].categories
    assert part.columns[2].findings[0].count == whole.columns[2].findings[0].count
    assert part.columns[2].text == whole.columns[2].text
    for mine, exact in zip(part.columns, whole.columns, strict=True):
        assert mine.distinct == pytest.approx(exact.distinct, rel=0.06)
    assert not part.columns[0].is_distinct_exact
    assert part.columns[1].numbers.median == pytest.approx(whole.columns[1].numbers.median, abs=0.3)


def test_a_sample_is_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows give the same profile, to the last digit of the quartiles."""
    small_samples(monkeypatch)
    frame = pl.DataFrame({"x": np.random.default_rng(1).normal(size=9_000)})
    assert profile(frame).columns[0].numbers.median == profile(frame.lazy()).columns[0].numbers.median


def test_rare_findings_are_shown_though_the_sample_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples come from all rows where the sample has too few."""
    small_samples(monkeypatch)
    values = [1.0, 2.0] * 10_000
    values[777] = math.inf
    [item] = profile(pl.DataFrame({"x": values})).columns[0].findings
    assert (item.kind, [example.row for example in item.examples]) == (FindingKind.INFINITE, [777])


def test_duplicates_beyond_the_memory_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing a part of the space of hashes gives about the right count, and says that it is an estimate."""
    monkeypatch.setattr(passes, "_MOST_HASHES", 5_000)
    found = profile(pl.DataFrame({"x": np.arange(20_000) % 15_000}))
    assert not found.is_duplicates_exact
    assert found.duplicate_rows == pytest.approx(5_000, rel=0.1)


def test_a_sample_of_many_columns_has_fewer_rows() -> None:
    """The sample's cells are bounded, and a small table is taken whole."""
    assert sample_size(10, 1) == 10
    assert sample_size(10**9, 5_000) * 5_000 <= 20_000_000
    assert sample_size(10**9, 10**6) >= 1_000


@pytest.mark.parametrize("repeated", [0, 12_000])
def test_nearly_all_different_values_are_estimated_from_a_sample(repeated: int) -> None:
    """The few repetitions in a sample tell how many there are in all rows; too many, or too small a sample, do not."""
    rows, size = 400_000, 50_000
    values = np.arange(rows)
    values[:repeated] = values[-repeated:] if repeated else values[:repeated]
    sample = np.random.default_rng(4).permutation(values)[:size]
    found = nearly_all_different(size, len(set(sample.tolist())), growth=rows / size)
    assert found == pytest.approx(rows - repeated, rel=0.02)
    assert nearly_all_different(size, size // 2, growth=8) is None
    assert nearly_all_different(100, 100, growth=1_000) is None
