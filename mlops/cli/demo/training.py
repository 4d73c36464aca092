"""A dozen candidates of three algorithms, trained step by step so that each run has a curve worth looking at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlops.cli.demo.biopsies import Split

__all__ = ["CANDIDATES", "Candidate", "evaluate", "fit_in_steps"]

_SEED = 7
_SHORT = {"logistic_regression": "logistic", "random_forest": "forest", "gradient_boosting": "boosting"}


@dataclass(frozen=True)
class Candidate:
    """One combination of algorithm and hyperparameters to try.

    Attributes:
        algorithm: `logistic_regression`, `random_forest` or `gradient_boosting`.
        hyperparameters: What is handed to the algorithm.
        steps: Evaluations on the way; an epoch, ten trees or five boosting rounds each.
    """

    algorithm: str
    hyperparameters: dict[str, Any]
    steps: int

    @property
    def name(self) -> str:
        """A short name for tables: algorithm and what distinguishes it."""
        values = ", ".join(f"{name}={value}" for name, value in self.hyperparameters.items())
        return f"{_SHORT[self.algorithm]} ({values})"


_GRIDS: dict[str, tuple[int, list[dict[str, Any]]]] = {
    "logistic_regression": (20, [{"alpha": alpha, "eta0": eta} for alpha in (1e-4, 1e-2) for eta in (0.002, 0.02)]),
    "random_forest": (12, [{"max_depth": depth, "max_features": share} for depth in (3, 10) for share in (0.2, 0.6)]),
    "gradient_boosting": (
        20,
        [{"learning_rate": rate, "max_depth": depth} for rate in (0.03, 0.1) for depth in (2, 5)],
    ),
}

CANDIDATES = tuple(
    Candidate(algorithm, hyperparameters, steps)
    for algorithm, (steps, grid) in _GRIDS.items()
    for hyperparameters in grid
)


def fit_in_steps(candidate: Candidate, split: Split) -> Iterator[Any]:
    """Yield the same estimator after every step of its training, fitted a little further each time."""
    fit = {"logistic_regression": _logistic, "random_forest": _forest, "gradient_boosting": _boosting}
    return fit[candidate.algorithm](candidate, split)


def evaluate(estimator: Any, split: Split) -> dict[str, float]:
    """Return log loss, accuracy, precision, recall and F1 on the training and the validation part.

    Recall is the share of malignant samples that are found: the number a laboratory asks for first.
    """
    parts = {"train": (split.train, split.train_target), "val": (split.validation, split.validation_target)}
    return {
        f"{part}_{name}": value
        for part, (measures, target) in parts.items()
        for name, value in _scores(estimator, measures, target).items()
    }


def _scores(estimator: Any, measures: Any, target: Any) -> dict[str, float]:
    from sklearn.metrics import log_loss, precision_recall_fscore_support

    probability = estimator.predict_proba(measures)[:, 1]
    predicted = probability >= 0.5
    precision, recall, f1, _ = precision_recall_fscore_support(target, predicted, average="binary", zero_division=0.0)
    return {
        "loss": float(log_loss(target, probability)),
        "accuracy": float((predicted == target).mean()),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def _logistic(candidate: Candidate, split: Split) -> Iterator[Any]:
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().set_output(transform="pandas").fit(split.train)
    measures = scaler.transform(split.train)
    classifier = SGDClassifier(
        loss="log_loss", learning_rate="constant", random_state=_SEED, **candidate.hyperparameters
    )
    for _ in range(candidate.steps):
        classifier.partial_fit(measures, split.train_target, classes=[0, 1])
        yield make_pipeline(scaler, classifier)


def _forest(candidate: Candidate, split: Split) -> Iterator[Any]:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(n_estimators=0, warm_start=True, random_state=_SEED, **candidate.hyperparameters)
    for step in range(candidate.steps):
        yield forest.set_params(n_estimators=10 * (step + 1)).fit(split.train, split.train_target)


def _boosting(candidate: Candidate, split: Split) -> Iterator[Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    booster = HistGradientBoostingClassifier(
        warm_start=True, early_stopping=False, random_state=_SEED, **candidate.hyperparameters
    )
    for step in range(candidate.steps):
        yield booster.set_params(max_iter=5 * (step + 1)).fit(split.train, split.train_target)
