"""Laws of dataset fingerprints: one content one digest, whatever the layout; another content another digest."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.provenance.fingerprint import fingerprint_dataset

texts = st.lists(st.none() | st.text(max_size=6), max_size=12)
floats = st.lists(st.floats(), min_size=1, max_size=40)


def digest(data: Any) -> str:
    return fingerprint_dataset(data).digest


@given(floats, st.integers(1, 4))
def test_layout_in_memory_does_not_count(values: list[float], width: int) -> None:
    """C order, Fortran order, strides and byte order give one digest."""
    array = np.array(values * width).reshape(-1, width)
    strided = np.repeat(array, 2, axis=0)[::2]
    assert len({digest(array), digest(np.asfortranarray(array)), digest(strided), digest(array.astype(">f8"))}) == 1


@given(texts)
def test_the_way_text_is_kept_does_not_count(values: list[str | None]) -> None:
    """`object`, `str`, both `string` storages, Arrow text and chunks of it give one digest."""
    series = pd.Series(values, dtype=object)
    kinds: list[Any] = ["str", "string[python]", "string[pyarrow]", pd.ArrowDtype(pa.large_string())]
    frames = [pd.DataFrame({"a": series.astype(kind)}) for kind in kinds]
    halves = pd.concat([frames[2][:5], frames[2][5:]])
    expected = digest(frames[0])
    assert [digest(frame) for frame in [*frames, halves]] == [expected] * 5
    if any(value is not None for value in values):
        assert digest(pd.DataFrame({"a": series})) == expected


@given(st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20))
def test_the_way_missing_integers_are_kept_does_not_count(values: list[int | None]) -> None:
    """Masked and Arrow integers agree, and with NumPy's where nothing is missing."""
    masked = pd.DataFrame({"a": pd.array(values, dtype="Int64")})
    arrow = masked.astype("int64[pyarrow]")
    assert digest(masked) == digest(arrow)
    if None not in values:
        assert digest(masked) == digest(masked.astype("int64"))


@given(texts, texts)
def test_digests_are_equal_exactly_when_texts_are(left: list[str | None], right: list[str | None]) -> None:
    """No boundary between two cells can move without changing the digest."""
    frames = [pd.DataFrame({"a": pd.Series(values, dtype="str")}) for values in (left, right)]
    assert (digest(frames[0]) == digest(frames[1])) == (left == right)


@given(floats, st.data())
def test_a_changed_number_changes_the_digest(values: list[float], data: st.DataObject) -> None:
    """Any one value counts, and all NaN are one value, as are both zeros."""
    index = data.draw(st.integers(0, len(values) - 1))
    changed = [*values]
    changed[index] = data.draw(st.floats())
    same = changed[index] == values[index] or (np.isnan(changed[index]) and np.isnan(values[index]))
    assert (digest(np.array(values)) == digest(np.array(changed))) == same


