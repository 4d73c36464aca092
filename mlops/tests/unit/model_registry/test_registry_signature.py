"""Signatures: inferred from whatever is at hand, compared, and held against data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from mlops.errors import InvalidInput
from mlops.model_registry.dtypes import accepts, dtype_name
from mlops.model_registry.entities import Column, ModelSignature
from mlops.model_registry.parity import answer_table, answers_of, departures, sample_rows
from mlops.model_registry.signature import breaks, describe_column, infer_signature, mismatches

DTYPES = ["bool", "int8", "int64", "uint8", "uint64", "float32", "float64", "number", "string", "category", "datetime"]
columns = st.builds(
    Column,
    name=st.sampled_from("abcdef"),
    dtype=st.sampled_from([*DTYPES, "unknown", "duration", "binary"]),
    shape=st.lists(st.none() | st.integers(1, 3), max_size=2).map(tuple),
    is_optional=st.booleans(),
    classes=st.lists(st.sampled_from(["x", "y", 1]), unique=True, max_size=3).map(tuple),
)
sides = st.lists(columns, max_size=5, unique_by=lambda column: column.name).map(tuple)
signatures = st.builds(ModelSignature, inputs=sides, outputs=sides)

cells: dict[str, st.SearchStrategy[Any]] = {
    "float": st.lists(st.floats() | st.none(), min_size=4, max_size=4),
    "whole": st.lists(st.integers(-(2**63), 2**63 - 1), min_size=4, max_size=4),
    "nullable": st.lists(st.integers(-100, 100) | st.none(), min_size=4, max_size=4).map(
        lambda values: pd.array(values, dtype="Int64")
    ),
    "flag": st.lists(st.booleans(), min_size=4, max_size=4),
    "text": st.lists(st.text(max_size=3) | st.none(), min_size=4, max_size=4),
    "kind": st.lists(st.sampled_from(["x", "y"]), min_size=4, max_size=4).map(pd.Categorical),
    "mixed": st.lists(st.none() | st.integers(0, 5) | st.text(max_size=2), min_size=4, max_size=4),
    "moment": st.lists(st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")), min_size=4, max_size=4),
}
frames = st.dictionaries(
    st.text(max_size=4).filter(lambda name: "\0" not in name), st.sampled_from(list(cells))
).flatmap(lambda kinds: st.fixed_dictionaries({name: cells[kind] for name, kind in kinds.items()}).map(pd.DataFrame))


@given(signatures)
def test_a_signature_never_breaks_itself(signature: ModelSignature) -> None:
    """What works now works with the same."""
    assert breaks(signature, signature) == []


@given(frames)
def test_a_sample_fits_the_signature_inferred_from_it(frame: pd.DataFrame) -> None:
    """Whatever the columns hold."""
    assert mismatches(infer_signature(sample=frame), frame) == []


@given(frames.filter(lambda frame: len(frame.columns) > 1))
def test_the_order_of_columns_does_not_matter_and_further_ones_neither(frame: pd.DataFrame) -> None:
    """Columns are known by name."""
    signature = infer_signature(sample=frame)
    turned = frame[list(reversed(frame.columns))].assign(**{"another column": 1})
    assert mismatches(signature, turned) == []


@given(frames, st.data())
def test_a_frame_fits_every_signature_that_does_not_break_its_own(frame: pd.DataFrame, data: st.DataObject) -> None:
    """`breaks` and `mismatches` agree: a version that breaks nothing takes yesterday's data."""
    old = infer_signature(sample=frame)
    widen = {"float32": "float64", "int64": "int64", "string": "category", "bool": "int8"}
    inputs = [
        column.changed(dtype=data.draw(st.sampled_from([column.dtype, widen.get(column.dtype, "unknown")])))
        for column in old.inputs
    ]
    new = ModelSignature(inputs=tuple(inputs), outputs=old.outputs)
    assert breaks(old, new) == []
    assert mismatches(new, frame) == []


@given(st.sampled_from(DTYPES), st.sampled_from(DTYPES), st.sampled_from(DTYPES))
def test_widening_is_transitive(one: str, two: str, three: str) -> None:
    """What goes into the middle goes into the end."""
    if accepts(two, one) and accepts(three, two):
        assert accepts(three, one)


