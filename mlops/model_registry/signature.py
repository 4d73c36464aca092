"""What a model takes and what it answers: inferred, compared, and checked against data.

Inputs are columns by name, or one column named `input` for a plain array. What cannot be found out stays `unknown`,
which goes with everything: a signature promises only what was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlops.errors import InvalidInput
from mlops.model_registry.dtypes import accepts, dtype_name
from mlops.model_registry.entities import Column, ModelSignature
from mlops.model_registry.tables import ARRAY_INPUT, TableColumn, as_columns

__all__ = ["breaks", "describe_column", "infer_columns", "infer_signature", "mismatches"]

_MOST_CLASSES = 1000  # labels that a signature lists
_MOST_SENTENCES = 20


def infer_signature(
    *, sample: Any = None, model: Any = None, answers: Any = None, feature_columns: Sequence[str] = ()
) -> ModelSignature:
    """Return the signature of a model from whatever is at hand.

    Inputs come from the sample, else from a fitted scikit-learn model, else from the names alone; outputs from the
    model's classes where it has them, else from its answers. A column is optional when the sample has values missing.

    Args:
        sample: Some rows of training data: a DataFrame (pandas, Polars, Arrow), an array, a sparse matrix, a dict of
            arrays, or a list.
        model: A fitted model in the manner of scikit-learn. It is only looked at, never called.
        answers: What the model predicts for the sample: an array, or a dict of several as `parity.answers_of` gives.
        feature_columns: Names for the columns of an array.

    Raises:
        InvalidInput: The sample has no rows or is none of these, or has not as many columns as there are names.

    Example:
        >>> import pandas as pd
        >>> rows = pd.DataFrame({"dose": [1.5, None], "site": ["left", "right"]})
        >>> for column in infer_signature(sample=rows).inputs:
        ...     print(describe_column(column))
        dose: float64, optional
        site: string
    """
    names = tuple(feature_columns)
    if sample is not None:
        inputs = infer_columns(sample, name=ARRAY_INPUT, names=names)
    else:
        inputs = _fitted_inputs(model, names)
    outputs = _fitted_outputs(model)
    if answers is not None:
        outputs = _merged(outputs, infer_columns(answers, name="prediction"))
    return ModelSignature(inputs=inputs, outputs=outputs)


def infer_columns(data: Any, *, name: str, names: Sequence[str] = ()) -> tuple[Column, ...]:
    """Return the columns of data: their names, types and shapes, and which of them have values missing.

    Args:
        name: Name of the one column of a plain array.
        names: Names for the columns of a two-dimensional array, which is then seen as a table.

    Raises:
        InvalidInput: There are no rows, or there are not as many columns as names.
    """
    columns = as_columns(data, name=name, names=names)
    if any(column.rows == 0 for column in columns):
        raise InvalidInput("The sample has no rows, so that it tells nothing. Pass at least one row of training data.")
    return tuple(
        Column(
            name=column.name,
            dtype=dtype_name(column.values),
            shape=column.shape,
            is_optional=column.missing_row() is not None,
        )
        for column in columns
    )


def breaks(old: ModelSignature, new: ModelSignature) -> list[str]:
    """Return why a caller of the old model could not use the new one as it is: a sentence each, none if it could.

    Breaking: a required input that is new, or that is gone; an input that takes less than before; an output that is
    gone, or that may be of another type, shape or class. Not breaking: optional inputs, more outputs, another order of
    named columns, and whatever one of the two does not know.
    """
    found: list[str] = []
    if old.inputs and new.inputs:
        found += _input_breaks({column.name: column for column in old.inputs}, new.inputs)
    if old.outputs and new.outputs:
        found += _output_breaks(old.outputs, {column.name: column for column in new.outputs})
    return found


def mismatches(signature: ModelSignature, data: Any) -> list[str]:
    """Return why data do not fit the inputs of a signature: a sentence each, none if they fit.

    Columns are matched by name, in any order; further columns do not matter. Whole numbers may come as floats, as
    they do in tables with missing values.

    Raises:
        InvalidInput: The data are nothing that has columns.
    """
    if not signature.inputs:
        return []
    given = _given(signature, data)
    found: list[str] = []
    for column in signature.inputs:
        if column.name in given:
            found += _misfits(column, given[column.name])
        elif not column.is_optional:
            found.append(f"Column {column.name!r} is missing; the model needs it.")
        if len(found) >= _MOST_SENTENCES:
            break
    return found


def describe_column(column: Column) -> str:
    """Return a column as a few words, such as `dose: float64, optional`."""
    shape = f" × {' × '.join('any' if size is None else str(size) for size in column.shape)}" if column.shape else ""
    optional = ", optional" if column.is_optional else ""
    classes = f", {len(column.classes)} classes" if column.classes else ""
    return f"{column.name}: {column.dtype}{shape}{optional}{classes}"


def _input_breaks(old: dict[str, Column], new: Sequence[Column]) -> list[str]:
    found = []
    for column in new:
        before = old.pop(column.name, None)
        if before is not None:
            found += _narrowed("Input", before, column)
        elif not column.is_optional:
            found.append(f"Input {column.name!r} is new and required.")
    return found + [f"Input {name!r} is gone." for name, column in old.items() if not column.is_optional]


def _narrowed(side: str, before: Column, after: Column) -> list[str]:
    found = []
    if before.is_optional and not after.is_optional:
        found.append(f"{side} {after.name!r} was optional and is required now.")
    if not accepts(after.dtype, before.dtype):
        found.append(f"{side} {after.name!r} was {before.dtype} and is {after.dtype} now.")
    if not _fits(after.shape, before.shape):
        found.append(f"{side} {after.name!r} had shape {_shape(before)} and has {_shape(after)} now.")
    return found


def _output_breaks(old: Sequence[Column], new: dict[str, Column]) -> list[str]:
    found = []
    for column in old:
        after = new.get(column.name)
        if after is None:
            found += [] if column.is_optional else [f"Output {column.name!r} is gone."]
            continue
        if not accepts(column.dtype, after.dtype):
            found.append(f"Output {column.name!r} was {column.dtype} and is {after.dtype} now.")
        if not _fits(column.shape, after.shape):
            found.append(f"Output {column.name!r} had shape {_shape(column)} and has {_shape(after)} now.")
        if after.is_optional and not column.is_optional:
            found.append(f"Output {column.name!r} was always there and may be missing now.")
        found += _class_breaks(column, after)
    return found


def _class_breaks(before: Column, after: Column) -> list[str]:
    """Labels may become fewer where each is answered by name; where each has its place, places must stay."""
    if not before.classes or not after.classes or before.classes == after.classes:
        return []
    added = [label for label in after.classes if label not in before.classes]
    if added:
        return [f"Output {after.name!r} may now be {added[0]!r}, which it never was."]
    return [f"Output {after.name!r} has its classes in other places now."] if after.shape else []


def _fits(wanted: tuple[int | None, ...], given: tuple[int | None, ...]) -> bool:
    return len(wanted) == len(given) and all(
        size is None or size == other for size, other in zip(wanted, given, strict=True)
    )


def _shape(column: Column) -> str:
    return (
        "one value" if not column.shape else " × ".join("any" if size is None else str(size) for size in column.shape)
    )


def _given(signature: ModelSignature, data: Any) -> dict[str, TableColumn]:
    """Return columns of data by name; a table for a model that takes a plain array is one, and the other way round."""
    names = tuple(column.name for column in signature.inputs)
    if names == (ARRAY_INPUT,):
        names = ()
        if hasattr(data, "iloc") and getattr(data, "ndim", 0) == 2 and ARRAY_INPUT not in data.columns:
            data = data.to_numpy()
    return {column.name: column for column in as_columns(data, names=names, is_strict=False)}


def _misfits(column: Column, given: TableColumn) -> list[str]:
    """Return what is wrong with one column of data."""
    if given.rows == 0:
        return []
    if not _fits(column.shape, given.shape):
        seen = _shape(Column(name=column.name, shape=given.shape))
        return [f"Column {column.name!r} has {seen} a row; the model takes {_shape(column)}."]
    row = None if column.is_optional else given.missing_row()
    if row is not None:
        return [f"Column {column.name!r} has no value in row {row}; the model needs one in every row."]
    dtype = dtype_name(given.values)
    if accepts(column.dtype, dtype) or given.is_whole_for(column.dtype) or given.is_all_missing():
        return []
    return [f"Column {column.name!r} is {dtype}; the model takes {column.dtype}."]


def _fitted_inputs(model: Any, names: tuple[str, ...]) -> tuple[Column, ...]:
    seen = _attribute(model, "feature_names_in_")
    known = names or (() if seen is None else tuple(str(name) for name in seen))
    if known:
        return tuple(Column(name=name) for name in known)
    width = _attribute(model, "n_features_in_")
    return () if width is None else (Column(name=ARRAY_INPUT, shape=(int(width),)),)


def _fitted_outputs(model: Any) -> tuple[Column, ...]:
    classes = _attribute(model, "classes_")
    if classes is None or isinstance(classes, list) or getattr(classes, "ndim", 0) != 1:
        return ()
    labels = tuple(classes.tolist()) if len(classes) <= _MOST_CLASSES else ()
    found = [Column(name="prediction", dtype=dtype_name(classes), classes=labels)]
    if _attribute(model, "predict_proba") is not None:
        found.append(Column(name="probability", dtype="float64", shape=(len(classes),), classes=labels))
    return tuple(found)


def _attribute(model: Any, name: str) -> Any:
    """Return an attribute, None where the model has none or cannot have it, such as unfitted ones."""
    return getattr(model, name, None)


def _merged(told: tuple[Column, ...], seen: tuple[Column, ...]) -> tuple[Column, ...]:
    """Return what was seen of the answers, with the classes that the model itself tells."""
    by_name = {column.name: column for column in told}
    merged = [
        column.changed(classes=by_name[column.name].classes) if column.name in by_name else column for column in seen
    ]
    names = {column.name for column in seen}
    return (*merged, *(column for column in told if column.name not in names))
