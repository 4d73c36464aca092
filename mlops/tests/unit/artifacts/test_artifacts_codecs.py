"""Codecs: what goes in comes out, with its types, or is left to another codec."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mlops.artifacts.codecs import Codec, default_codecs, find_codec
from mlops.artifacts.codecs.figures import StoredFigure
from mlops.artifacts.errors import CannotEncode
from mlops.errors import Corrupted, InvalidInput

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def codec_of(value: object) -> Codec:
    return next(codec for codec in default_codecs() if codec.handles(value))


def encoded(codec: Codec, value: object) -> dict[str, bytes]:
    members = {}
    for name, member in codec.encode(value).members.items():
        sink = io.BytesIO()
        if isinstance(member, bytes):
            sink.write(member)
        else:
            member(sink)
        members[name] = sink.getvalue()
    return members


def round_trip(value: object) -> Any:
    codec = codec_of(value)
    return codec.decode(encoded(codec, value))


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal with their types, NaN being itself and -0.0 not 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


class TestPlain:
    """Bytes, text and JSON."""

    @given(st.binary())
    def test_bytes_come_back(self, value: bytes) -> None:
        """Any bytes survive."""
        assert codec_of(value).name == "bytes"
        assert round_trip(value) == value

    @given(st.text(st.characters(exclude_categories=[])))
    def test_text_comes_back(self, value: str) -> None:
        """Any text survives, lone surrogates too."""
        assert codec_of(value).name == "text"
        assert round_trip(value) == value

    @given(json_values.filter(lambda value: not isinstance(value, str)))
    def test_json_comes_back(self, value: Any) -> None:
        """NaN, infinities, signed zeros, large integers and any text survive."""
        codec = codec_of(value)
        assert codec.name == "json"
        assert same(codec.decode(encoded(codec, value)), value)

    def test_numpy_numbers_are_numbers(self) -> None:
        """A dict of scores stays readable JSON, whatever library computed them."""
        scores = {"auc": np.float64(0.5), "n": np.int64(3), "ok": np.bool(True), "half": np.float32(0.5)}
        assert round_trip(scores) == {"auc": 0.5, "n": 3, "ok": True, "half": 0.5}

    @pytest.mark.parametrize(
        "value", [(1, 2), {"a": (1,)}, {1: 2}, {1}, [b"x"], {"$number": "NaN"}, [{"$number": 1}], bytearray(b"x")]
    )
    def test_what_json_would_change_is_pickled(self, value: object) -> None:
        """Tuples, sets and other keys come back as they were."""
        assert codec_of(value).name == "pickle"
        assert round_trip(value) == value
        assert type(round_trip(value)) is type(value)

    def test_deep_nesting_is_left_to_others(self) -> None:
        """A list inside itself ends."""
        endless: list[Any] = []
        endless.append(endless)
        assert codec_of(endless).name == "pickle"

    def test_the_same_value_gives_the_same_bytes(self) -> None:
        """The order in which keys were set does not matter."""
        codec = codec_of({})
        assert encoded(codec, {"a": 1, "b": 2}) == encoded(codec, {"b": 2, "a": 1})

    @pytest.mark.parametrize(
        ("name", "content"), [("text", b"\xff"), ("json", b"\xff"), ("json", b"{"), ("json", b"[" * 100_000)]
    )
    def test_foreign_bytes_are_refused(self, name: str, content: bytes) -> None:
        """A record that names the wrong codec is an error that says so."""
        codec = find_codec(default_codecs(), name, 1)
        with pytest.raises(Corrupted, match="is not"):
            codec.decode({codec.members[0]: content})


class TestArrays:
    """NumPy arrays."""

    @pytest.mark.parametrize(
        "array",
        [
            np.arange(6.0).reshape(2, 3),
            np.asfortranarray(np.arange(6).reshape(2, 3)),
            np.arange(10)[::3],
            np.array(3.5),
            np.array([], dtype="f4"),
            np.array([np.nan, np.inf, -0.0]),
            np.array(["a", "ü€"]),
            np.array(["2026-11-23"], dtype="M8[D]"),
            np.zeros(2, dtype=[("é€", "i4"), ("x", "f8")]),
            np.zeros(2, dtype=">i2"),
            np.array([1 + 2j]),
        ],
        ids=lambda array: f"{array.dtype}{array.shape}",
    )
    def test_arrays_come_back(self, array: np.ndarray[Any, Any]) -> None:
        """Dtype, shape and order survive, without a warning."""
        assert codec_of(array).name == "ndarray"
        again = round_trip(array)
        assert again.dtype == array.dtype
        assert again.shape == array.shape
        assert again.tobytes("A") == array.copy("A").tobytes("A")

    def test_objects_are_left_to_pickle(self) -> None:
        """What .npy could only pickle goes where pickles are signed."""
        array = np.array([{"a": 1}, None], dtype=object)
        with pytest.raises(CannotEncode, match="Python objects"):
            codec_of(array).encode(array)

    def test_a_pickle_inside_npy_is_refused(self) -> None:
        """An .npy file of objects would run code."""
        sink = io.BytesIO()
        np.save(sink, np.array([{}], dtype=object), allow_pickle=True)
        with pytest.raises(Corrupted):
            find_codec(default_codecs(), "ndarray", 1).decode({"array.npy": sink.getvalue()})


def frames() -> list[pd.DataFrame]:
    plain = pd.DataFrame({"x": [1.5, None, 2.5], "n": [1, 2, 3], "t": ["a", None, "ü"]})
    return [
        plain,
        plain.set_index(["t", "n"]),
        plain.set_index(pd.date_range("2026-01-01", periods=3, tz="Europe/Zurich")),
        plain.set_index(pd.Index([7, 5, 5], name="sample")),
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.DataFrame({0: [1], 1: [2]}),
        pd.DataFrame(np.ones((2, 2)), columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
        pd.DataFrame(
            {
                "i8": pd.array([1, 2], dtype="int8"),
                "null": pd.array([1, None], dtype="Int64"),
                "flag": [True, False],
                "kind": pd.Categorical(["b", "m"], categories=["m", "b"], ordered=True),
                "when": pd.Series([pd.Timestamp("2026-01-01"), pd.NaT]),
                "took": pd.to_timedelta([1, 2], unit="s"),
                "raw": [b"x", b"y"],
                "f4": np.array([np.inf, np.nan], dtype="f4"),
            }
        ),
    ]


class TestFrames:
    """pandas."""

    @pytest.mark.parametrize("frame", frames(), ids=lambda frame: str(frame.shape))
    def test_frames_come_back(self, frame: pd.DataFrame) -> None:
        """Index, dtypes, labels and missing values survive."""
        assert codec_of(frame).name == "dataframe"
        pd.testing.assert_frame_equal(round_trip(frame), frame, check_freq=False)

    @pytest.mark.parametrize("frame", [frames()[0], frames()[8]], ids=["plain", "typed"])
    def test_frames_that_came_back_give_the_same_bytes(self, frame: pd.DataFrame) -> None:
        """The digest of a table is its identity."""
        codec = codec_of(frame)
        assert encoded(codec, round_trip(frame)) == encoded(codec, frame)

    @pytest.mark.parametrize("name", [None, "auc", 3, "ü"])
    def test_series_come_back(self, name: object) -> None:
        """A Series remembers its name and index."""
        series = pd.Series([1.0, None], index=["a", "b"], name=name)
        assert codec_of(series).name == "series"
        pd.testing.assert_series_equal(round_trip(series), series)

    @pytest.mark.parametrize(
        "frame",
        [
            pd.DataFrame({"a": [1, "x"]}, dtype=object),
            pd.DataFrame({"a": [(1, 2), (3, 4)]}),
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            pd.DataFrame({"a": [{"x": 1}, {"y": 2}]}),
        ],
        ids=["mixed", "tuples", "twice", "dicts"],
    )
    def test_frames_that_would_change_are_refused(self, frame: pd.DataFrame) -> None:
        """What Parquet cannot give back equal is left to a signed pickle."""
        with pytest.raises(CannotEncode):
            codec_of(frame).encode(frame)

    @pytest.mark.parametrize("name", ["dataframe", "series"])
    def test_what_is_no_parquet_is_refused(self, name: str) -> None:
        """Foreign bytes are an error that says so."""
        codec = find_codec(default_codecs(), name, 1)
        with pytest.raises(Corrupted, match="not a table"):
            codec.decode({codec.members[0]: b"PAR1 nothing"})


class TestFigures:
    """matplotlib."""

    @pytest.fixture
    def figure(self) -> Figure:
        """Return a figure with text and a line."""
        figure = Figure(figsize=(3, 2))
        figure.subplots().plot([1, 3, 2], label="loss")
        return figure

    def test_a_figure_becomes_pictures(self, figure: Figure, tmp_path: Path) -> None:
        """Both formats are there, and can be saved."""
        stored = round_trip(figure)
        assert isinstance(stored, StoredFigure)
        assert stored.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in stored.save(tmp_path / "a.svg").read_text()
        assert stored._repr_mimebundle_()["image/png"] == stored.png

    def test_a_figure_is_drawn_alike_every_time(self, figure: Figure) -> None:
        """No dates or random ids: the same figure is stored once."""
        codec = codec_of(figure)
        assert encoded(codec, figure) == encoded(codec, figure)


class TestPickles:
    """Everything else."""

    @pytest.mark.parametrize("value", [(1, 2), datetime(2026, 1, 1, tzinfo=UTC), 3 + 4j, frozenset({1}), Path])
    def test_other_objects_come_back(self, value: object) -> None:
        """Any object that can be pickled is kept."""
        assert codec_of(value).name == "pickle"
        assert round_trip(value) == value

    def test_local_functions_come_back(self) -> None:
        """Functions of notebooks are kept by value."""
        threshold = 0.5
        decide: Callable[[float], bool] = lambda score: score > threshold  # noqa: E731
        assert round_trip(decide)(0.6)

    @pytest.mark.parametrize("value", [io.StringIO, (number for number in [1])], ids=["class", "generator"])
    def test_what_cannot_be_pickled_is_refused(self, value: object) -> None:
        """Open files and generators are named in the refusal; classes are fine."""
        if isinstance(value, type):
            assert round_trip(value) is value
        else:
            with pytest.raises(CannotEncode, match="generator"):
                encoded(codec_of(value), value)

    def test_a_pickle_of_missing_code_says_so(self) -> None:
        """The reader learns what is missing where."""
        content = b"\x80\x04\x8c\x0bno_such_mod\x94\x8c\x05Thing\x94\x93\x94."
        with pytest.raises(Corrupted, match="no_such_mod"):
            find_codec(default_codecs(), "pickle", 1).decode({"object.pkl": content})


def test_an_unknown_codec_is_answered_with_near_names() -> None:
    """A record of a newer version or a typing error is explained."""
    with pytest.raises(InvalidInput, match="Did you mean 'pickle'"):
        find_codec(default_codecs(), "pickl", 1)


def test_files_of_a_newer_codec_are_refused() -> None:
    """An old program says that it is old."""
    with pytest.raises(InvalidInput, match="Upgrade"):
        find_codec(default_codecs(), "json", 2)


def test_importing_artifacts_imports_nothing_heavy() -> None:
    """The libraries of codecs are paid for by those who use them."""
    heavy = ["numpy", "pandas", "matplotlib", "sklearn", "skops", "fsspec", "cryptography", "cloudpickle", "pyarrow"]
    program = f"import sys, mlops.artifacts; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
