"""What features are to be made of which columns: the plan that is fitted on training rows.

A plan holds wishes only, no number learned from data; `state.FeatureState` is what fitting makes of it. Steps happen in
this order: custom steps add columns, missing values are filled, numbers are scaled and categories, text and dates are
turned into numbers, and at last features are selected.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mlops.records import Record

__all__ = ["DATETIME_PARTS", "DatetimePart", "FeaturePlan", "TextOptions"]

DatetimePart = Literal["year", "month", "day", "weekday", "hour", "minute", "is_weekend", "day_of_year"]
DATETIME_PARTS: tuple[DatetimePart, ...] = ("year", "month", "day", "weekday", "hour")
Names = tuple[Annotated[str, Field(min_length=1)], ...]
Count = Annotated[int, Field(ge=1)]


class TextOptions(Record):
    """How text becomes TF-IDF weights; the words mean what they mean to scikit-learn's `TfidfVectorizer`.

    A token is a run of two or more letters, digits or underscores. Terms of tokens longer than 100 characters, such as
    sequences of bases, are left out: they would be names of features. Weights of a row have a Euclidean length of 1.

    Attributes:
        max_features: Keep this many terms, those that occur most often in the training rows (of equals the
            alphabetically first); None keeps all.
        ngram_range: Fewest and most neighbouring tokens that make a term.
        min_df: Rows that a term must occur in: a number of rows, or below 1 a fraction of them.
        lowercase: Whether case is ignored.
        sublinear: Whether a term counts as 1 + ln(occurrences) instead of occurrences.
    """

    max_features: Count | None = 1000
    ngram_range: tuple[Count, Count] = (1, 1)
    min_df: Annotated[int, Field(ge=1)] | Annotated[float, Field(ge=0, lt=1)] = 1
    lowercase: bool = True
    sublinear: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        fewest, most = self.ngram_range
        if fewest > most:
            raise ValueError(f"ngram_range must go from the fewest tokens to the most, got {(fewest, most)}")
        return self


class FeaturePlan(Record):
    """Which columns become features, and how.

    Missing means null; for numbers NaN and the infinities too. A column stands in one of the four lists only.

    Attributes:
        numeric: Columns of numbers or booleans.
        categorical: Columns of text, integers or booleans whose values are names, not quantities.
        text: Columns of free text.
        datetime: Columns of dates or datetimes; with a time zone they are read in UTC.
        steps: Names of custom transformations (`register_transformation`), applied first, in this order.
        target: The column to be predicted; never a feature. Needed by the target encoding and mutual information.
        target_type: What the target is. `auto`: text and booleans are classes, so are at most 20 different whole
            numbers; everything else is a quantity.
        numeric_imputation: What a missing number becomes; `none` leaves NaN.
        numeric_fill: The number of `constant`; also used where a column has no value at all in training.
        categorical_imputation: What a missing category becomes; with `none` it counts as unknown.
        categorical_fill: The category of `constant`.
        missing_indicators: Add a feature `<column>__missing` (1 or 0) for columns of which
            some training row was missing.
        scaling: `standard` (mean 0, standard deviation 1), `minmax` (0 to 1), `robust` (median 0, quartile distance 1)
            or `none`; a column without spread is only shifted.
        encoding: `onehot` (one 0/1 feature per category; an unknown one is 0 in all), `label` (the category's rank in
            the alphabet from 0; an unknown one is -1) or `target` (the mean target of the category, shrunk to the mean
            of all; an unknown one is the mean of all).
        max_categories: Keep the most frequent ones (of equals the alphabetically first); the rest count as unknown.
        min_frequency: Categories of fewer training rows count as unknown.
        smoothing: How far target means are shrunk: `auto` (empirical Bayes, from the variances) or the number of
            imagined rows with the mean of all, as in scikit-learn's `TargetEncoder`.
        tfidf: Options of the text columns.
        datetime_parts: What a date becomes: weekday 0 is Monday, day_of_year counts from 1.
        cyclic: Replace parts that come round (all but year and is_weekend) by their sine and cosine.
        variance_threshold: Drop features whose variance, before scaling, is at most this.
        correlation_threshold: Drop the later of two features whose |Pearson correlation| is above this.
        mutual_information: Keep this many features, those that tell most about the target.
        max_features: Keep at most this many: by mutual information where there is a target, else by variance.

    Example:
        >>> FeaturePlan(numeric=("concentration",), categorical=("sample_type",), scaling="robust").encoding
        'onehot'
    """

    numeric: Names = ()
    categorical: Names = ()
    text: Names = ()
    datetime: Names = ()
    steps: Names = ()
    target: str | None = None
    target_type: Literal["auto", "classification", "regression"] = "auto"
    numeric_imputation: Literal["mean", "median", "constant", "none"] = "mean"
    numeric_fill: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    categorical_imputation: Literal["most_frequent", "constant", "none"] = "most_frequent"
    categorical_fill: str = "missing"
    missing_indicators: bool = False
    scaling: Literal["standard", "minmax", "robust", "none"] = "standard"
    encoding: Literal["onehot", "label", "target"] = "onehot"
    max_categories: Count | None = None
    min_frequency: Count | None = None
    smoothing: Literal["auto"] | Annotated[float, Field(ge=0, allow_inf_nan=False)] = "auto"
    tfidf: TextOptions = TextOptions()
    datetime_parts: tuple[DatetimePart, ...] = DATETIME_PARTS
    cyclic: bool = False
    variance_threshold: Annotated[float, Field(ge=0)] | None = None
    correlation_threshold: Annotated[float, Field(gt=0, le=1)] | None = None
    mutual_information: Count | None = None
    max_features: Count | None = None

    @model_validator(mode="after")
    def _each_column_once(self) -> Self:
        seen: set[str] = set()
        for name in (*self.columns, *((self.target,) if self.target is not None else ())):
            if name in seen:
                raise ValueError(f"column {name!r} is listed twice; a column is one kind of feature, or the target")
            seen.add(name)
        return self

    @model_validator(mode="after")
    def _has_the_target_it_needs(self) -> Self:
        wishes = {
            "encoding 'target'": self.encoding == "target" and bool(self.categorical),
            "mutual_information": self.mutual_information is not None,
        }
        for wish, is_wanted in wishes.items():
            if is_wanted and self.target is None:
                raise ValueError(f"{wish} needs a target; name the column to be predicted")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All source columns, numeric ones first, then categorical, text and datetime, in the order listed."""
        return (*self.numeric, *self.categorical, *self.text, *self.datetime)

    @property
    def is_selecting(self) -> bool:
        """Whether features are dropped after they were made, which takes further passes over the training rows."""
        wishes = (self.variance_threshold, self.correlation_threshold, self.mutual_information, self.max_features)
        return any(wish is not None for wish in wishes)
