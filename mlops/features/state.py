"""What was learned from the training rows: every number that turning a row into features needs, and nothing else.

The three executors (Polars batches, the closure for single rows, ONNX) read this one document. Each source column has
one entry whose `kind` says what is done; the rules that all executors follow:

- Missing is null; for numbers NaN and ±inf too. Outputs are Float64 and never null; NaN only where nothing is imputed.
- A category is text. Integers are written in decimal, booleans as `true` and `false`, whole floats as integers.
- An output is named after its column, see each entry; `FeatureState.feature_names` lists those that selection kept.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from mlops.features.plan import DatetimePart, FeaturePlan
from mlops.records import FrozenMap, Record, encode_json

__all__ = [
    "PERIODS",
    "WORD_PATTERN",
    "ColumnState",
    "DatetimeColumn",
    "FeatureState",
    "LabelColumn",
    "NumericColumn",
    "OneHotColumn",
    "StepState",
    "TargetColumn",
    "TextColumn",
    "angle",
]

PERIODS: dict[DatetimePart, tuple[int, int]] = {
    "month": (1, 12),
    "day": (1, 31),
    "weekday": (0, 7),
    "hour": (0, 24),
    "minute": (0, 60),
    "day_of_year": (1, 366),
}
"""First value and length of the parts that come round: the angle of a value is 2π (value - first) / length."""

WORD_PATTERN = r"\w\w+"
"""A token in Python's `re`: a longest run of word characters, if it has two or more (scikit-learn's default)."""

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Column(Record):
    """What all entries have: the source column, and whether a 0/1 output says that it was missing.

    Attributes:
        name: The source column.
        indicator: Whether a last output `<name>__missing` is 1 where the source is missing and 0 elsewhere.
    """

    name: str
    indicator: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """Names of the outputs apart from the indicator, in order."""
        return (self.name,)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of all outputs in order, before selection."""
        return (*self.values, f"{self.name}__missing") if self.indicator else self.values


class NumericColumn(_Column):
    """A number: (x - center) / scale, where x is `fill` if it is missing; one output `<name>`.

    Attributes:
        fill: What stands for a missing number; None leaves NaN.
        center: Mean, minimum or median of the filled training values; 0 without scaling.
        scale: Standard deviation (of the population), range or quartile distance of them; 1 without spread or scaling.
    """

    kind: Literal["numeric"] = "numeric"
    fill: Finite | None
    center: Finite = 0.0
    scale: Finite = 1.0


class _Categories(_Column):
    """A category: text, replaced by `fill` where it is missing, looked up among the known ones.

    Attributes:
        fill: What stands for a missing category (it may be unknown itself); None makes missing unknown.
        categories: The known ones, in ascending order of code points.
    """

    fill: str | None
    categories: tuple[str, ...]


class OneHotColumn(_Categories):
    """One output per known category, `<name>=<category>`, 1 where it is this one and 0 elsewhere; unknown: all 0."""

    kind: Literal["onehot"] = "onehot"

    @property
    def values(self) -> tuple[str, ...]:
        """`<name>=<category>`, in the order of the categories."""
        return tuple(f"{self.name}={category}" for category in self.categories)


class LabelColumn(_Categories):
    """The position of the category among the known ones, from 0; unknown: -1. One output `<name>`."""

    kind: Literal["label"] = "label"


