"""569 fine-needle aspirates of breast masses, 30 measures each, with the diagnosis, as a lab would have them in a CSV.

The data are scikit-learn's copy of the Wisconsin diagnostic set (Street, Wolberg, Mangasarian 1993). Sites and times
are made up, and some rows are damaged on purpose, the way exports of laboratory systems are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COLLECTED",
    "DAMAGES",
    "DIAGNOSED",
    "PROJECT",
    "SAMPLE",
    "SITES",
    "TARGET",
    "Split",
    "split_parts",
    "write_raw_table",
]

PROJECT = "biopsies"
TARGET = "malignant"
SAMPLE = "sample_id"
COLLECTED, DIAGNOSED = "collected_at", "diagnosed_at"
SITES = ("north", "south", "east")
DAMAGES = {"missing": 6, "impossible": 7, "unreadable": 5, "misspelt": 5, "repeated": 8}
"""How many rows are damaged in which way."""

_FIRST_DAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
_MINUTES_APART = 95
_SEED = 20


@dataclass(frozen=True)
class Split:
    """Samples to learn from, to choose by, and to check with at the very end.

    Attributes:
        train, validation, test: Frames of features, one row a biopsy.
        train_target, validation_target, test_target: 1 where the diagnosis was malignant.
        test_samples: Ids of the samples to check with, when they were collected and when diagnosed.
        pipeline_run_id: The run that made the features.
    """

    train: pd.DataFrame
    train_target: pd.Series[int]
    validation: pd.DataFrame
    validation_target: pd.Series[int]
    test: pd.DataFrame
    test_target: pd.Series[int]
    test_samples: pd.DataFrame
    pipeline_run_id: str = ""


def write_raw_table(path: Path) -> pd.DataFrame:
    """Write the biopsies as CSV, damaged rows among them, and return what was written, as text."""
    import numpy as np

    chance = np.random.default_rng(_SEED)
    frame = _sound_table(chance).astype(str)
    damaged = chance.choice(len(frame), sum(DAMAGES.values()), replace=False)
    parts = np.split(damaged, np.cumsum(list(DAMAGES.values()))[:-1])
    rows = dict(zip(DAMAGES, parts, strict=True))
    frame.loc[rows["missing"], TARGET] = ""
    frame.loc[rows["impossible"], "mean_radius"] = "-" + frame.loc[rows["impossible"], "mean_radius"]
    frame.loc[rows["unreadable"], "mean_area"] = frame.loc[rows["unreadable"], "mean_area"] + " px?"
    frame.loc[rows["misspelt"], "site"] = frame.loc[rows["misspelt"], "site"].str.replace("t", "ht")
    raw: pd.DataFrame = _with_repeated(frame, rows["repeated"])
    path.parent.mkdir(parents=True, exist_ok=True)
    raw.to_csv(path, index=False)
    return raw


def split_parts(rows: pd.DataFrame, features: list[str], pipeline_run_id: str) -> Split:
    """Divide a training set by its `part`, which the pipeline drew by diagnosis in equal shares."""
    held_out = rows[rows["part"] == "test"].rename(columns={"event_timestamp": DIAGNOSED}).reset_index(drop=True)
    parts: dict[str, Any] = {
        "pipeline_run_id": pipeline_run_id,
        "test_samples": held_out[[SAMPLE, COLLECTED, DIAGNOSED]],
    }
    for part in ("train", "validation", "test"):
        chosen = rows[rows["part"] == part].reset_index(drop=True)
        parts[part], parts[f"{part}_target"] = chosen[features], chosen[TARGET].astype("int64")
    return Split(**parts)


def _sound_table(chance: Any) -> pd.DataFrame:
    from sklearn.datasets import load_breast_cancer

    source = load_breast_cancer(as_frame=True)
    frame: pd.DataFrame = source.data.rename(columns=lambda name: name.replace(" ", "_"))
    count = len(frame)
    collected = [_FIRST_DAY + timedelta(minutes=_MINUTES_APART * number) for number in range(count)]
    days = chance.integers(1, 9, count)
    frame.insert(0, SAMPLE, [f"FNA-{number:04d}" for number in range(1, count + 1)])
    frame.insert(1, "site", chance.choice(SITES, count))
    frame.insert(2, COLLECTED, [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in collected])
    diagnosed = [moment + timedelta(days=int(wait)) for moment, wait in zip(collected, days, strict=True)]
    frame.insert(3, DIAGNOSED, [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in diagnosed])
    frame[TARGET] = 1 - source.target  # the set codes malignant as 0
    return frame


def _with_repeated(frame: pd.DataFrame, rows: Any) -> pd.DataFrame:
    """Return the table with some rows once more, further down."""
    import pandas as pd

    whole: pd.DataFrame = pd.concat([frame, frame.loc[rows]], ignore_index=True)
    return whole
