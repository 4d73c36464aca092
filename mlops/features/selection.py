"""Which features are kept: by variance, by correlation with earlier ones, by what they tell about the target.

Reads the training rows twice more: once for each feature's own numbers, once for what they have in common.
Correlations are those of values rounded to 2**-18 standard deviations (an error below 0.000004), so that their sums are
whole numbers and exact; a missing number counts as the mean. Mutual information, in nats, is that of a table with one
row per value of the feature, or 32 equally frequent ranges of it, and likewise for a target that is a quantity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from mlops.features.joints import Joints, joints
from mlops.features.marginals import Marginals, marginals
from mlops.features.state import FeatureState, NumericColumn
from mlops.features.training_rows import TrainingRows

__all__ = ["select"]


class _Selection:
    """Names still kept, in order, and why the others went."""

    def __init__(self, names: Iterable[str]) -> None:
        self.kept = list(names)
        self.dropped: dict[str, str] = {}

    def drop(self, reasons: Mapping[str, str]) -> None:
        self.dropped.update(reasons)
        self.kept = [name for name in self.kept if name not in reasons]

    def keep_best(self, scores: Mapping[str, float], most: int, reason: str) -> None:
        best = sorted(self.kept, key=lambda name: -scores[name])[:most]  # stable: of equals the earlier
        self.drop({name: f"{reason} {scores[name]:.6g}" for name in self.kept if name not in set(best)})


def select(state: FeatureState, rows: TrainingRows) -> FeatureState:
    """Return the state with those features only that its plan keeps, and reasons for the others."""
    plan = state.plan
    alone = marginals(state, rows)
    selection = _Selection(state.outputs)
    variances = _variances(state, alone)
    if plan.variance_threshold is not None:
        selection.drop(_too_constant(variances, plan.variance_threshold))
    if plan.correlation_threshold is not None or _ranks_by_target(state):
        together = joints(state.changed(feature_names=tuple(selection.kept)), rows, alone)
        _by_company(selection, state, together)
    if plan.max_features is not None and not _ranks_by_target(state):
        selection.keep_best(variances, plan.max_features, "beyond max_features, variance")
    return state.changed(feature_names=tuple(selection.kept), dropped=selection.dropped)


def _ranks_by_target(state: FeatureState) -> bool:
    plan = state.plan
    return plan.target is not None and (plan.mutual_information is not None or plan.max_features is not None)


def _variances(state: FeatureState, alone: Marginals) -> dict[str, float]:
    """Return the variance of each feature before scaling."""
    scales = {column.name: column.scale for column in state.columns if isinstance(column, NumericColumn)}
    return {name: float(moments.variance) * scales.get(name, 1.0) ** 2 for name, moments in alone.moments.items()}


def _too_constant(variances: Mapping[str, float], threshold: float) -> dict[str, str]:
    return {
        name: f"variance {variance:.6g} is not above {threshold:g}"
        for name, variance in variances.items()
        if variance <= threshold
    }


def _by_company(selection: _Selection, state: FeatureState, together: Joints) -> None:
    plan = state.plan
    if plan.correlation_threshold is not None:
        selection.drop(_too_alike(together.correlations, selection.kept, plan.correlation_threshold))
    if not _ranks_by_target(state):
        return
    scores = dict(zip(together.names, together.information, strict=True))
    if plan.mutual_information is not None:
        selection.keep_best(scores, plan.mutual_information, "tells less about the target than others, nats")
    if plan.max_features is not None:
        selection.keep_best(scores, plan.max_features, "beyond max_features, mutual information")


def _too_alike(correlations: np.ndarray, names: list[str], threshold: float) -> dict[str, str]:
    """Return the features that go, each because of an earlier one that stays."""
    kept: list[int] = []
    dropped = {}
    for place, name in enumerate(names):
        with_kept = np.abs(correlations[place, kept])
        if kept and with_kept.max() > threshold:
            twin = kept[int(with_kept.argmax())]
            dropped[name] = f"correlation {correlations[place, twin]:.6f} with {names[twin]}"
        else:
            kept.append(place)
    return dropped