class TargetColumn(_Categories):
    """The mean target of the category, shrunk towards the prior; unknown: the prior.

    One output `<name>` for a quantity or two classes (the share of the later one); for more classes one output
    `<name>__<class>` for each.

    Attributes:
        classes: The classes in order; empty for a quantity.
        encodings: For each output the value of each known category, in the order of `categories`.
        prior: For each output the mean of all training rows.
    """

    kind: Literal["target"] = "target"
    classes: tuple[str, ...] = ()
    encodings: tuple[tuple[Finite, ...], ...]
    prior: tuple[Finite, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """`<name>`, or `<name>__<class>` for each of three or more classes."""
        return tuple(f"{self.name}__{each}" for each in self.classes) if len(self.prior) > 1 else (self.name,)


class TextColumn(_Column):
    """TF-IDF weights of a text; one output `<name>~<term>` per term. Missing text is empty: all 0.

    Tokens are the matches of WORD_PATTERN in the text (in lower case, if so said). Terms are all runs of
    `ngram_range[0]` to `ngram_range[1]` neighbouring tokens, joined by one space. The weight of a known term is
    (occurrences, or 1 + ln(occurrences) if sublinear) × idf; then all weights of the row are divided by the square
    root of the sum of their squares, over ALL known terms, whether their outputs were selected or not.

    Attributes:
        terms: The known terms, in ascending order of code points.
        idf: Of each term: ln((1 + rows) / (1 + rows with the term)) + 1.
    """

    kind: Literal["tfidf"] = "tfidf"
    terms: tuple[str, ...]
    idf: tuple[Finite, ...]
    ngram_range: tuple[int, int] = (1, 1)
    lowercase: bool = True
    sublinear: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """`<name>~<term>`, in the order of the terms."""
        return tuple(f"{self.name}~{term}" for term in self.terms)


class DatetimeColumn(_Column):
    """Parts of a date; one output `<name>__<part>` each, or `<name>__<part>_sin` and `_cos` if it is cyclic.

    A datetime without a time zone is taken as it is, one with a zone in UTC; a date is its midnight. weekday 0 is
    Monday, is_weekend is 1 on Saturday and Sunday, day_of_year is 1 on 1 January.
    Cyclic parts give sin and cos of 2π (value - first) / length, see PERIODS; year and is_weekend are never cyclic.

    Attributes:
        fill: Microseconds since 1970 of the instant that stands for a missing one; None leaves NaN in every output.
        parts: In the order of the outputs.
    """

    kind: Literal["datetime"] = "datetime"
    fill: int | None
    parts: tuple[DatetimePart, ...]
    cyclic: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """`<name>__<part>`, or its sine and cosine one after the other, in the order of the parts."""
        return tuple(f"{self.name}__{each}" for part in self.parts for each in self._of(part))

    def _of(self, part: DatetimePart) -> tuple[str, ...]:
        return (f"{part}_sin", f"{part}_cos") if self.is_cyclic(part) else (part,)

    def is_cyclic(self, part: DatetimePart) -> bool:
        """Say whether a part gives sine and cosine instead of its value."""
        return self.cyclic and part in PERIODS


ColumnState = Annotated[
    NumericColumn | OneHotColumn | LabelColumn | TargetColumn | TextColumn | DatetimeColumn,
    Field(discriminator="kind"),
]
"""The entry of one source column."""


class StepState(Record):
    """A custom step that comes before the entries; its function is looked up by name in the process that runs it.

    Attributes:
        name: What it was registered as.
        inputs: Columns it was registered to read.
        made: Columns it added to the training rows.
    """

    name: str
    inputs: tuple[str, ...] = ()
    made: tuple[str, ...] = ()


class FeatureState(Record):
    """A fitted plan: one JSON document from which every executor makes the same features.

    Attributes:
        plan: What was asked for.
        rows: Training rows it was learned from.
        steps: Custom steps, applied first, in order.
        columns: One entry per source column, in the order of `plan.columns`.
        input_names: Columns that a frame or row must bring, in order.
        feature_names: The features in order: those outputs of the entries, in their order, that selection kept.
        dropped: Why each other output was dropped, by its name.

    Example:
        >>> state = FeatureState(
        ...     plan=FeaturePlan(numeric=("ph",)), rows=3, columns=(NumericColumn(name="ph", fill=7.0, scale=2.0),),
        ...     input_names=("ph",), feature_names=("ph",),
        ... )
        >>> FeatureState.from_document(state.to_document()) == state
        True
    """

    plan: FeaturePlan
    rows: int
    steps: tuple[StepState, ...] = ()
    columns: tuple[ColumnState, ...]
    input_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    dropped: FrozenMap = Field(default_factory=dict, validate_default=True)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of all outputs of the entries in order, before selection."""
        return tuple(name for column in self.columns for name in column.outputs)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the document, hexadecimal: equal exactly for equal states."""
        return hashlib.sha256(encode_json(self.to_document()).encode()).hexdigest()

    def chosen(self) -> Iterator[tuple[ColumnState, tuple[int, ...]]]:
        """Yield the entries that give a feature, each with the positions of its selected outputs."""
        wanted = set(self.feature_names)
        for column in self.columns:
            places = tuple(place for place, name in enumerate(column.outputs) if name in wanted)
            if places:
                yield column, places


def angle(part: DatetimePart, value: int) -> float:
    """Return the angle in radians of a part's value on its round, as `cyclic` takes the sine and cosine of."""
    first, length = PERIODS[part]
    return 2 * math.pi * (value - first) / length
