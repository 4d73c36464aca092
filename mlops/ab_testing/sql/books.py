"""Statistics in SQL: rows of exact sums, read and replaced by their keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from mlops.ab_testing.aggregates import ALL_DAYS, BlockKey, Book, Cell, CellKey, CountKey, MomentKey, UnitKey
from mlops.ab_testing.sql.statements import Among, Upsert, chosen
from mlops.ab_testing.sql.tables import blocks, cells, counts, moments, units
from mlops.ab_testing.tallying import Tally
from mlops.database import DriverStatement, Transaction
from mlops.records import decode_json, encode_json
from mlops.stats.moments import ExactMoments, ExactPairMoments
from mlops.stats.sketch import QuantileSketch

__all__ = ["SqlBookStore"]

_SUMS = ("n", "total", "squares")
_COUNT = chosen(counts, ("count",), ("test_id", *CountKey._fields))
_COUNTS_OF_KIND = chosen(counts, (*CountKey._fields, "count"), ("test_id", "kind"))
_COUNTS = chosen(counts, (*CountKey._fields, "count"), ("test_id",))
_CELL = chosen(cells, (*_SUMS, "sketch"), ("test_id", *CellKey._fields))
_CELLS_OF_DAY = chosen(cells, (*CellKey._fields, *_SUMS, "sketch"), ("test_id", "day"))
_CELLS = chosen(cells, (*CellKey._fields, *_SUMS, "sketch"), ("test_id",))
_CELLS_OF_METRIC = chosen(cells, (*CellKey._fields, *_SUMS, "sketch"), ("test_id", "metric"))
_NAMES = chosen(cells, ("metric", "stratum"), ("test_id", "day"))
_MOMENT = chosen(moments, ("document",), ("test_id", *MomentKey._fields))
_MOMENTS = chosen(moments, (*MomentKey._fields, "document"), ("test_id",))
_BLOCK = chosen(blocks, _SUMS, ("test_id", *BlockKey._fields))
_BLOCKS = chosen(blocks, (*BlockKey._fields, *_SUMS), ("test_id",))
_UNITS = chosen(units, (*UnitKey._fields, "document"), ("test_id",))


def _of_users(is_among: sa.ColumnElement[bool]) -> sa.Select[Any]:
    columns = (units.c.user_id, units.c.variant, units.c.document)
    return sa.select(*columns).where(units.c.test_id == sa.bindparam("test_id"), is_among)


_UNITS_OF_USERS = Among(_of_users, units.c.user_id)
_CLEAR = [
    DriverStatement(sa.delete(table).where(table.c.test_id == sa.bindparam("test_id")), ("test_id",))
    for table in (counts, cells, moments, blocks, units)
]


class SqlBookStore:
    """`BookStore` in SQL; it keeps nothing between transactions."""

    def __init__(self) -> None:
        self._tables = {table.name: Upsert(table) for table in (counts, cells, moments, blocks, units)}

    def counts(self, tx: Transaction, test_id: str, kind: str) -> dict[CountKey, int]:
        """Return the counts of one kind."""
        return _read_counts(tx.run(_COUNTS_OF_KIND, (test_id, kind)))

    def names(self, tx: Transaction, test_id: str) -> set[str]:
        """Return metrics and strata."""
        rows = tx.run(_NAMES, (test_id, ALL_DAYS))
        return {f"m{metric}" for metric, _ in rows} | {f"s{stratum}" for _, stratum in rows}

    def touched(self, tx: Transaction, test_id: str, tally: Tally) -> Book:
        """Return what a tally changes."""
        delta = tally.delta
        return Book(
            counts={key: row[0] for key, row in _rows(tx, _COUNT, test_id, delta.counts)},
            cells={key: _cell(*row) for key, row in _rows(tx, _CELL, test_id, delta.cell_keys())},
            moments={key: _pairs(row[0]) for key, row in _rows(tx, _MOMENT, test_id, tally.moment_keys())},
            blocks={key: ExactMoments.from_texts(*row) for key, row in _rows(tx, _BLOCK, test_id, delta.blocks)},
            units=_read_units(_UNITS_OF_USERS.run(tx, {key.user_id for key in delta.units}, test_id)),
        )

    def put(self, tx: Transaction, test_id: str, book: Book) -> None:
        """Replace these rows."""
        tables = self._tables
        tables["ab_counts"].run(tx, [(test_id, *key, count) for key, count in book.counts.items()])
        tables["ab_aggregates"].run(tx, [(test_id, *key, *_cell_row(cell)) for key, cell in book.cells.items()])
        pairs = [(test_id, *key, encode_json(sums.to_document())) for key, sums in book.moments.items()]
        tables["ab_moments"].run(tx, pairs)
        tables["ab_blocks"].run(tx, [(test_id, *key, *_sums_row(sums)) for key, sums in book.blocks.items()])
        tables["ab_units"].run(tx, [(test_id, *key, _unit_text(sums)) for key, sums in book.units.items()])

    def summary(self, tx: Transaction, test_id: str) -> Book:
        """Return what results are made of."""
        return _book(tx, test_id, tx.run(_CELLS_OF_DAY, (test_id, ALL_DAYS)))

    def whole(self, tx: Transaction, test_id: str) -> Book:
        """Return everything."""
        book = _book(tx, test_id, tx.run(_CELLS, (test_id,)))
        book.units = _read_units(tx.run(_UNITS, (test_id,)))
        return book

    def days(self, tx: Transaction, test_id: str, metric: str) -> Book:
        """Return the cells of single days."""
        found = _read_cells(tx.run(_CELLS_OF_METRIC, (test_id, metric)))
        return Book(cells={key: cell for key, cell in found.items() if key.day != ALL_DAYS})

    def clear(self, tx: Transaction, test_id: str) -> None:
        """Remove everything."""
        for statement in _CLEAR:
            tx.run(statement, (test_id,))


def _book(tx: Transaction, test_id: str, found: Iterable[tuple[Any, ...]]) -> Book:
    return Book(
        counts=_read_counts(tx.run(_COUNTS, (test_id,))),
        cells=_read_cells(found),
        moments={MomentKey(*row[:4]): _pairs(row[4]) for row in tx.run(_MOMENTS, (test_id,))},
        blocks={BlockKey(*row[:3]): ExactMoments.from_texts(*row[3:]) for row in tx.run(_BLOCKS, (test_id,))},
    )


def _rows(tx: Transaction, statement: DriverStatement, test_id: str, keys: Collection[Any]) -> Iterable[Any]:
    for key in keys:
        for row in tx.run(statement, (test_id, *key)):
            yield key, row


def _read_counts(rows: Iterable[tuple[Any, ...]]) -> dict[CountKey, int]:
    return {CountKey(*row[:3]): row[3] for row in rows}


def _read_cells(rows: Iterable[tuple[Any, ...]]) -> dict[CellKey, Cell]:
    return {CellKey._make(row[:5]): _cell(*row[5:]) for row in rows}


def _cell(n: int, total: str, squares: str, sketch: str | None) -> Cell:
    sums = ExactMoments.from_texts(n, total, squares)
    return Cell(sums) if sketch is None else Cell(sums, QuantileSketch.from_document(decode_json(sketch)))


def _cell_row(cell: Cell) -> tuple[Any, ...]:
    sketch = None if cell.sketch is None else encode_json(cell.sketch.to_document())
    return (*_sums_row(cell.sums), sketch)


def _sums_row(sums: ExactMoments) -> tuple[int, str, str]:
    document = sums.to_document()
    return sums.n, document["total"], document["squares"]


def _pairs(text: str) -> ExactPairMoments:
    return ExactPairMoments.from_document(decode_json(text))


def _read_units(rows: Iterable[tuple[Any, ...]]) -> dict[UnitKey, Mapping[str, ExactMoments]]:
    return {
        UnitKey(user, variant): {
            name: ExactMoments.from_texts(n, total, "0p0") for name, (n, total) in decode_json(text).items()
        }
        for user, variant, text in rows
    }


def _unit_text(sums: Mapping[str, ExactMoments]) -> str:
    return encode_json({name: [one.n, one.to_document()["total"]] for name, one in sums.items()})