FRAME = pd.DataFrame({"a": [1, 2, 3], "b": [1.5, np.nan, 2.5], "c": ["x", None, "z"]})


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame[["b", "a", "c"]],
        lambda frame: frame.rename(columns={"a": "A"}),
        lambda frame: frame.astype({"a": "int32"}),
        lambda frame: frame.astype({"a": "float64"}),
        lambda frame: frame[::-1],
        lambda frame: frame[:2],
        lambda frame: frame.assign(d=1),
        lambda frame: frame.astype({"c": "category"}),
    ],
    ids=["column order", "name", "width", "type", "row order", "rows", "columns", "category"],
)
def test_what_counts_as_content(change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Names, order, types and values each change the digest."""
    assert digest(change(FRAME)) != digest(FRAME)


def test_the_index_does_not_count() -> None:
    """Rows are told apart by their position."""
    assert digest(FRAME.set_index(pd.Index(["p", "q", "r"]))) == digest(FRAME)


def test_moments_count_by_instant_and_zone_not_by_tick() -> None:
    """Nanoseconds and seconds agree; another zone or another instant does not."""
    moments = pd.Series(pd.to_datetime(pd.Series(["2026-01-01", None, "1850-06-01"]))).astype("datetime64[s]")
    assert digest(moments) == digest(moments.astype("datetime64[ns]"))
    assert digest(moments) == digest(moments.astype(pd.ArrowDtype(pa.timestamp("us"))))
    assert digest(moments) != digest(moments.dt.tz_localize("UTC"))
    assert digest(moments.dt.tz_localize("UTC")) != digest(moments.dt.tz_localize("UTC").dt.tz_convert("Europe/Rome"))
    assert digest(moments - moments[0]) != digest(moments)


def test_the_order_of_categories_counts_only_when_they_are_ordered() -> None:
    """Unordered categories are a set."""
    words = ["low", "high", None, "low"]
    left, right = ["low", "high"], ["high", "low"]
    unordered = [digest(pd.Series(pd.Categorical(words, categories=names))) for names in (left, right)]
    ordered = [digest(pd.Series(pd.Categorical(words, categories=names, ordered=True))) for names in (left, right)]
    assert unordered[0] == unordered[1]
    assert len({*unordered, *ordered}) == 3


@pytest.mark.parametrize("odd", ["\ud800", b"\x00\xff", Decimal("1.50"), date(2026, 1, 2), (1, "a"), {"k": {3, 1}}])
def test_python_objects_count_by_value(odd: object) -> None:
    """Any canonical object beside text has a digest that repeats and differs from its repr's."""
    column = pd.Series([odd, "text", None, True, 1, 1.0], dtype=object)
    assert digest(column) == digest(column.copy())
    assert digest(column) != digest(column.map(repr))


def test_an_object_without_canonical_form_names_its_column() -> None:
    """The message says which column, which type, and what to do."""
    with pytest.raises(InvalidInput, match=r"Column 'thing' holds a object.*Turn it into text"):
        fingerprint_dataset(pd.DataFrame({"thing": [object()]}))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.arrays.SparseArray([0.0, 0.0, 1.0])),
        pd.Series(pd.period_range("2026-01", periods=3, freq="M")),
        pd.Series(pd.interval_range(0, 3)),
        pd.Series([1 + 2j, complex("nan"), 0]),
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series([1.5, None, 2], dtype="Float32"),
        pd.Series([[1], [2, 3], None]),
        pd.Series([], dtype="float64"),
    ],
    ids=lambda column: str(column.dtype),
)
def test_any_pandas_type_has_a_digest_of_its_own(column: pd.Series[Any]) -> None:
    """Extension types work, empty columns too, and the type of a value counts."""
    assert digest(column) == digest(column.copy(deep=True))
    assert digest(column) != digest(column.astype(str))


def test_sparse_and_dense_columns_agree() -> None:
    """Sparseness is layout."""
    values = [0.0, 0.0, 3.5]
    assert digest(pd.Series(pd.arrays.SparseArray(values))) == digest(pd.Series(values))


def test_sparse_matrices_agree_in_any_format() -> None:
    """CSR, CSC and COO give one digest, and stored zeros do not count."""
    from scipy import sparse  # scikit-learn brings it

    matrix = sparse.random(20, 8, density=0.2, random_state=3, format="csr")
    padded = matrix.tocoo()
    padded.resize(20, 8)
    padded.row, padded.col, padded.data = (
        np.append(padded.row, 19),
        np.append(padded.col, 7),
        np.append(padded.data, 0.0),
    )
    formats = [matrix, matrix.tocsc(), matrix.tocoo(), padded]
    assert len({digest(one) for one in formats}) == 1
    assert fingerprint_dataset(matrix).rows == 20


def test_arrays_tell_their_shape() -> None:
    """Images count as rows; their shape is part of the content."""
    images = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    fingerprint = fingerprint_dataset(images)
    assert (fingerprint.rows, fingerprint.columns) == (3, 16)
    assert fingerprint.column_types == (("values", "uint8[*,4,4]"),)
    assert fingerprint.digest != digest(images.reshape(3, 16))


def test_a_structured_array_is_a_table() -> None:
    """Fields are columns, whatever their byte order; a field that is an array is kept whole."""
    array = np.array([(1, 2.5, [1, 2]), (3, 4.5, [3, 4])], dtype=[("n", ">i4"), ("x", "f8"), ("pair", "i2", 2)])
    same = pd.DataFrame({"n": np.array([1, 3], "i4"), "x": [2.5, 4.5], "pair": [[1, 2], [3, 4]]})
    assert digest(array) == digest(same)


