"""What the text of a cell means under a column's type, as Polars expressions that yield null where it means nothing.

Each type has a strict form, quick, which the usual cells have, and a tolerant one, which decides: blanks around a
value, `3.0` for a whole number, `Yes` for a truth value, ISO moments of any precision. The tolerant form accepts
whatever the strict one does, and means the same by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from mlops.data_pipeline.typed_values import ColumnType

__all__ = ["CellForm", "dtype_of", "has_zone", "iso_formats", "strict_value", "tolerant_value"]

_TRUE = ("true", "t", "yes", "y", "1", "1.0")
_FALSE = ("false", "f", "no", "n", "0", "0.0")
_EARLIEST = 1000  # a year of two digits is no year
_DAYS = ("%Y-%m-%d", "%Y-%m-%d 00:00:00", "%Y-%m-%dT00:00:00")  # worksheets write days as midnights
_MOMENTS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")
_WITH_ZONE = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M:%S%.f %#z")
_TIMES = ("%H", "%I", "%T", "%+", "%s")  # parts of formats that tell the time of day
_EXACT = 2**53


class CellForm(NamedTuple):
    """How the cells of one column are to be read.

    Attributes:
        type: Type that the schema demands.
        formats: Formats of dates and moments, tried in order; empty for ISO 8601.
        decimal_comma: Numbers are written `1,5`.
        is_aware: Moments have a time zone: the column is in UTC, and a moment without one is taken as UTC.
    """

    type: ColumnType
    formats: tuple[str, ...] = ()
    decimal_comma: bool = False
    is_aware: bool = False


def dtype_of(form: CellForm) -> pl.DataType:
    """Return the Polars type of a column of this form."""
    if form.type is ColumnType.DATETIME:
        return pl.Datetime("us", "UTC" if form.is_aware else None)
    kinds: dict[ColumnType, pl.DataType] = {
        ColumnType.INTEGER: pl.Int64(),
        ColumnType.FLOAT: pl.Float64(),
        ColumnType.BOOLEAN: pl.Boolean(),
        ColumnType.DATE: pl.Date(),
    }
    return kinds.get(form.type, pl.String())


def strict_value(cell: pl.Expr, form: CellForm) -> pl.Expr:
    """Return what cells in the usual form mean; null for others, which `tolerant_value` may still understand."""
    if form.type is ColumnType.BOOLEAN:
        return pl.when(cell == "true").then(statement=True).when(cell == "false").then(statement=False)
    if form.type is ColumnType.DATE and not form.formats:
        return _not_before(cell.str.to_date("%Y-%m-%d", strict=False), date(_EARLIEST, 1, 1))
    if form.type is ColumnType.DATETIME and not form.formats and not form.is_aware:
        # most moments differ, so that a cache costs more than it saves
        moment = cell.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us", cache=False)
        return _not_before(moment, datetime(_EARLIEST, 1, 1))  # noqa: DTZ001  (of a column without a zone)
    if form.type in {ColumnType.INTEGER, ColumnType.FLOAT} and not form.decimal_comma:
        return cell.cast(dtype_of(form), strict=False)
    return tolerant_value(cell, form)


def tolerant_value(cell: pl.Expr, form: CellForm) -> pl.Expr:
    """Return what cells mean in any form that the type allows; null for others."""
    if form.type in {ColumnType.STRING, ColumnType.CATEGORY}:
        return cell
    bare = cell.str.strip_chars()
    match form.type:
        case ColumnType.BOOLEAN:
            word = bare.str.to_lowercase()
            return pl.when(word.is_in(_TRUE)).then(statement=True).when(word.is_in(_FALSE)).then(statement=False)
        case ColumnType.FLOAT:
            return _number(bare, form).cast(pl.Float64, strict=False)
        case ColumnType.INTEGER:
            return _whole(_number(bare, form))
        case ColumnType.DATE:
            return pl.coalesce(_plausible(bare.str.to_date(each, strict=False)) for each in form.formats or _DAYS)
        case _:
            return _moment(bare, form)


def _number(text: pl.Expr, form: CellForm) -> pl.Expr:
    if not form.decimal_comma:
        return text
    pointless = pl.when(~text.str.contains(".", literal=True)).then(text)
    return pointless.str.replace(",", ".", literal=True)


def _whole(text: pl.Expr) -> pl.Expr:
    number = text.cast(pl.Float64, strict=False)
    is_whole = (number == number.floor()) & (number.abs() <= _EXACT)
    return pl.coalesce(text.cast(pl.Int64, strict=False), pl.when(is_whole).then(number).cast(pl.Int64, strict=False))


def _moment(text: pl.Expr, form: CellForm) -> pl.Expr:
    if form.formats:
        return pl.coalesce(_formatted(text, each, form) for each in form.formats)
    day = text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    naive = [_formatted(text, each, form) for each in _MOMENTS]
    naive.append(_zoned(_plausible(day), form))
    aware = [_formatted(text, each, form) for each in _WITH_ZONE] if form.is_aware else []
    return pl.coalesce(*naive, *aware)


def _formatted(text: pl.Expr, pattern: str, form: CellForm) -> pl.Expr:
    if not any(part in pattern for part in _TIMES):
        return _zoned(_plausible(text.str.to_date(pattern, strict=False).cast(pl.Datetime("us"))), form)
    found = text.str.to_datetime(pattern, strict=False, time_unit="us")
    if has_zone(pattern):
        utc = found if form.is_aware else found.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return _plausible(utc)
    return _zoned(_plausible(found), form)


def has_zone(pattern: str) -> bool:
    """Return whether a format has a part for the offset from UTC."""
    return any(part in pattern for part in ("%z", "%:z", "%#z", "%+"))


def iso_formats(kind: ColumnType, beside: Iterable[str]) -> tuple[str, ...]:
    """Return the formats of ISO 8601 for dates, or for moments with the zones that the formats beside them have."""
    if kind is ColumnType.DATE:
        return _DAYS
    return _WITH_ZONE if all(map(has_zone, beside)) else (*_MOMENTS, "%Y-%m-%d", *_WITH_ZONE)


def _zoned(moment: pl.Expr, form: CellForm) -> pl.Expr:
    return moment.dt.replace_time_zone("UTC") if form.is_aware else moment


def _not_before(moment: pl.Expr, earliest: date) -> pl.Expr:
    """Return what `_plausible` does, quicker."""
    return pl.when(moment >= pl.lit(earliest)).then(moment)


def _plausible(moment: pl.Expr) -> pl.Expr:
    return pl.when(moment.dt.year() >= _EARLIEST).then(moment)
