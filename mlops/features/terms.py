"""Terms of texts: how they are cut out, in how many rows each occurs, and the TF-IDF entry that comes of it.

Words are those of Python's `re` as scikit-learn uses it, apart from characters newer than this Python's Unicode.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from mlops.features.columns import as_text
from mlops.features.errors import UnsuitableColumn
from mlops.features.plan import FeaturePlan, TextOptions
from mlops.features.state import TextColumn

__all__ = ["TermStatistics", "term_lists"]

_MOST_DIFFERENT = 1 << 22
_LONGEST_WORD = 100  # a term becomes the name of a column, and a sequence of bases is no word
_WORD = r"[\p{L}\p{N}_]{2,}"  # what \w\w+ matches in Python; Rust's \w has other marks and fewer digits


def term_lists(text: pl.Expr, ngram_range: tuple[int, int], *, lowercase: bool) -> pl.Expr:
    """Return for each text the list of its terms, one for each occurrence."""
    tokens = (text.str.to_lowercase() if lowercase else text).str.extract_all(_WORD)
    fewest, most = ngram_range
    if (fewest, most) == (1, 1):
        return tokens
    return pl.concat_list([_runs(tokens, length) for length in range(fewest, most + 1)])


def _runs(tokens: pl.Expr, length: int) -> pl.Expr:
    """Return every run of so many neighbouring tokens, joined by a space."""
    if length == 1:
        return tokens
    following = [pl.element().shift(-place) for place in range(length)]
    return tokens.list.eval(pl.concat_str(following, separator=" ").drop_nulls())


@dataclass(frozen=True, eq=False)
class TermStatistics:
    """How often each term of a column occurs.

    Attributes:
        rows: Texts there were, missing ones counted as empty.
        missing: Rows without a text.
        counts: Columns `term`, `rows` (that have it) and `occurrences`, in no order, no term twice.
    """

    rows: int
    missing: int
    counts: pl.DataFrame

    @classmethod
    def of(cls, name: str, frame: pl.DataFrame, plan: FeaturePlan, _seen: object = None) -> TermStatistics:
        """Count a column of some rows."""
        options = plan.tfidf
        terms = term_lists(as_text(name), options.ngram_range, lowercase=options.lowercase).alias("term")
        occurring = frame.lazy().select(terms).with_row_index("row").explode("term", empty_as_null=False)
        in_rows = occurring.group_by("row", "term").agg(pl.len().cast(pl.Int64).alias("occurrences"))
        counts = in_rows.group_by("term").agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("occurrences").sum())
        return cls._checked(name, frame.height, frame[name].null_count(), counts.collect())

    def merged(self, name: str, other: TermStatistics) -> TermStatistics:
        """Return the counts of both."""
        both = pl.concat([self.counts, other.counts]).group_by("term").agg(pl.col("rows", "occurrences").sum())
        return self._checked(name, self.rows + other.rows, self.missing + other.missing, both)

    @classmethod
    def _checked(cls, name: str, rows: int, missing: int, counts: pl.DataFrame) -> TermStatistics:
        if counts.height > _MOST_DIFFERENT:
            raise UnsuitableColumn(
                name, f"has more than {_MOST_DIFFERENT:,} different terms. Choose a narrower ngram_range."
            )
        return cls(rows, missing, counts)

    def entry(self, name: str, plan: FeaturePlan) -> TextColumn:
        """Return the column's entry."""
        options = plan.tfidf
        kept = self._kept(options)
        return TextColumn(
            name=name,
            terms=tuple(kept["term"].to_list()),
            idf=tuple(math.log((1 + self.rows) / (1 + rows)) + 1 for rows in kept["rows"].to_list()),
            ngram_range=options.ngram_range,
            lowercase=options.lowercase,
            sublinear=options.sublinear,
            indicator=plan.missing_indicators and self.missing > 0,
        )

    def _kept(self, options: TextOptions) -> pl.DataFrame:
        least = options.min_df if isinstance(options.min_df, int) else options.min_df * self.rows
        longest = _LONGEST_WORD * options.ngram_range[1]
        kept = self.counts.filter(pl.col("rows") >= least, pl.col("term").str.len_chars() <= longest)
        if options.max_features is not None:
            kept = kept.sort("occurrences", "term", descending=[True, False]).head(options.max_features)
        return kept.sort("term")