def test_records_columns_and_tables_of_others_are_tables() -> None:
    """A list of dicts, a dict of columns and anything with to_pandas() equal their DataFrame."""
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    others = [frame.to_dict("records"), frame.to_dict("list"), pa.Table.from_pandas(frame)]
    assert [digest(other) for other in others] == [digest(frame)] * 3


def test_an_unknown_type_is_refused_with_what_is_allowed() -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidInput, match=r"builtins\.list_iterator cannot be fingerprinted"):
        fingerprint_dataset(iter([1]))


def test_the_digest_is_the_same_in_another_process() -> None:
    """Hash randomisation and session state do not reach it."""
    code = (
        "import pandas as pd; from mlops.provenance.fingerprint import fingerprint_dataset as f;"
        "print(f(pd.DataFrame({'a': [1, 2], 'b': [{'x', 'y'}, 'ü']})).digest)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert printed == digest(pd.DataFrame({"a": [1, 2], "b": [{"x", "y"}, "ü"]}))


def test_the_recipe_has_not_changed() -> None:
    """A digest stored years ago still compares: a change here needs a new recipe version."""
    frame = pd.DataFrame({"dose": [1.5, np.nan], "lot": ["A", "B"], "n": [1, 2]})
    assert digest(frame) == "021a968d8af74f79b2f50cc7dd0fd98e13c03ba497ae64a39a598da1cacd33cf"


def test_a_csv_file_tells_its_rows_even_with_newlines_in_quotes(tmp_path: Path) -> None:
    """The digest is the file's own SHA-256, and name and source come from the path."""
    path = tmp_path / "samples.csv"
    path.write_text('id,note,value\n1,"two\nlines",2.5\n2,plain,oops\n')
    fingerprint = fingerprint_dataset(str(path), role="train")
    assert fingerprint.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (fingerprint.rows, fingerprint.columns, fingerprint.name) == (2, 3, "samples.csv")
    assert fingerprint.column_types == (("id", "int64"), ("note", "string"), ("value", "string"))
    assert fingerprint.source == str(path)


def test_a_parquet_file_tells_rows_and_types(tmp_path: Path) -> None:
    """Its footer is read, not its data."""
    path = tmp_path / "samples.parquet"
    pd.DataFrame({"a": [1, 2, 3]}).to_parquet(path)
    fingerprint = fingerprint_dataset(path, name="samples")
    assert (fingerprint.name, fingerprint.rows, fingerprint.column_types) == ("samples", 3, (("a", "int64"),))


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", b""), ("a.parquet", b"no"), ("a.csv", b"a,b\n1\n"), ("a", b"")]
)
def test_a_file_that_is_not_what_its_name_says_still_has_a_digest(tmp_path: Path, name: str, content: bytes) -> None:
    """Rows and columns are unknown then."""
    (tmp_path / name).write_bytes(content)
    fingerprint = fingerprint_dataset(tmp_path / name)
    assert fingerprint.digest == hashlib.sha256(content).hexdigest()
    assert fingerprint.rows is None


def test_a_folder_counts_by_names_and_bytes(tmp_path: Path) -> None:
    """A moved or changed file below changes the digest."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"1")
    first = digest(tmp_path)
    (tmp_path / "in" / "a.png").rename(tmp_path / "b.png")
    assert digest(tmp_path) != first


def test_a_missing_path_is_refused() -> None:
    """The message shows the path and where it was looked for."""
    with pytest.raises(InvalidInput, match=r"no file or folder 'gone\.csv'.*looked from"):
        fingerprint_dataset("gone.csv")


def test_a_fingerprint_without_name_takes_its_role() -> None:
    """A record always has a name."""
    assert fingerprint_dataset(np.zeros(2), role="test").name == "test"
    assert fingerprint_dataset(np.zeros(2)).name == "dataset"


def test_text_that_has_no_utf8_still_has_a_digest() -> None:
    """Half of a surrogate pair in a column of nothing but text is kept apart from its escape."""
    odd, escaped = (pd.DataFrame({"a": pd.Series([text, "b"], dtype=object)}) for text in ("\ud800", "\\ud800"))
    assert digest(odd) != digest(escaped)
