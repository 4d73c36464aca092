"""569 fine-needle aspirates of breast masses, 30 measures each, with the diagnosis, as a lab would have them in a CSV.

The data are scikit-learn's copy of the Wisconsin diagnostic set (Street, Wolberg, Mangasarian 1993).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PROJECT", "TARGET", "Split", "split_biopsies", "write_biopsies"]

PROJECT = "biopsies"
TARGET = "malignant"
_SEED = 20
_HELD_OUT = 0.2  # of all; the same share again validates


@dataclass(frozen=True)
class Split:
    """Samples to learn from, to choose by, and to check with at the very end.

    Attributes:
        train, validation, test: Frames of 30 measures, one row a biopsy.
        train_target, validation_target, test_target: 1 where the diagnosis was malignant.
    """

    train: pd.DataFrame
    train_target: pd.Series[int]
    validation: pd.DataFrame
    validation_target: pd.Series[int]
    test: pd.DataFrame
    test_target: pd.Series[int]


def write_biopsies(path: Path) -> pd.DataFrame:
    """Write the biopsies as CSV, a row each, and return them as they read back."""
    import pandas as pd
    from sklearn.datasets import load_breast_cancer

    source = load_breast_cancer(as_frame=True)
    frame = source.data.rename(columns=lambda name: name.replace(" ", "_"))
    frame.insert(0, "sample_id", [f"FNA-{number:04d}" for number in range(1, len(frame) + 1)])
    frame[TARGET] = 1 - source.target  # the set codes malignant as 0
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)
    return pd.read_csv(path)


def split_biopsies(frame: pd.DataFrame) -> Split:
    """Split by diagnosis in equal shares, the same way every time."""
    from sklearn.model_selection import train_test_split

    measures, target = frame.drop(columns=["sample_id", TARGET]), frame[TARGET]
    rest, test, rest_target, test_target = train_test_split(
        measures, target, test_size=_HELD_OUT, stratify=target, random_state=_SEED
    )
    train, validation, train_target, validation_target = train_test_split(
        rest, rest_target, test_size=_HELD_OUT / (1 - _HELD_OUT), stratify=rest_target, random_state=_SEED
    )
    return Split(train, train_target, validation, validation_target, test, test_target)