@pytest.mark.parametrize(
    "sample",
    [
        np.ones((3, 2)),
        np.array([["a", "b"]], dtype=object),
        np.array([1, 2, 3]),
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
        {"image": np.zeros((2, 8, 8), dtype="uint8"), "age": [40.0, 50.0]},
        sparse.csr_matrix(np.array([[1.0, np.nan], [0.0, 0.0]])),
        ["some text", "more text"],
        [[1.0, 2.0], [3.0, 4.0]],
        [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
        pd.DataFrame(np.ones((2, 3))),
        pd.Series([1, 2], name="x"),
    ],
    ids=lambda sample: type(sample).__name__,
)
def test_samples_of_every_kind_fit_themselves(sample: Any) -> None:
    """Tables, arrays, structured arrays, dicts, sparse matrices, lists of texts, rows and records."""
    signature = infer_signature(sample=sample)
    assert signature.inputs
    assert mismatches(signature, sample) == []


class TestInference:
    """What is found out, and what is not claimed."""

    def test_types_and_missing_values_of_a_table(self) -> None:
        """A column with a gap is optional."""
        frame = pd.DataFrame({"a": [1.0, None], "b": [1, 2], "c": ["x", None], "d": pd.Categorical(["u", "v"])})
        described = [describe_column(column) for column in infer_signature(sample=frame).inputs]
        assert described == ["a: float64, optional", "b: int64", "c: string, optional", "d: category"]

    def test_an_array_is_one_column_and_several_with_names(self) -> None:
        """`feature_columns` names the columns of an array."""
        array = np.ones((2, 3), dtype="float32")
        assert infer_signature(sample=array).inputs == (Column(name="input", dtype="float32", shape=(3,)),)
        named = infer_signature(sample=array, feature_columns=["x", "y", "z"])
        assert [(column.name, column.dtype) for column in named.inputs] == [(name, "float32") for name in "xyz"]

    def test_names_that_do_not_fit_the_array_are_refused(self) -> None:
        """A wrong list of features is found at registration, not in production."""
        with pytest.raises(InvalidInput, match="3 columns, and there are 2 names"):
            infer_signature(sample=np.ones((2, 3)), feature_columns=["x", "y"])

    def test_a_fitted_classifier_tells_names_and_classes(self) -> None:
        """Types of inputs stay unknown: scikit-learn does not keep them."""
        x, y = load_iris(return_X_y=True, as_frame=True)
        model = LogisticRegression(max_iter=500).fit(x, np.array(["s", "v", "w"])[y])
        signature = infer_signature(model=model)
        assert [column.name for column in signature.inputs] == list(x.columns)
        assert {column.dtype for column in signature.inputs} == {"unknown"}
        prediction, probability = signature.outputs
        assert (prediction.dtype, prediction.classes) == ("string", ("s", "v", "w"))
        assert (probability.shape, probability.classes) == ((3,), ("s", "v", "w"))

    def test_a_model_fitted_on_an_array_tells_its_width(self) -> None:
        """Its input is a plain array."""
        model = LinearRegression().fit([[1.0, 2.0], [2.0, 1.0]], [1.0, 2.0])
        assert infer_signature(model=model) == ModelSignature(inputs=(Column(name="input", shape=(2,)),))

    def test_answers_tell_the_outputs(self) -> None:
        """And keep the classes that the model tells."""
        x, y = load_iris(return_X_y=True)
        model = LogisticRegression(max_iter=500).fit(x, y)
        outputs = infer_signature(sample=x, model=model, answers=answers_of(model, x)).outputs
        assert [describe_column(column) for column in outputs] == [
            "prediction: int64, 3 classes",
            "probability: float64 × 3, 3 classes",
        ]

    def test_an_unfitted_model_tells_nothing(self) -> None:
        """And nothing is claimed."""
        assert infer_signature(model=LogisticRegression()) == ModelSignature()

    @pytest.mark.parametrize("sample", [pd.DataFrame({"a": []}), np.ones((0, 3)), 5.0, [[1], [1, 2]]])
    def test_what_has_no_rows_is_refused(self, sample: Any) -> None:
        """A signature of nothing would accept everything."""
        with pytest.raises(InvalidInput):
            infer_signature(sample=sample)

    def test_two_columns_of_one_name_are_refused(self) -> None:
        """The message names it."""
        frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
        with pytest.raises(InvalidInput, match="two columns named 'a'"):
            infer_signature(sample=frame)

    def test_objects_of_one_type_are_that_type(self) -> None:
        """Mixed ones are not guessed."""
        assert dtype_name(np.array(["a", None], dtype=object)) == "string"
        assert dtype_name(np.array([1, 2.5], dtype=object)) == "float64"
        assert dtype_name(np.array([1, "a"], dtype=object)) == "unknown"


class TestBreaks:
    """Changes of outputs; those of inputs are in the table of version rules."""

    @staticmethod
    def outputs(**values: Any) -> ModelSignature:
        return ModelSignature(outputs=(Column(**{"name": "prediction", "dtype": "string", **values}),))

    @pytest.mark.parametrize(
        ("old", "new", "word"),
        [
            ({"classes": ("a", "b")}, {"classes": ("a", "b", "c")}, "may now be 'c'"),
            ({"classes": ("a", "b"), "shape": (2,)}, {"classes": ("b", "a"), "shape": (2,)}, "in other places"),
            ({"shape": (2,)}, {"shape": (3,)}, "had shape 2 and has 3"),
            ({}, {"is_optional": True}, "may be missing"),
            ({}, {"name": "score"}, "'prediction' is gone"),
            ({"dtype": "float32"}, {"dtype": "float64"}, "was float32"),
        ],
    )
    def test_outputs_that_callers_would_trip_over(self, old: dict[str, Any], new: dict[str, Any], word: str) -> None:
        """A caller gets what it does not know."""
        [sentence] = breaks(self.outputs(**old), self.outputs(**new))
        assert word in sentence

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ({"classes": ("a", "b")}, {"classes": ("b",)}),
            ({"classes": ("a", "b")}, {"classes": ()}),
            ({"shape": (None,)}, {"shape": (3,)}),
            ({"dtype": "float64"}, {"dtype": "float32"}),
        ],
    )
    def test_outputs_that_are_less_than_before_break_nothing(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Callers were ready for more."""
        assert breaks(self.outputs(**old), self.outputs(**new)) == []

    def test_what_is_not_known_breaks_nothing(self) -> None:
        """A first version without a sample does not make the second one a break."""
        assert breaks(ModelSignature(), self.outputs()) == []
        assert breaks(self.outputs(), ModelSignature()) == []


class TestMismatches:
    """Data that a model must not get."""

    SIGNATURE = infer_signature(sample=pd.DataFrame({"dose": [1.5, 2.0], "count": [1, 2], "site": ["l", "r"]}))

    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({"dose": "high"}, "'dose' is string; the model takes float64"),
            ({"dose": [1.0, None]}, "no value in row 1"),
            ({"count": 1.5}, "'count' is float64; the model takes int64"),
            ({"site": 3}, "'site' is int64; the model takes string"),
        ],
    )
    def test_a_column_at_fault_is_named(self, change: dict[str, Any], word: str) -> None:
        """With what it is and what it should be."""
        frame = pd.DataFrame({"dose": [1.5, 2.0], "count": [1, 2], "site": ["l", "r"]}).assign(**change)
        [sentence] = mismatches(self.SIGNATURE, frame)
        assert word in sentence

    def test_whole_numbers_may_come_as_floats(self) -> None:
        """As JSON and tables with gaps have them."""
        assert mismatches(self.SIGNATURE, pd.DataFrame({"dose": [1], "count": [2.0], "site": ["l"]})) == []

    def test_a_missing_column_is_named(self) -> None:
        """One sentence for each."""
        assert len(mismatches(self.SIGNATURE, pd.DataFrame({"dose": [1.0]}))) == 2

    def test_an_array_in_order_of_the_columns_is_a_table(self) -> None:
        """As scikit-learn takes it; one of another width lacks all columns."""
        signature = infer_signature(sample=pd.DataFrame({"a": [1.0], "b": [2.0]}))
        assert mismatches(signature, np.ones((4, 2))) == []
        assert mismatches(signature, np.ones((4, 3))) != []

    def test_a_table_for_a_model_that_takes_arrays(self) -> None:
        """Its width counts, not its names."""
        signature = infer_signature(sample=np.ones((2, 2)))
        assert mismatches(signature, pd.DataFrame({"a": [1.0], "b": [2.0]})) == []
        assert "3 a row" in mismatches(signature, np.ones((2, 3)))[0]

    def test_the_list_of_faults_has_an_end(self) -> None:
        """A wrong file does not give ten thousand sentences."""
        wide = infer_signature(sample=pd.DataFrame(np.ones((1, 500)), columns=[f"c{place}" for place in range(500)]))
        assert len(mismatches(wide, pd.DataFrame({"x": [1]}))) == 20


class TestParity:
    """Rows that are kept, with the model's answers."""

    def test_at_most_32_rows_spread_over_the_data(self) -> None:
        """Sorted data give rows of every part."""
        rows = sample_rows(pd.DataFrame({"a": range(1000)}))
        assert len(rows) == 32
        assert (rows["a"].iloc[0], rows["a"].iloc[-1]) == (0, 999)
        assert len(sample_rows(np.ones((5, 2)))) == 5

    def test_no_rows_are_refused(self) -> None:
        """There is nothing to keep."""
        with pytest.raises(InvalidInput, match="no rows"):
            sample_rows({})

    def test_answers_that_agree_and_answers_that_do_not(self) -> None:
        """A difference is told by column, row and value."""
        x, y = load_iris(return_X_y=True)
        model = LogisticRegression(max_iter=500).fit(x, y)
        kept = answer_table(answers_of(model, x))
        assert list(kept.columns) == ["prediction", "probability_0", "probability_1", "probability_2"]
        assert departures(kept, answer_table(answers_of(model, x))) == []
        model.coef_ = model.coef_ * 1.5
        assert any("probability_0 is" in sentence for sentence in departures(kept, answer_table(answers_of(model, x))))

    def test_a_refused_sample_is_told_as_such(self) -> None:
        """With the model's own words."""
        model = LinearRegression().fit([[1.0, 2.0], [2.0, 1.0]], [1.0, 2.0])
        with pytest.raises(InvalidInput, match="refuses the sample"):
            answers_of(model, [[1.0]])
        with pytest.raises(InvalidInput, match="no predict"):
            answers_of(object(), [[1.0]])

    def test_missing_answers_agree_with_missing_answers(self) -> None:
        """NaN and None are themselves."""
        table = pd.DataFrame({"prediction": [1.0, np.nan], "label": ["a", None]})
        assert departures(table, table.copy()) == []
        assert departures(table, table.assign(extra=1)) != []
