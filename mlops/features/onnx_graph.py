"""The features of numbers and categories as an ONNX graph, so that they and the model run as one compiled file.

Everything is computed in double precision and cast once, at the end: scaling in single precision would be 1e-7 off
before the model has begun. Text, dates and custom steps need Python and are served by the closure (`compile_row`).

ONNX knows no missing text, so that a mark stands for it, which the model's metadata names. `onnx_inputs` makes the
inputs of a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from mlops.errors import InvalidInput
from mlops.features.closure_columns import encoding_table
from mlops.features.columns import as_category, as_number, check_present
from mlops.features.onnx_nodes import NodeList
from mlops.features.state import FeatureState, LabelColumn, NumericColumn, OneHotColumn, TargetColumn
from mlops.records import encode_json

__all__ = ["OPSETS", "OUTPUT", "missing_mark", "onnx_inputs", "to_onnx"]

OPSETS = {"": 17, "ai.onnx.ml": 3}
"""Versions of the operators by domain; runtimes since 2022 have them."""

OUTPUT = "features"
"""Name of the graph's output, [rows, features]."""

_IR_VERSION = 8  # of the release that brought opset 17
_ELEMENTS = {"float32": "FLOAT", "float64": "DOUBLE"}
_Categories = OneHotColumn | LabelColumn | TargetColumn
_Output = tuple[str, int]  # a source column and the position of one of its outputs
_Block = tuple[str, Sequence[_Output]]  # a tensor of [rows, outputs] and what its columns are


def to_onnx(state: FeatureState, *, dtype: Literal["float32", "float64"] = "float32") -> Any:
    """Return an `onnx.ModelProto` that makes the features of a batch of rows; the same state gives the same bytes.

    Inputs are the source columns of the features by their names: double [rows, 1] for numbers, NaN where one is
    missing, and text [rows, 1] for categories, `missing_mark(state)` where one is missing. The output `features` is
    [rows, features] of `dtype`. The metadata has `feature_names` (JSON), `missing` (the mark) and `state` (its digest).

    Raises:
        InvalidInput: A feature comes from text, a date or a custom step; there is no feature; a source column has the
            output's name; or `dtype` is another.
        MissingDependency: `onnx` is not installed.

    Example:
        >>> from mlops.features.plan import FeaturePlan
        >>> state = FeatureState(
        ...     plan=FeaturePlan(numeric=("ph",)), rows=3, input_names=("ph",), feature_names=("ph",),
        ...     columns=(NumericColumn(name="ph", fill=7.0, center=7.0, scale=2.0),),
        ... )
        >>> [tensor.name for tensor in to_onnx(state).graph.input]
        ['ph']
    """
    _check(state, dtype)
    nodes = NodeList(OPSETS, _IR_VERSION, taken=[OUTPUT, *(column.name for column in state.columns)])
    blocks = _numbers(nodes, state)
    mark = missing_mark(state)
    for column, places in state.chosen():
        if isinstance(column, _Categories):
            blocks += _categories(nodes, column, places, mark)
    wanted = [(column.name, place) for column, places in state.chosen() for place in places]
    nodes.cast(_joined(nodes, blocks, wanted), _ELEMENTS[dtype], output=OUTPUT)
    names = encode_json(list(state.feature_names))
    metadata = {"feature_names": names, "missing": mark, "state": state.digest}
    return nodes.model(OUTPUT, _ELEMENTS[dtype], len(wanted), metadata)


def missing_mark(state: FeatureState) -> str:
    """Return the text that stands for a missing category: `__missing__`, with more underscores where that is one."""
    return _unused(state, "__missing__")


def _unused(state: FeatureState, name: str) -> str:
    """Return the name, with as many underscores more as it takes to be no known category."""
    known = {category for column in state.columns if isinstance(column, _Categories) for category in column.categories}
    while name in known:
        name += "_"
    return name


