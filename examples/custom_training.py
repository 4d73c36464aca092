"""Trains a classifier epoch by epoch with early stopping, and tracks it: a pattern to copy for a loop of your own.

    python examples/custom_training.py

The data are the 569 biopsies that scikit-learn ships. Each epoch is one pass of stochastic gradient descent; training
ends when the validation loss has not improved for `PATIENCE` epochs, and the best model, not the last, is kept.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from mlops import ExperimentTracker

MOST_EPOCHS = 200
PATIENCE = 10
HYPERPARAMETERS = {"loss": "log_loss", "alpha": 0.001, "learning_rate": "constant", "eta0": 0.01, "random_state": 0}


@dataclass(frozen=True)
class Samples:
    """Scaled measurements and diagnoses, split into a training and a validation part."""

    x_train: Any
    x_val: Any
    y_train: Any
    y_val: Any


def load_samples() -> Samples:
    """Return the biopsies; the scale is learnt on the training part only."""
    measures, diagnosis = load_breast_cancer(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(measures, diagnosis, test_size=0.3, random_state=0)
    scaler = StandardScaler().fit(x_train)
    return Samples(scaler.transform(x_train), scaler.transform(x_val), y_train, y_val)


def train_one_epoch(model: Any, samples: Samples, order: np.random.Generator) -> dict[str, float]:
    """Pass once over the training part in random order and return what was measured after it."""
    shuffled = order.permutation(len(samples.y_train))
    model.partial_fit(samples.x_train[shuffled], samples.y_train[shuffled], classes=[0, 1])
    return {
        "train_loss": log_loss(samples.y_train, model.predict_proba(samples.x_train)),
        "val_loss": log_loss(samples.y_val, model.predict_proba(samples.x_val)),
        "val_accuracy": model.score(samples.x_val, samples.y_val),
    }


def train(run: Any, samples: Samples) -> Any:
    """Train until the validation loss stops improving, logging every epoch; return the best model."""
    model, order = SGDClassifier(**HYPERPARAMETERS), np.random.default_rng(0)
    best, best_loss, best_epoch = None, np.inf, 0
    for epoch in range(MOST_EPOCHS):
        measured = train_one_epoch(model, samples, order)
        run.log(step=epoch, epoch=epoch, **measured)
        if measured["val_loss"] < best_loss:
            best, best_loss, best_epoch = copy.deepcopy(model), measured["val_loss"], epoch
        elif epoch - best_epoch >= PATIENCE:
            break
    return best


def main() -> None:
    """Train, keep the model with its run, and check that it comes back as it was."""
    samples = load_samples()
    tracker = ExperimentTracker(tracking_dir="./mlops_data/experiments", database_url="sqlite:///mlops.db")
    with tracker.sync.run("custom training", hyperparameters=HYPERPARAMETERS, tags={"kind": "example"}) as run:
        model = train(run, samples)
        run.log_artifact("model", model)
    again = tracker.sync.load_artifact(run.id, "model")
    history = tracker.sync.get_experiment_metrics(run.id)
    print(f"{len(history)} epochs, validation accuracy {again.score(samples.x_val, samples.y_val):.3f}")


if __name__ == "__main__":
    main()
