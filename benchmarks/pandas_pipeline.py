"""What a careful data scientist writes by hand with pandas and scikit-learn: read, validate, score, features, write.

    python -m benchmarks.pandas_pipeline TABLE.csv FOLDER

Runs in the peers' environment. Does the same as `pipeline_program` asks of ours: the same columns, ranges and key by
pandera (all failures collected, their rows dropped), the same statistics for a score, features fitted on a training
part, good rows and features as Parquet. Prints one JSON object; imports are not counted.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = [
    "concentration", "volume_ul", "a260_a280", "a260_a230", "rin", "ph", "temperature_c", "read_count", "storage_days",
]  # fmt: skip
CATEGORIES = ["site", "instrument", "analyte", "sample_type"]
TIMES = ["collected_at", "received_on"]


def main() -> None:
    """Do it once and tell what it took."""
    table, folder = Path(sys.argv[1]), Path(sys.argv[2])
    begun = time.perf_counter()
    rows = pd.read_csv(table, low_memory=False)
    rows = good_rows(rows)
    score(rows)
    features = make_features(rows)
    rows.to_parquet(folder / "output.parquet", compression="lz4")
    features.to_parquet(folder / "features.parquet", compression="lz4")
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def good_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are as they have to be, in their types."""
    rows = rows.copy()
    damaged = pd.Series(False, index=rows.index)
    for name in [*NUMBERS, *TIMES]:
        as_typed = pd.to_datetime if name in TIMES else pd.to_numeric
        typed = as_typed(rows[name], errors="coerce")
        damaged |= typed.isna() & rows[name].notna()
        rows[name] = typed
    schema = pa.DataFrameSchema(
        {
            "sample_id": pa.Column(
                str, [pa.Check.str_matches(r"^S[0-9]+$")], unique=True, report_duplicates="exclude_first"
            ),
            "patient_id": pa.Column(str, nullable=False),
            "concentration": pa.Column(float, pa.Check.in_range(0, 1000), nullable=True),
            "ph": pa.Column(float, pa.Check.in_range(0, 14), nullable=True),
            "rin": pa.Column(float, pa.Check.in_range(1, 10), nullable=True),
            "volume_ul": pa.Column(float, pa.Check.le(5000), nullable=True),
            "analyte": pa.Column(str, pa.Check.isin(["DNA", "RNA", "cfDNA", "protein"]), nullable=True),
        }
    )
    try:
        schema.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        failed = errors.failure_cases["index"].dropna().unique()
        damaged.loc[failed] = True
    return rows[~damaged]


def score(rows: pd.DataFrame) -> float:
    """Return a quality score of the parts that ours has: completeness, repeated rows, distinct values, outliers."""
    complete = 1 - rows.isna().to_numpy().mean()
    repeated = rows.duplicated().mean()
    distinct = rows.nunique()
    outlying = []
    for name in NUMBERS:
        values = rows[name].dropna()
        low, middle, high = values.quantile([0.25, 0.5, 0.75])
        mad = (values - middle).abs().median()
        spread = 1.5 * (high - low)
        outlying.append(((values < low - spread) | (values > high + spread)).mean())
        outlying.append(((values - middle).abs() > 3.5 * mad / 0.6745).mean())
        values.describe()
        np.histogram(values, bins=40)
    for name in CATEGORIES:
        rows[name].value_counts()
    return float(complete - repeated - np.mean(outlying) + 0 * distinct.sum())


def make_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the features of all rows, fitted on four fifths of them."""
    is_training = np.random.default_rng(0).random(len(rows)) < 0.8
    transformer = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="mean"), StandardScaler()), NUMBERS),
            (
                "categories",
                make_pipeline(
                    SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
                ),
                CATEGORIES,
            ),
        ]
    )
    transformer.fit(rows[is_training])
    return pd.DataFrame(
        transformer.transform(rows), columns=transformer.get_feature_names_out(), index=rows["sample_id"]
    ).reset_index()


if __name__ == "__main__":
    main()
