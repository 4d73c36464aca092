"""Reloads a run's model in a process of its own and scores it on the held-out biopsies; prints one line of JSON.

python -m mlops.cli.demo.reload FOLDER EXPERIMENT_ID
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["score"]


def score(estimator: Any, measures: Any, target: Any) -> dict[str, Any]:
    """Return accuracy, recall, counts, and a digest of the predicted probabilities, on held-out samples."""
    probability = estimator.predict_proba(measures)[:, 1]
    predicted = probability >= 0.5
    found, malignant = int((predicted & (target == 1)).sum()), int((target == 1).sum())
    return {
        "samples": len(target),
        "accuracy": float((predicted == target).mean()),
        "recall": found / malignant,
        "malignant": malignant,
        "found": found,
        "false_alarms": int((predicted & (target == 0)).sum()),
        "predictions_digest": hashlib.sha256(probability.round(12).tobytes()).hexdigest(),
    }


def main(folder: Path, experiment_id: str) -> None:
    """Load the model that the run stored and print its score."""
    from mlops import ExperimentTracker
    from mlops.cli.demo.data_chapter import load_split

    split = load_split(folder)
    tracker = ExperimentTracker(
        tracking_dir=str(folder / "experiments"), database_url=f"sqlite:///{folder / 'mlops.db'}"
    )
    estimator = tracker.sync.load_artifact(experiment_id, "model")
    print(json.dumps(score(estimator, split.test, split.test_target)))  # noqa: T201 (the parent reads it)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
