"""Exposures, interactions and outcomes in SQL, by statements on the driver's cursor."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mlops.ab_testing.sql.statements import Among, Upsert
from mlops.ab_testing.sql.tables import exposures, interactions, outcomes
from mlops.ab_testing.stored import Exposure, LoggedInteraction, StoredOutcome
from mlops.database import DriverStatement, Transaction

__all__ = ["SqlLogStore"]

_PAGE = 10_000
_LOGGED = tuple(interactions.c[name] for name in LoggedInteraction._fields)
_TOLD = tuple(outcomes.c[name] for name in StoredOutcome._fields)
_OF_TEST = {table.name: table.c.test_id == sa.bindparam("test_id") for table in (exposures, interactions, outcomes)}


def _exposed(is_among: sa.ColumnElement[bool]) -> sa.Select[Any]:
    columns = (exposures.c.user_id, exposures.c.variant, exposures.c.phase, exposures.c.is_active)
    return sa.select(*columns).where(_OF_TEST["ab_exposures"], is_among)


def _of_user(is_among: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(exposures.c.test_id).where(exposures.c.user_id == sa.bindparam("user_id"), is_among)


def _logged(is_among: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(*_LOGGED).where(_OF_TEST["ab_interactions"], is_among)


def _answers(is_among: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return _logged(is_among).order_by(interactions.c.seq)


def _places(is_among: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(interactions.c.interaction_id, interactions.c.test_id).where(is_among)


def _told(is_among: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(*_TOLD).where(_OF_TEST["ab_outcomes"], is_among)


_EXPOSED = Among(_exposed, exposures.c.user_id)
_OF_USER = Among(_of_user, exposures.c.test_id, ("user_id",))
_BY_ID = Among(_logged, interactions.c.interaction_id)
_BY_REQUEST = Among(_answers, interactions.c.request_id)
_PLACES = Among(_places, interactions.c.interaction_id, ())
_OUTCOMES = Among(_told, outcomes.c.interaction_id)
_ACTIVE = DriverStatement(
    sa.update(exposures)
    .where(exposures.c.test_id == sa.bindparam("of_test"), exposures.c.user_id == sa.bindparam("of_user"))
    .values(is_active=sa.literal_column("1", sa.BigInteger)),
    ("of_test", "of_user"),
)
_PARKED = DriverStatement(
    sa.select(sa.literal_column("1"))
    .where(_OF_TEST["ab_outcomes"], outcomes.c.arrival.is_(None))
    .limit(sa.literal_column("1", sa.Integer))
    .offset(sa.literal_column("0", sa.Integer)),
    ("test_id",),
)


class SqlLogStore:
    """`LogStore` in SQL; it keeps nothing between transactions."""

    def __init__(self) -> None:
        self._put = Upsert(outcomes)

    def guard(self, tx: Transaction, *, alone: bool) -> None:
        """Keep labels without a test and interactions from passing each other; a writer on SQLite is alone anyway."""
        if tx.dialect == "postgresql":
            lock = sa.func.pg_advisory_xact_lock if alone else sa.func.pg_advisory_xact_lock_shared
            tx.execute(sa.select(lock(sa.func.hashtextextended("ab_outcomes", 7))))

    def exposures(self, tx: Transaction, test_id: str, users: Collection[str]) -> dict[str, tuple[Exposure, bool]]:
        """Return first exposures."""
        rows = _EXPOSED.run(tx, users, test_id)
        return {user: (Exposure(variant, phase), bool(is_active)) for user, variant, phase, is_active in rows}

    def tests_of_user(self, tx: Transaction, user_id: str, test_ids: Collection[str]) -> set[str]:
        """Return the tests with an exposure of a user."""
        return {row[0] for row in _OF_USER.run(tx, test_ids, user_id)}

    def add_exposures(self, tx: Transaction, test_id: str, found: Mapping[str, tuple[Exposure, bool]], at: int) -> None:
        """Store first exposures."""
        rows = [(test_id, user, *exposure, int(is_active), at) for user, (exposure, is_active) in found.items()]
        tx.insert_rows(exposures, ("test_id", "user_id", "variant", "phase", "is_active", "at"), rows)

    def exposure_counts(self, tx: Transaction, test_id: str) -> dict[Exposure, int]:
        """Return how many users were first exposed to each variant in each phase."""
        of_test = exposures.c.test_id == test_id
        query = sa.select(exposures.c.variant, exposures.c.phase, sa.func.count()).where(of_test)
        rows = tx.execute(query.group_by(exposures.c.variant, exposures.c.phase))
        return {Exposure(variant, phase): count for variant, phase, count in (tuple(row) for row in rows)}

    def mark_active(self, tx: Transaction, test_id: str, users: Collection[str]) -> None:
        """Remember who has had an interaction."""
        if users:
            tx.run_many(_ACTIVE, [(test_id, user) for user in sorted(users)])

    def logged(self, tx: Transaction, test_id: str, ids: Collection[str]) -> dict[str, LoggedInteraction]:
        """Return interactions by id."""
        return {row[0]: LoggedInteraction(*row) for row in _BY_ID.run(tx, ids, test_id)}

    def tests_of_interactions(self, tx: Transaction, ids: Collection[str]) -> dict[str, list[str]]:
        """Return the tests of interactions."""
        found: dict[str, list[str]] = {}
        for interaction_id, test_id in _PLACES.run(tx, ids):
            found.setdefault(interaction_id, []).append(test_id)
        return found

    def answers(self, tx: Transaction, test_id: str, request_ids: Collection[str]) -> list[LoggedInteraction]:
        """Return the answers to requests."""
        return [LoggedInteraction(*row) for row in _BY_REQUEST.run(tx, request_ids, test_id)]

    def add_interactions(self, tx: Transaction, test_id: str, rows: Sequence[LoggedInteraction]) -> None:
        """Append interactions."""
        columns = ("test_id", *LoggedInteraction._fields)
        if rows:
            tx.insert_rows(interactions, columns, [(test_id, *row) for row in rows])

    def interactions(self, tx: Transaction, test_id: str) -> Iterator[LoggedInteraction]:
        """Yield all interactions in order."""
        last = 0
        page = sa.select(interactions.c.seq, *_LOGGED).where(interactions.c.test_id == test_id)
        while rows := tx.execute(
            page.where(interactions.c.seq > last).order_by(interactions.c.seq).limit(_PAGE)
        ).fetchall():
            yield from (LoggedInteraction._make(row[1:]) for row in rows)
            last = rows[-1][0]

    def outcomes(self, tx: Transaction, test_id: str, ids: Collection[str]) -> dict[str, StoredOutcome]:
        """Return outcomes by the ids of their interactions."""
        return {row[0]: StoredOutcome(*row) for row in _OUTCOMES.run(tx, ids, test_id)}

    def has_parked(self, tx: Transaction, test_id: str) -> bool:
        """Tell whether labels wait."""
        return bool(tx.run(_PARKED, (test_id,)))

    def put_outcomes(self, tx: Transaction, rows: Sequence[StoredOutcome]) -> None:
        """Store outcomes."""
        self._put.run(tx, rows)

    def joined(self, tx: Transaction, test_id: str) -> Iterator[StoredOutcome]:
        """Yield joined outcomes in order."""
        last = -1
        page = sa.select(*_TOLD).where(outcomes.c.test_id == test_id)
        while rows := tx.execute(
            page.where(outcomes.c.arrival > last).order_by(outcomes.c.arrival).limit(_PAGE)
        ).fetchall():
            yield from (StoredOutcome._make(row) for row in rows)
            last = rows[-1].arrival
