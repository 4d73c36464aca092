"""Features computed when they are asked for, by the fitted state that computes them in training too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlops.errors import InvalidInput
from mlops.feature_store.entities import OnDemandView
from mlops.feature_store.references import FeatureReference, read_references
from mlops.feature_store.values import FeatureType
from mlops.records import thaw

if TYPE_CHECKING:
    import polars as pl

    from mlops.features import FeatureState

__all__ = ["check_input_types", "checked", "compute_rows", "input_references", "row_function", "state_of"]


def state_of(view: OnDemandView) -> FeatureState:
    """Return the fitted state of a view.

    Raises:
        InvalidRecord: Its document is none of a state.
    """
    from mlops.features import FeatureState

    return FeatureState.from_document(thaw(view.state))


def input_references(view: OnDemandView) -> dict[str, FeatureReference]:
    """Return the features that inputs come from, by input."""
    return {name: read_references([text])[0] for name, text in view.inputs.items()}


def checked(view: OnDemandView) -> OnDemandView:
    """Return the view with the names of what it computes.

    Raises:
        InvalidInput: An input is none of the state's, or comes from no single feature.
    """
    state = state_of(view)
    for name, reference in input_references(view).items():
        if name not in state.input_names:
            allowed = ", ".join(state.input_names)
            raise InvalidInput(f"Input {name!r} is none of the state's, which are {allowed}. Leave it out.")
        if reference.feature == "*":
            raise InvalidInput(f"Input {name!r} comes from {str(reference)!r}; name one feature.")
    return view.changed(features=tuple(state.feature_names))


def check_input_types(view: OnDemandView, types: Mapping[str, FeatureType]) -> None:
    """Refuse features of a type that the state cannot compute with.

    A state with custom steps is not looked at: they may make something else of an input.

    Args:
        view: Whose state it is.
        types: Of the features that inputs come from, by input.

    Raises:
        InvalidInput: With the input, the feature and what is needed instead.
    """
    import polars as pl

    from mlops.features import UnsuitableColumn
    from mlops.features.columns import check_types

    state = state_of(view)
    names = [column.name for column, _ in state.chosen() if column.name in types]
    try:
        check_types(state.plan, () if state.steps else names, pl.Schema({name: types[name].column() for name in names}))
    except UnsuitableColumn as error:
        origin = view.inputs[error.column]
        raise InvalidInput(f"Input {error.column!r} comes from {origin!r}, which does not fit. {error}") from error


def compute_rows(view: OnDemandView, inputs: pl.DataFrame) -> pl.DataFrame:
    """Return what a view computes for a table of its inputs, a row each."""
    from mlops.features import transform

    computed: pl.DataFrame = transform(state_of(view), inputs)
    return computed.select(view.features)


def row_function(view: OnDemandView) -> Callable[[Mapping[str, Any]], list[float]]:
    """Return a function that computes the features of one row, in order, from its inputs by name."""
    from mlops.features import compile_row

    return compile_row(state_of(view))
