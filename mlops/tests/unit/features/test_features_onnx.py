"""The ONNX graph: inputs by column, doubles until the end, and only what ONNX can do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlops.artifacts.codecs.onnx_models import OnnxCodec
from mlops.errors import InvalidInput
from mlops.features.errors import ColumnNotFound
from mlops.features.onnx_graph import missing_mark, onnx_inputs, to_onnx
from mlops.features.plan import FeaturePlan
from mlops.features.state import (
    ColumnState,
    DatetimeColumn,
    FeatureState,
    LabelColumn,
    NumericColumn,
    OneHotColumn,
    StepState,
    TargetColumn,
    TextColumn,
)

NUMBER = NumericColumn(name="ph", fill=7.0, center=7.0, scale=2.0, indicator=True)
BARE = NumericColumn(name="depth", fill=None)
KIND = OneHotColumn(name="kind", fill="rna", categories=("dna", "rna"), indicator=True)
RANK = LabelColumn(name="rank", fill=None, categories=("high", "low"))
SITE = TargetColumn(
    name="site",
    fill="zzz",
    categories=("a", "b"),
    classes=("p", "q", "r"),
    encodings=((1, 2), (3, 4), (5, 6)),
    prior=(7, 8, 9),
)


def _state(*columns: ColumnState, features: tuple[str, ...] | None = None, **more: Any) -> FeatureState:
    names = tuple(column.name for column in columns)
    outputs = tuple(name for column in columns for name in column.outputs)
    chosen = features if features is not None else outputs
    plan = FeaturePlan(numeric=names)
    return FeatureState(plan=plan, rows=9, columns=columns, input_names=names, feature_names=chosen, **more)


def _run(state: FeatureState, frame: pl.DataFrame, dtype: Any = "float64") -> Any:
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(to_onnx(state, dtype=dtype)).run(["features"], onnx_inputs(state, frame))[0]


def test_numbers_and_categories_become_features_in_the_order_of_the_state() -> None:
    """Known, missing and unknown values of every kind of column, worked out by hand."""
    frame = pl.DataFrame(
        {
            "ph": [9.0, None, float("inf")],
            "depth": [3, None, 5],
            "kind": ["dna", None, "protein"],
            "rank": ["low", None, ""],
            "site": ["b", None, "c"],
        }
    )
    by_hand = [
        [1, 0, 3, 1, 0, 0, 1, 2, 4, 6],
        [0, 1, np.nan, 0, 1, 1, -1, 7, 8, 9],
        [0, 1, 5, 0, 0, 0, -1, 7, 8, 9],
    ]
    np.testing.assert_array_equal(_run(_state(NUMBER, BARE, KIND, RANK, SITE), frame), by_hand)


def test_only_selected_features_and_their_columns_are_in_the_graph() -> None:
    """A column without a feature is no input."""
    state = _state(NUMBER, BARE, KIND, RANK, SITE, features=("ph__missing", "kind=rna", "site__p", "site__r"))
    frame = pl.DataFrame({"ph": [None, 1.0], "kind": [None, "dna"], "site": ["a", "zz"]})
    assert [tensor.name for tensor in to_onnx(state).graph.input] == ["ph", "kind", "site"]
    assert _run(state, frame).tolist() == [[1, 1, 1, 5], [0, 0, 7, 9]]


@pytest.mark.parametrize("column", [NUMBER, BARE, KIND, RANK, SITE])
def test_every_single_output_can_be_the_only_feature(column: ColumnState) -> None:
    """A graph of one feature is the column of the graph of all."""
    frame = pl.DataFrame({column.name: [1.5, None] if isinstance(column, NumericColumn) else ["dna", None]})
    every = _run(_state(column), frame)
    for place, name in enumerate(column.outputs):
        np.testing.assert_array_equal(_run(_state(column, features=(name,)), frame), every[:, [place]])


def test_everything_is_computed_in_double_and_cast_once() -> None:
    """A small difference of large numbers is right in single precision too."""
    state = _state(NumericColumn(name="ph", fill=None, center=1e9, scale=1e-3))
    features = _run(state, pl.DataFrame({"ph": [1e9 + 0.25]}), "float32")
    assert (features.dtype, features.tolist()) == (np.float32, [[250.0]])


def test_no_row_and_many_rows_are_fine() -> None:
    """The number of rows is free."""
    state = _state(NUMBER, KIND)
    frame = pl.DataFrame({"ph": [1.0] * 5, "kind": ["dna"] * 5})
    assert _run(state, frame.clear()).shape == (0, 5)
    assert _run(state, frame).shape == (5, 5)


def test_the_model_says_what_it_is_and_its_bytes_are_the_states() -> None:
    """Names, the mark and the digest stand in the metadata; the codec of artifacts takes it; twice is equal."""
    state = _state(NUMBER, RANK)
    model = to_onnx(state)
    metadata = {item.key: item.value for item in model.metadata_props}
    assert json.loads(metadata["feature_names"]) == list(state.feature_names)
    assert (metadata["missing"], metadata["state"]) == ("__missing__", state.digest)
    content = OnnxCodec().encode(model).members
    assert content == OnnxCodec().encode(to_onnx(_state(NUMBER, RANK))).members


def test_the_mark_of_a_missing_category_is_no_category() -> None:
    """Where a category is named like the mark, the mark is longer."""
    state = _state(LabelColumn(name="rank", fill="b", categories=("__missing__", "b")))
    assert missing_mark(state) == "__missing___"
    assert _run(state, pl.DataFrame({"rank": [None, "__missing__"]})).tolist() == [[1], [0]]


def test_categories_of_other_types_are_text_as_in_the_batch() -> None:
    """Integers by their digits, booleans by name."""
    state = _state(LabelColumn(name="rank", fill=None, categories=("12", "true")))
    assert _run(state, pl.DataFrame({"rank": [12, 1, None]})).tolist() == [[0], [-1], [-1]]
    assert _run(state, pl.DataFrame({"rank": [True, False, None]})).tolist() == [[1], [-1], [-1]]


def test_a_column_may_have_any_name_but_the_outputs() -> None:
    """Names of columns and of the graph's own tensors never meet."""
    names = ("_0", "__c1", "größe in µm", "c0", "a/b")
    state = _state(*(NUMBER.changed(name=name) for name in names))
    assert _run(state, pl.DataFrame({name: [9.0] for name in names})).tolist() == [[1.0, 0.0] * 5]
    with pytest.raises(InvalidInput, match="named 'features', as the graph's output"):
        to_onnx(_state(NUMBER.changed(name="features")))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (_state(NUMBER, TextColumn(name="note", terms=("a",), idf=(1.0,))), "the tfidf column 'note'.*compile_row"),
        (_state(DatetimeColumn(name="taken", fill=0, parts=("year",))), "the datetime column 'taken'"),
        (_state(NUMBER, steps=(StepState(name="ratio"),)), "the custom step 'ratio'"),
        (_state(NUMBER, features=()), "has no feature"),
    ],
)
def test_what_onnx_cannot_do_is_refused(state: FeatureState, message: str) -> None:
    """The error names what needs Python and points to the closure."""
    with pytest.raises(InvalidInput, match=message):
        to_onnx(state)


def test_text_that_was_not_selected_is_no_obstacle() -> None:
    """What counts is what the features are made of."""
    state = _state(NUMBER, TextColumn(name="note", terms=("a",), idf=(1.0,)), features=("ph",))
    assert _run(state, pl.DataFrame({"ph": [9.0]})).tolist() == [[1.0]]


def test_a_wrong_type_or_a_missing_column_is_named() -> None:
    """Features are single or double precision, and every input needs its column."""
    with pytest.raises(InvalidInput, match=r"'float16' in ONNX\. Choose one of float32, float64"):
        to_onnx(_state(NUMBER), dtype="float16")
    with pytest.raises(ColumnNotFound, match="'ph'"):
        onnx_inputs(_state(NUMBER), pl.DataFrame({"p": [1]}))


def test_without_onnx_the_extra_is_named() -> None:
    """The graph is an extra; importing the module is not."""
    code = (
        "import sys; sys.modules['onnx'] = None\n"
        "from mlops.errors import MissingDependency\n"
        "from mlops.features.onnx_nodes import NodeList\n"
        "try: NodeList({}, 8, taken=[])\n"
        "except MissingDependency as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "tracseq-mlops[onnx]" in result.stdout