def onnx_inputs(state: FeatureState, frame: pl.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    """Return what the graph of a state is to be fed for the rows of a frame: arrays of [rows, 1] by the inputs' names.

    Raises:
        ColumnNotFound: The frame lacks a column.
    """
    columns = [column for column, _ in state.chosen()]
    check_present([column.name for column in columns], frame.schema)
    mark = missing_mark(state)
    unknown = pl.lit(_unused(state, f"{mark}_"))  # stands for a category that happens to be called like the mark
    arrays = {}
    for column in columns:
        if isinstance(column, NumericColumn):
            values = frame.select(as_number(column.name)).to_series().to_numpy()
        else:
            text = as_category(column.name, frame.schema[column.name])
            marked = pl.when(text == pl.lit(mark)).then(unknown).otherwise(text).fill_null(pl.lit(mark))
            values = np.array(frame.select(marked).to_series().to_list(), dtype=object)
        arrays[column.name] = values.reshape(-1, 1)
    return arrays


def _check(state: FeatureState, dtype: str) -> None:
    if dtype not in _ELEMENTS:
        raise InvalidInput(f"Features cannot be {dtype!r} in ONNX. Choose one of {', '.join(_ELEMENTS)}.")
    if not state.feature_names:
        raise InvalidInput("This state has no feature: selection dropped every one. Fit again with a milder selection.")
    foreign = [f"the custom step {step.name!r}" for step in state.steps]
    foreign += [
        f"the {column.kind} column {column.name!r}"
        for column, _ in state.chosen()
        if not isinstance(column, NumericColumn | _Categories)
    ]
    if foreign:
        raise InvalidInput(
            f"ONNX makes features of numbers and categories only, and this state has {', '.join(foreign)}. "
            "It is served by the closure: compile_row(state)."
        )
    if any(column.name == OUTPUT for column, _ in state.chosen()):
        raise InvalidInput(f"A source column is named {OUTPUT!r}, as the graph's output is. Rename it and fit again.")


def _numbers(nodes: NodeList, state: FeatureState) -> list[_Block]:
    """Fill and scale all numbers as one matrix: a node costs a runtime more than the arithmetic in it."""
    columns = [column for column, _ in state.chosen() if isinstance(column, NumericColumn)]
    if not columns:
        return []
    raw = nodes.node("Concat", *(nodes.input(column.name, "DOUBLE") for column in columns), axis=1)
    missing = nodes.node("Or", nodes.node("IsNaN", raw), nodes.node("IsInf", raw))
    fill = nodes.constant([np.nan if column.fill is None else column.fill for column in columns])
    center, scale = (nodes.constant([getattr(column, name) for column in columns]) for name in ("center", "scale"))
    shifted = nodes.node("Sub", nodes.node("Where", missing, fill, raw), center)
    return [
        (nodes.node("Div", shifted, scale), [(column.name, 0) for column in columns]),
        (nodes.cast(missing, "DOUBLE"), [(column.name, 1) for column in columns]),
    ]


def _categories(nodes: NodeList, column: _Categories, places: Sequence[int], mark: str) -> Iterable[_Block]:
    text = nodes.input(column.name, "STRING")
    values = [place for place in places if place < len(column.values)]
    if values:
        encode = _onehot if isinstance(column, OneHotColumn) else _looked_up
        yield encode(nodes, column, text, values, mark), [(column.name, place) for place in values]
    if len(values) < len(places):
        indicator = _coded(nodes, text, {mark: 1}, unknown=0)
        yield nodes.cast(indicator, "DOUBLE"), [(column.name, places[-1])]


def _coded(nodes: NodeList, text: str, codes: dict[str, int], *, unknown: int) -> str:
    return nodes.node(
        "LabelEncoder",
        text,
        domain="ai.onnx.ml",
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=unknown,
    )


def _with_missing(codes: dict[str, int], column: _Categories, mark: str, unknown: int) -> dict[str, int]:
    """Give the mark the code of the category that stands for a missing one."""
    fill = unknown if column.fill is None else codes.get(column.fill, unknown)
    return {**codes, mark: fill}


def _onehot(nodes: NodeList, column: _Categories, text: str, places: Sequence[int], mark: str) -> str:
    slots = {column.categories[place]: slot for slot, place in enumerate(places)}
    code = _coded(nodes, text, _with_missing(slots, column, mark, -1), unknown=-1)
    is_slot = nodes.node("Equal", code, nodes.constant([range(len(places))], np.int64))
    return nodes.cast(is_slot, "DOUBLE")


def _looked_up(nodes: NodeList, column: _Categories, text: str, places: Sequence[int], mark: str) -> str:
    """Take from a table with a row per known category, and a last one for the unknown, the row of each code."""
    assert not isinstance(column, OneHotColumn)
    rows, unknown = encoding_table(column, places)
    codes = {category: code for code, category in enumerate(column.categories)}
    code = _coded(nodes, text, _with_missing(codes, column, mark, len(rows)), unknown=len(rows))
    flat = nodes.node("Reshape", code, nodes.constant([-1], np.int64))
    return nodes.node("Gather", nodes.constant([*rows, unknown]), flat, axis=0)


def _joined(nodes: NodeList, blocks: Iterable[_Block], wanted: Sequence[_Output]) -> str:
    """Put the blocks beside each other and choose the wanted outputs, in their order."""
    used = [(tensor, outputs) for tensor, outputs in blocks if set(outputs) & set(wanted)]
    found = [output for _, outputs in used for output in outputs]
    joined = used[0][0] if len(used) == 1 else nodes.node("Concat", *(tensor for tensor, _ in used), axis=1)
    if found == list(wanted):
        return joined
    places = {output: place for place, output in enumerate(found)}
    return nodes.node("Gather", joined, nodes.constant([places[output] for output in wanted], np.int64), axis=1)
