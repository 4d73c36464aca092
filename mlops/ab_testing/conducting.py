"""Changes of tests: decided by `lifecycle` under a lock, written with move, event and audit entry at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlops import audit, events
from mlops.ab_testing import lifecycle, method, targeting
from mlops.ab_testing.assigning import check_unit
from mlops.ab_testing.entities import SERVER_FIELDS, ABTestConfig, ABTestMove, TestStatus
from mlops.ab_testing.errors import ABTestExists, ABTestNotFound, VariantNotFound
from mlops.ab_testing.live import Board, near_tests
from mlops.ab_testing.store import TestStore
from mlops.ab_testing.stored import StoredTest
from mlops.audit import current_actor
from mlops.clock import NewId, Now
from mlops.errors import InvalidInput
from mlops.values import check_text

if TYPE_CHECKING:
    from mlops.database import Database, Transaction

__all__ = ["Conductor"]

_SUBJECT = "ab_test"
_LONGEST_REASON = 4000

Decide = Callable[[StoredTest, datetime], StoredTest]
AtTheEnd = Callable[["Transaction", ABTestConfig], None]


class Conductor:
    """Creates tests and moves them through their lives.

    Args:
        board: Learns at once what was changed here.
        project: The project of tests that name none.
    """

    def __init__(
        self, database: Database, store: TestStore, board: Board, *, project: str, now: Now, new_id: NewId
    ) -> None:
        self._database = database
        self._store = store
        self._board = board
        self._project = project
        self._now = now
        self._new_id = new_id

    def drafted(self, config: ABTestConfig) -> ABTestConfig:
        """Return a design as it will be stored: with an id and a project, and what the manager decides left out."""
        own = {name: getattr(config, name) for name in config.model_fields_set - SERVER_FIELDS}
        own |= {"test_id": check_id(config.test_id) or self._new_id(), "project": config.project or self._project}
        targeting.read_filters(config.user_filters)
        return ABTestConfig(**own, created_at=self._now(), created_by=current_actor())

    def create(self, config: ABTestConfig) -> ABTestConfig:
        """Store a design that `drafted` made.

        Raises:
            ABTestExists: Its id is taken.
        """
        with self._database.write() as tx:
            revision = self._store.lock(tx) + 1
            if self._store.find(tx, config.test_id) is not None:
                raise ABTestExists(config.test_id)
            stored = StoredTest(config, revision, {}, 1)
            self._store.insert(tx, stored)
            self._write_down(tx, config, _move(stored, None, "create", at=self._now()))
        return config

    def start(self, test_id: str) -> ABTestConfig:
        """Start a test: its salt, method and first phase are fixed from here on."""

        def decide(stored: StoredTest, at: datetime) -> StoredTest:
            chosen = method.choose(stored.config).to_document()
            return replace(stored, config=lifecycle.started(stored.config, at=at, salt=self._new_id(), method=chosen))

        return self._change(test_id, "start", decide)

    def move(self, test_id: str, action: str, reason: str, *, at_the_end: AtTheEnd | None = None) -> ABTestConfig:
        """Pause, resume, stop or cancel a test; `at_the_end` is called in the transaction with the test as it is then.

        Raises:
            ABTestMoveRefused: Its status does not allow it.
        """

        def decide(stored: StoredTest, at: datetime) -> StoredTest:
            return replace(stored, config=lifecycle.moved(stored.config, action, at=at, reason=reason))

        return self._change(test_id, action, decide, reason=reason, at_the_end=at_the_end)

    def change_allocation(self, test_id: str, allocation: Mapping[str, float], reason: str) -> ABTestConfig:
        """Open a phase with other shares."""

        def decide(stored: StoredTest, at: datetime) -> StoredTest:
            return replace(stored, config=lifecycle.reallocated(stored.config, allocation, at=at, reason=reason))

        return self._change(test_id, "change_allocation", decide, reason=reason, details={"allocation": allocation})

    def advance(self, test_id: str, reason: str) -> ABTestConfig:
        """Take the next step of a gradual rollout."""

        def decide(stored: StoredTest, at: datetime) -> StoredTest:
            return replace(stored, config=lifecycle.advanced(stored.config, at=at, reason=reason))

        return self._change(test_id, "advance", decide, reason=reason)

    def force(self, test_id: str, users: Iterable[str], variant: str | None) -> ABTestConfig:
        """Give users a variant for testing, or with None take it back."""
        named = [check_unit(user) for user in users]

        def decide(stored: StoredTest, at: datetime) -> StoredTest:  # noqa: ARG001 (as all decisions)
            lifecycle.check_allowed(stored.config, "force_variant")
            if variant is not None and variant not in stored.config.variants:
                raise VariantNotFound(variant, test_id=test_id, known=stored.config.variants)
            kept = {user: forced for user, forced in stored.forced.items() if user not in named}
            return replace(stored, forced=kept if variant is None else kept | dict.fromkeys(named, variant))

        return self._change(test_id, "force_variant", decide, details={"users": named, "variant": variant})

    def _change(
        self,
        test_id: str,
        action: str,
        decide: Decide,
        *,
        reason: str = "",
        details: Mapping[str, Any] | None = None,
        at_the_end: AtTheEnd | None = None,
    ) -> ABTestConfig:
        _check_reason(reason)
        with self._database.write() as tx:
            revision = self._store.lock(tx) + 1
            self._store.hold(tx, [test_id])  # what is being logged is counted before the change, or after it
            before = self._store.find(tx, test_id)
            if before is None:
                raise ABTestNotFound(str(test_id)[:250], known=near_tests(tx, self._store))
            at = self._now()
            after = replace(decide(before, at), revision=revision, sequence=before.sequence + 1)
            self._store.update(tx, after)
            if at_the_end is not None:
                at_the_end(tx, after.config)
            move = _move(after, before.config.status, action, at=at, reason=reason, details=details or {})
            self._write_down(tx, after.config, move)
        self._board.learn(after)
        return after.config

    def _write_down(self, tx: Transaction, config: ABTestConfig, move: ABTestMove) -> None:
        """Append the move, publish the event and append the audit entry: the last step of the transaction."""
        self._store.append_move(tx, move)
        told = {**move.details, "reason": move.reason}
        subject = {"subject_kind": _SUBJECT, "subject_id": config.test_id, "project": config.project}
        payload = {**told, "status": str(config.status), "actor": move.actor}
        events.publish(tx, topic=_TOPICS[move.action], payload=payload, now=lambda: move.at, **subject)
        audit.append(tx, action=move.action, details=told, actor=move.actor, now=lambda: move.at, **subject)


def _move(
    after: StoredTest,
    present: TestStatus | None,
    action: str,
    *,
    at: datetime,
    reason: str = "",
    details: Mapping[str, Any] = MappingProxyType({}),
) -> ABTestMove:
    config = after.config
    phase = {"phase": config.phases[-1].to_document()} if config.phases else {}
    return ABTestMove(
        test_id=config.test_id,
        sequence=after.sequence,
        action=action,
        from_status=present,
        to_status=config.status,
        actor=current_actor(),
        reason=reason,
        at=at,
        details={**details, **phase},
    )


_TOPICS: Mapping[str, str] = {
    "create": "ab_test.created",
    "start": "ab_test.started",
    "pause": "ab_test.paused",
    "resume": "ab_test.resumed",
    "change_allocation": "ab_test.reallocated",
    "advance": "ab_test.advanced",
    "force_variant": "ab_test.forced",
    "stop": "ab_test.stopped",
    "cancel": "ab_test.cancelled",
}


def check_id(test_id: str) -> str:
    """Return a test's id that can be one; empty text asks for a new one."""
    return check_unit(test_id, what="test_id") if test_id else ""


def _check_reason(reason: str) -> None:
    if not isinstance(reason, str) or len(reason) > _LONGEST_REASON:
        raise InvalidInput(f"A reason is text of at most {_LONGEST_REASON} characters, not {str(reason)[:60]!r}.")
    try:
        check_text(reason)
    except ValueError as error:
        raise InvalidInput(f"The reason cannot be stored: {error}.") from error
