"""Tests, their moves and their reports in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlops.ab_testing.entities import ABTestConfig, ABTestMove
from mlops.ab_testing.lifecycle import LIVE
from mlops.ab_testing.sql.tables import moves, tests
from mlops.ab_testing.stored import ABTestQuery, StoredTest
from mlops.database import DriverStatement, Transaction
from mlops.database.search import Searchable, TableSearch
from mlops.records import decode_json, encode_json
from mlops.search import Attribute, Comparison, Expression, Operator, Page, all_of, parse_filter, parse_order

__all__ = ["SqlTestStore"]

_SEARCHED = (
    "test_id",
    "project",
    "name",
    "status",
    "test_type",
    "control_model_id",
    "primary_metric",
    "owner",
    "created_by",
    "created_at",
    "started_at",
    "ended_at",
)
_TESTS = Searchable(
    identity=tests.c.test_id,
    attributes={name: tests.c[name] for name in _SEARCHED},
    collections={},
    scopes={},
    default_order="created_at DESC",
)
_ALL = [tests.c.document, tests.c.revision, tests.c.forced]
_SEQUENCE = sa.select(sa.func.max(moves.c.sequence)).where(moves.c.test_id == tests.c.test_id).scalar_subquery()
_LAST = DriverStatement(sa.select(sa.func.max(tests.c.revision)), ())
_REVISION = DriverStatement(
    sa.select(tests.c.test_id, tests.c.revision).where(tests.c.test_id == sa.bindparam("test_id")), ("test_id",)
)
_REVISIONS = DriverStatement(
    sa.select(tests.c.test_id, tests.c.revision)
    .where(tests.c.test_id == sa.any_(sa.bindparam("keys", type_=sa.ARRAY(sa.Text))))
    .order_by(tests.c.test_id)  # in one order everywhere, so that no two writers wait for each other in a circle
    .with_for_update(key_share=True),
    ("keys",),
)


class SqlTestStore:
    """`TestStore` in SQL; it keeps prepared statements only."""

    def __init__(self) -> None:
        self._search = TableSearch(_TESTS)

    def lock(self, tx: Transaction) -> int:
        """Keep others from changing tests; a writer on SQLite is alone anyway."""
        if tx.dialect == "postgresql":
            key = sa.func.hashtextextended("ab_tests", 7)
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
        return self.last_revision(tx)

    def hold(self, tx: Transaction, test_ids: Collection[str]) -> dict[str, int]:
        """Return the revisions of tests, which nobody changes from here on."""
        if tx.dialect == "postgresql":
            rows: list[Any] = tx.run(_REVISIONS, (list(test_ids),))
        else:
            rows = [row for test_id in test_ids for row in tx.run(_REVISION, (test_id,))]
        return dict(rows)

    def revision_of(self, tx: Transaction, test_id: str) -> int | None:
        """Return the revision of a test."""
        rows = tx.run(_REVISION, (test_id,))
        return int(rows[0][1]) if rows else None

    def insert(self, tx: Transaction, test: StoredTest) -> None:
        """Store a new test."""
        tx.execute(sa.insert(tests), _row(test))

    def update(self, tx: Transaction, test: StoredTest) -> None:
        """Replace a test."""
        tx.execute(sa.update(tests).where(tests.c.test_id == test.config.test_id).values(_row(test)))

    def find(self, tx: Transaction, test_id: str) -> StoredTest | None:
        """Return a test."""
        row = tx.execute(sa.select(*_ALL, _SEQUENCE).where(tests.c.test_id == test_id)).first()
        return None if row is None else _stored(row)

    def changed_since(self, tx: Transaction, revision: int) -> list[StoredTest]:
        """Return tests with a later revision."""
        found = sa.select(*_ALL, _SEQUENCE).where(tests.c.revision > revision).order_by(tests.c.revision)
        return [_stored(row) for row in tx.execute(found)]

    def live(self, tx: Transaction) -> list[StoredTest]:
        """Return tests that run or are paused."""
        found = sa.select(*_ALL, _SEQUENCE).where(tests.c.status.in_([str(status) for status in sorted(LIVE)]))
        return [_stored(row) for row in tx.execute(found)]

    def last_revision(self, tx: Transaction) -> int:
        """Return the last revision given."""
        return int(tx.run(_LAST)[0][0] or 0)

    def page(self, tx: Transaction, query: ABTestQuery, *, at: datetime) -> Page[ABTestConfig]:
        """Return a page of tests."""
        ids = self._search.page(
            tx,
            where=self._condition(query),
            orders=parse_order(query.order_by, self._search.vocabulary),
            scope="",
            limit=query.limit,
            offset=query.offset,
            cursor=query.cursor,
            now=at,
        )
        rows = tx.execute(sa.select(tests.c.test_id, tests.c.document).where(tests.c.test_id.in_(list(ids))))
        found = {row.test_id: _config(row.document) for row in rows}
        return ids.replaced(found[test_id] for test_id in ids)

    def append_move(self, tx: Transaction, move: ABTestMove) -> None:
        """Append a move."""
        row = {"test_id": move.test_id, "sequence": move.sequence, "document": encode_json(move.to_document())}
        tx.execute(sa.insert(moves), row)

    def moves(self, tx: Transaction, test_id: str) -> list[ABTestMove]:
        """Return the moves of a test."""
        found = sa.select(moves.c.document).where(moves.c.test_id == test_id).order_by(moves.c.sequence)
        return [ABTestMove.from_document(decode_json(text)) for text in tx.execute(found).scalars()]

    def put_report(self, tx: Transaction, test_id: str, report: Mapping[str, Any]) -> None:
        """Keep the final report of a test."""
        tx.execute(sa.update(tests).where(tests.c.test_id == test_id).values(report=encode_json(report)))

    def find_report(self, tx: Transaction, test_id: str) -> Mapping[str, Any] | None:
        """Return the final report of a test."""
        text = tx.execute(sa.select(tests.c.report).where(tests.c.test_id == test_id)).scalar()
        found: Mapping[str, Any] | None = None if text is None else decode_json(text)
        return found

    def _condition(self, query: ABTestQuery) -> Expression | None:
        return all_of(
            _equals("project", query.project),
            _equals("status", query.status),
            parse_filter(query.filter, self._search.vocabulary),
        )


def _equals(attribute: str, value: str | None) -> Expression | None:
    return None if value is None else Comparison(Attribute(attribute), Operator.EQ, str(value))


def _row(test: StoredTest) -> dict[str, Any]:
    config = test.config
    told = {name: getattr(config, name) for name in _SEARCHED}
    return {
        **told,
        "status": str(config.status),
        "test_type": str(config.test_type),
        "revision": test.revision,
        "document": encode_json(config.to_document()),
        "forced": encode_json(dict(test.forced)),
    }


def _stored(row: Any) -> StoredTest:
    document, revision, forced, sequence = row
    return StoredTest(_config(document), revision, decode_json(forced), sequence or 0)


def _config(document: str) -> ABTestConfig:
    return ABTestConfig.from_document(decode_json(document))
