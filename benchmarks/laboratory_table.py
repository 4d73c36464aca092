"""Makes the synthetic table of laboratory samples that the data pipeline's figures are measured on.

Twenty columns as a LIMS exports them, written as CSV a hundred thousand rows at a time; the same seed and number of
rows give the same bytes. About one row in two hundred is damaged the way real exports are, once: see `DAMAGES`.

    python -m benchmarks.laboratory_table /tmp/samples.csv 2000000
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import numpy as np
import polars as pl

__all__ = ["COLUMNS", "DAMAGED_FRACTION", "DAMAGES", "make_table"]

DAMAGED_FRACTION = 0.005
_ROWS_A_CHUNK = 100_000
_START = np.datetime64("2024-01-01T06:00:00", "ms")
_SITES = ("Basel", "Genève", "Lausanne", "Zürich", "Bern")
_INSTRUMENTS = ("NovaSeq-01", "NovaSeq-02", "NextSeq-01", "MiSeq-03", "TapeStation-2", "Qubit-4")
_ANALYTES = ("DNA", "RNA", "cfDNA", "protein")
_SAMPLE_TYPES = ("biopsy", "blood", "plasma", "saliva", "swab", "tissue")
_OPERATORS = tuple(f"op{number:02d}" for number in range(1, 25))
_COMMENTS = (
    None,
    "repeat extraction",
    "low volume",
    "haemolysed, re-drawn",
    'label "B" replaced',
    "ok",
    "thawed twice",
)

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("sample_id", "patient_id"), "string"),
        "collected_at": "datetime",
        "received_on": "date",
        **dict.fromkeys(("site", "instrument", "analyte", "sample_type", "operator"), "category"),
        "comment": "string",
        **dict.fromkeys(
            ("concentration", "volume_ul", "a260_a280", "a260_a230", "rin", "ph", "temperature_c"), "float"
        ),
        "read_count": "integer",
        "storage_days": "integer",
        "approved": "boolean",
    }
)
"""The columns in the order of the file, and their types in the words of `DataSchema`."""


def make_table(path: Path, rows: int, *, seed: int = 7, damaged_fraction: float = DAMAGED_FRACTION) -> None:
    """Write `rows` rows to `path`, replacing what is there.

    Args:
        path: The CSV file to write: UTF-8, commas, a header, quotes where they are needed.
        rows: Rows below the header, the damaged ones included.
        seed: Seed of everything that is drawn.
        damaged_fraction: Share of the rows that get one of `DAMAGES`; 0 gives a clean table.
    """
    source = np.random.default_rng(seed)
    with path.open("wb") as file:
        for begin in range(0, rows, _ROWS_A_CHUNK):
            clean = _clean_rows(source, begin, min(_ROWS_A_CHUNK, rows - begin))
            _write(file, _damaged(source, clean, damaged_fraction), header=begin == 0)


def _write(file: BinaryIO, frame: pl.DataFrame, *, header: bool) -> None:
    frame.write_csv(file, include_header=header, datetime_format="%Y-%m-%dT%H:%M:%S")


def _clean_rows(source: np.random.Generator, begin: int, rows: int) -> pl.DataFrame:
    numbers = np.arange(begin, begin + rows)
    collected = _START + numbers * np.timedelta64(23_000, "ms")
    identity = pl.DataFrame(
        {
            "sample_id": pl.Series(numbers).cast(pl.String).str.zfill(9),
            "patient_id": pl.Series(source.integers(0, 400_000, rows)).cast(pl.String).str.zfill(6),
            "collected_at": collected,
            "received_on": (collected + source.integers(0, 3, rows) * np.timedelta64(1, "D")).astype("datetime64[D]"),
        }
    ).with_columns(pl.format("S{}", "sample_id").alias("sample_id"), pl.format("P{}", "patient_id").alias("patient_id"))
    return pl.concat([identity, _words(source, rows), _measures(source, rows)], how="horizontal")


def _words(source: np.random.Generator, rows: int) -> pl.DataFrame:
    choices = {
        "site": _SITES,
        "instrument": _INSTRUMENTS,
        "analyte": _ANALYTES,
        "sample_type": _SAMPLE_TYPES,
        "operator": _OPERATORS,
    }
    drawn = {name: pl.Series(words).gather(source.integers(0, len(words), rows)) for name, words in choices.items()}
    mostly_none = source.integers(0, 5 * len(_COMMENTS), rows) % (4 * len(_COMMENTS)) % len(_COMMENTS)
    return pl.DataFrame({**drawn, "comment": pl.Series(_COMMENTS).gather(mostly_none)})


def _measures(source: np.random.Generator, rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "concentration": np.round(source.lognormal(3.4, 0.7, rows), 3),
            "volume_ul": np.round(source.normal(52.0, 9.0, rows).clip(5, None), 1),
            "a260_a280": np.round(source.normal(1.85, 0.08, rows), 2),
            "a260_a230": np.round(source.normal(2.05, 0.2, rows), 2),
            "rin": np.round(source.beta(6, 2, rows) * 9 + 1, 1),
            "ph": np.round(source.normal(7.4, 0.15, rows), 2),
            "temperature_c": np.round(source.normal(-79.5, 1.1, rows), 2),
            "read_count": source.poisson(21_000_000, rows),
            "storage_days": source.integers(0, 720, rows),
            "approved": source.random(rows) < 0.93,
        }
    ).with_columns(  # a measurement that was not made is an empty cell, and that is no damage
        pl.when(pl.Series(source.random(rows) < 0.03)).then(None).otherwise(pl.col("rin")).alias("rin"),
        pl.when(pl.Series(source.random(rows) < 0.02)).then(None).otherwise(pl.col("ph")).alias("ph"),
    )


DAMAGES: Mapping[str, tuple[str, Callable[[pl.Expr], pl.Expr | str | None]]] = MappingProxyType(
    {
        "missing id": ("patient_id", lambda _: None),
        "duplicated id": ("sample_id", lambda cell: cell.shift(1, fill_value="S000000000")),
        "misspelt word": ("sample_type", lambda cell: cell.str.replace("o|a", "0")),
        "word for a number": ("concentration", lambda _: "< 0.5"),
        "decimal comma": ("volume_ul", lambda cell: cell.str.replace(".", ",", literal=True)),
        "impossible number": ("ph", lambda _: "71.2"),
        "impossible negative": ("read_count", lambda cell: "-" + cell),
        "other date": ("received_on", lambda cell: cell.str.replace(r"(\d+)-(\d+)-(\d+)", "${3}.${2}.${1}")),
    }
)
"""What happens to damaged rows: the column that is hit, and what its text becomes."""


def _damaged(source: np.random.Generator, frame: pl.DataFrame, fraction: float) -> pl.DataFrame:
    if not fraction:
        return frame
    kind = pl.Series(
        np.where(source.random(frame.height) < fraction, source.integers(0, len(DAMAGES), frame.height), -1)
    )
    changed = []
    for number, (column, damage) in enumerate(DAMAGES.values()):
        text = pl.col(column).cast(pl.String)
        new = damage(text)
        new = new if isinstance(new, pl.Expr) else pl.lit(new, pl.String)
        changed.append(pl.when(kind == number).then(new).otherwise(text).alias(column))
    return frame.with_columns(changed)


if __name__ == "__main__":
    make_table(Path(sys.argv[1]), int(sys.argv[2]))
