"""How each column of an input is brought into its type, decided from a sample and loosened where the sample misled.

The quick way is chosen per column: Polars' own CSV parser for numbers, the strict form of a cell for dates and truth
values. When a cell turns up that needs more, that column alone is read in a more tolerant way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

import polars as pl

from mlops.data_pipeline.column_spec import ColumnSpec
from mlops.data_pipeline.reading.cells import CellForm, dtype_of, has_zone, strict_value, tolerant_value
from mlops.data_pipeline.reading.options import ReadOptions
from mlops.data_pipeline.reading.typed_cells import converted
from mlops.data_pipeline.snapshot_columns import FAULT, RAW, ROW
from mlops.data_pipeline.typed_values import ORDERED_TYPES, TEXT_TYPES, ColumnType

__all__ = ["ColumnPlan", "Way", "loosened", "plan_text", "plan_typed", "scan_schema", "selected", "type_name"]

_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.FLOAT})
_INFERRED = (ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.BOOLEAN)
_VALUE = "__value__"
_CODE = r"^[+-]?0\d"  # an identifier, whatever its digits
_LONG = r"^[+-]?\d{16,}$"  # a barcode, whose last digits would be lost in a float


class Way(Enum):
    """How the values of a column come about."""

    KEPT = auto()  # as they are
    PARSED = auto()  # by the CSV parser, which fails at the first cell that it cannot read
    STRICT = auto()
    TOLERANT = auto()
    CONVERTED = auto()  # from values of another type


class ColumnPlan(NamedTuple):
    """One column.

    Attributes:
        name: Its name.
        form: What its cells are to become; None to keep what is there.
        way: How they become that.
        is_inferred: Whether the type was guessed, so that the column is text when a cell does not fit.
        dtype: What the source holds; None for text.
    """

    name: str
    form: CellForm | None
    way: Way
    is_inferred: bool = False
    dtype: pl.DataType | None = None

    @property
    def has_companion(self) -> bool:
        """Whether cells may fail, and their text is kept beside them."""
        return self.way in {Way.STRICT, Way.TOLERANT, Way.CONVERTED}


def plan_text(
    names: Sequence[str],
    columns: Mapping[str, ColumnSpec],
    sample: pl.DataFrame,
    options: ReadOptions,
    *,
    has_parser: bool,
) -> tuple[ColumnPlan, ...]:
    """Return the plans for columns whose cells are text.

    Args:
        names: All columns in the order of the source.
        columns: What the schema demands of those that it knows.
        sample: Some of the rows, as text.
        options: How to read.
        has_parser: Whether the source can parse numbers by itself, as the scan of a CSV file can.
    """
    plans = []
    for name in names:
        spec = columns.get(name)
        form = _form(spec, options) if spec else _inferred(sample[name], options)
        plans.append(_chosen(ColumnPlan(name, form, Way.KEPT, spec is None and form is not None), sample, has_parser))
    return tuple(plans)


def plan_typed(
    schema: Mapping[str, pl.DataType], columns: Mapping[str, ColumnSpec], options: ReadOptions
) -> tuple[ColumnPlan, ...]:
    """Return the plans for columns that have types already, as those of a Parquet file do."""
    plans = []
    for name, dtype in schema.items():
        spec = columns.get(name)
        if spec is None:
            plans.append(ColumnPlan(name, None, Way.KEPT, dtype=dtype))
            continue
        form = _form(spec, options)._replace(is_aware=isinstance(dtype, pl.Datetime) and dtype.time_zone is not None)
        is_text = isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
        if is_text and form.type not in TEXT_TYPES:
            plans.append(ColumnPlan(name, _form(spec, options), Way.STRICT))
        else:
            way = Way.KEPT if dtype == dtype_of(form) else Way.CONVERTED
            plans.append(ColumnPlan(name, form, way, dtype=dtype))
    return tuple(plans)


def scan_schema(plans: Iterable[ColumnPlan]) -> dict[str, pl.DataType]:
    """Return the types that a scan of delimited text has to give the columns."""
    return {plan.name: dtype_of(plan.form) if plan.way is Way.PARSED and plan.form else pl.String() for plan in plans}


def selected(table: pl.LazyFrame, plans: Sequence[ColumnPlan], *, has_fault: bool) -> pl.LazyFrame:
    """Return the table of a snapshot, its columns in their order.

    Values are computed in a step of their own: told apart from their companions only by Polars' search for common
    parts, they cost a tenth more of the whole.
    """
    valued = table.with_columns(_value(plan).alias(_VALUE + plan.name) for plan in plans if plan.has_companion)
    found = [pl.col(ROW)]
    for plan in plans:
        if not plan.has_companion:
            found.append(_value(plan).alias(plan.name))
            continue
        value = pl.col(_VALUE + plan.name)
        text = pl.when(value.is_null()).then(pl.col(plan.name).cast(pl.String))
        found += [value.alias(plan.name), text.alias(RAW + plan.name)]
    return valued.select([*found, pl.col(FAULT)] if has_fault else found)


def loosened(plan: ColumnPlan) -> ColumnPlan:
    """Return the plan for a column in which a cell turned up that its present plan cannot read."""
    if plan.is_inferred:
        return ColumnPlan(plan.name, None, Way.KEPT)
    return plan._replace(way=Way.STRICT if plan.way is Way.PARSED else Way.TOLERANT)


def type_name(plan: ColumnPlan) -> str:
    """Return the word for what a column was read as: one of `ColumnType`, or `other`."""
    if plan.form is not None:
        return plan.form.type.value
    dtype = plan.dtype or pl.String()
    kinds: list[tuple[bool, ColumnType]] = [
        (dtype.is_integer(), ColumnType.INTEGER),
        (dtype.is_float() or dtype.is_decimal(), ColumnType.FLOAT),
        (isinstance(dtype, pl.Boolean), ColumnType.BOOLEAN),
        (isinstance(dtype, pl.Date), ColumnType.DATE),
        (isinstance(dtype, pl.Datetime), ColumnType.DATETIME),
        (isinstance(dtype, pl.String), ColumnType.STRING),
        (isinstance(dtype, pl.Categorical | pl.Enum), ColumnType.CATEGORY),
    ]
    return next((kind.value for is_it, kind in kinds if is_it), "other")


def _form(spec: ColumnSpec, options: ReadOptions) -> CellForm:
    is_aware = spec.type is ColumnType.DATETIME and any(has_zone(each) for each in spec.format)
    comma = options.decimal_comma and spec.type in _NUMBERS
    return CellForm(spec.type, spec.format if spec.type in ORDERED_TYPES else (), comma, is_aware)


def _inferred(sample: pl.Series, options: ReadOptions) -> CellForm | None:
    cells = sample.drop_nulls()
    if not options.infer_unknown or not len(cells) or cells.str.contains(_CODE).any():
        return None
    for kind in _INFERRED:
        form = CellForm(kind, decimal_comma=options.decimal_comma and kind is ColumnType.FLOAT)
        if not _failing(cells, form, strict=True):
            return None if kind is ColumnType.FLOAT and cells.str.contains(_LONG).any() else form
    return None


def _chosen(plan: ColumnPlan, sample: pl.DataFrame, has_parser: bool) -> ColumnPlan:
    form = plan.form
    if form is None or form.type in TEXT_TYPES:
        return plan
    cells = sample[plan.name].drop_nulls()
    failing = _failing(cells, form, strict=True)
    if not failing:
        by_parser = has_parser and form.type in _NUMBERS and not form.decimal_comma
        return plan._replace(way=Way.PARSED if by_parser else Way.STRICT)
    return _understood(plan._replace(way=Way.STRICT), cells)


def _understood(plan: ColumnPlan, cells: pl.Series) -> ColumnPlan:
    """Return the quickest plan that reads all the cells that can be read at all."""
    form = plan.form
    if form is None:
        return plan
    failing = _failing(cells, form, strict=True)
    if form.type is ColumnType.DATETIME and not form.formats and not form.is_aware:
        aware = form._replace(is_aware=True)
        if _failing(cells, aware, strict=False) < _failing(cells, form, strict=False):
            return plan._replace(form=aware, way=Way.TOLERANT)
    return plan._replace(way=Way.TOLERANT) if _failing(cells, form, strict=False) < failing else plan


def _failing(cells: pl.Series, form: CellForm, *, strict: bool) -> int:
    value = strict_value if strict else tolerant_value
    return int(cells.to_frame("cell").select(value(pl.col("cell"), form).is_null().sum()).item())


def _value(plan: ColumnPlan) -> pl.Expr:
    cell = pl.col(plan.name)
    if plan.form is None or plan.way in {Way.KEPT, Way.PARSED}:
        return cell
    if plan.way is Way.CONVERTED:
        return converted(cell, plan.dtype or pl.String(), plan.form)
    text = cell.cast(pl.String) if plan.dtype else cell
    return strict_value(text, plan.form) if plan.way is Way.STRICT else tolerant_value(text, plan.form)
