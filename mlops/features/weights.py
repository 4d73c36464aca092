"""TF-IDF weights of a batch of texts: counted with Polars, scattered into a table with one column per term."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops.features.columns import as_text
from mlops.features.state import TextColumn
from mlops.features.terms import term_lists

__all__ = ["text_weights"]


def text_weights(column: TextColumn) -> pl.Expr:
    """Return the expression of a struct with a Float64 field for each term, named by the term's position.

    Only known terms count. Rows without one are all 0.
    """
    fields = {str(position): pl.Float64 for position in range(len(column.terms))}
    terms = term_lists(as_text(column.name), column.ngram_range, lowercase=column.lowercase)
    return terms.map_batches(
        lambda lists: _weights(lists, column),
        return_dtype=pl.Struct(fields or {"none": pl.Float64}),
        is_elementwise=True,
    )


def _weights(lists: pl.Series, column: TextColumn) -> pl.Series:
    table = np.zeros((len(column.terms), len(lists)))
    found = _occurrences(lists, column)
    rows, terms = found["row"].to_numpy(), found["position"].to_numpy()
    counts = found["count"].to_numpy()
    weights = (1 + np.log(counts) if column.sublinear else counts) * np.array(column.idf)[terms]
    lengths = np.sqrt(np.bincount(rows, weights=weights * weights, minlength=len(lists)))
    table[terms, rows] = weights / lengths[rows]
    columns = [pl.Series(str(position), values) for position, values in enumerate(table)]
    empty = pl.Series("none", np.zeros(len(lists)))
    return pl.DataFrame(columns or [empty]).to_struct(lists.name)


def _occurrences(lists: pl.Series, column: TextColumn) -> pl.DataFrame:
    """Return how often each known term occurs in each row, in the order of rows and terms."""
    known = pl.DataFrame(
        {"term": column.terms, "position": np.arange(len(column.terms))},
        schema={"term": pl.String, "position": pl.Int64},
    )
    every = lists.rename("term").to_frame().lazy().with_row_index("row").explode("term", empty_as_null=False)
    counted = every.join(known.lazy(), on="term").group_by("row", "position")
    return counted.agg(pl.len().cast(pl.Float64).alias("count")).sort("row", "position").collect()
