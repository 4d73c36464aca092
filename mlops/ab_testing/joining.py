"""Brings labels and interactions together, whichever came first, and answers to one request in shadow tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mlops.ab_testing.aggregates import CountKey
from mlops.ab_testing.entities import InteractionOutcome
from mlops.ab_testing.errors import ABTestNotFound, InteractionRefused
from mlops.ab_testing.interactions import Facts, facts_of_logged
from mlops.ab_testing.live import LiveTest
from mlops.ab_testing.outcomes import Judgement, judge, retold
from mlops.ab_testing.store import BookStore, LogStore, TestStore
from mlops.ab_testing.stored import LoggedInteraction, StoredOutcome
from mlops.ab_testing.tallying import Tally
from mlops.clock import Now, from_microseconds, microseconds
from mlops.records import decode_json

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["ANY_TEST", "Joiner", "Labeller", "Told", "judged"]

ANY_TEST = ""
"""The test of labels that wait for an interaction of whichever test."""

NOT_COUNTED = -1
"""The arrival of labels of forced variants, which are not analysed."""

Requests = dict[str, dict[str, dict[str, float]]]


class Told(NamedTuple):
    """A label as it is told.

    Attributes:
        label: JSON.
        test_id: The test; None means every test that the interaction was logged in.
        revision: Its number; None means the next.
    """

    interaction_id: str
    label: str
    test_id: str | None = None
    revision: int | None = None


def judged(test: LiveTest, facts: Facts, label: str) -> Judgement:
    """Return what a stored label says of an interaction."""
    return judge(test.config.task, facts, decode_json(label))


class Joiner:
    """Joins labels that were parked to interactions that arrive, and pairs the answers of shadow tests."""

    def __init__(self, log: LogStore) -> None:
        self._log = log

    def join(
        self, tx: Transaction, test: LiveTest, tally: Tally, arrived: Sequence[Facts], forced: Sequence[str]
    ) -> None:
        """Take what interactions that have just been written are joined to.

        Args:
            arrived: Those that are analysed.
            forced: Ids of those with forced variants, whose labels wait no longer and count nowhere.
        """
        self._join_parked(tx, test, tally, arrived, forced)
        if not test.is_shadow:
            return
        own: dict[str, set[str]] = {}
        for facts in arrived:
            if facts.request_id:
                own.setdefault(facts.request_id, set()).add(facts.variant)
        for request_id, answers in self.answers(tx, test, own).items():
            new = own[request_id]
            tally.pair({name: values for name, values in answers.items() if name not in new}, answers)

    def answers(self, tx: Transaction, test: LiveTest, request_ids: Iterable[str]) -> Requests:
        """Return what the answers to requests have measured so far, labels included."""
        rows = [row for row in self._log.answers(tx, test.config.test_id, set(request_ids)) if not row.is_forced]
        outcomes = self._log.outcomes(tx, test.config.test_id, [row.interaction_id for row in rows])
        found: Requests = {}
        for row in rows:
            facts = facts_of_logged(test.config, row)
            values = dict(facts.values)
            told = outcomes.get(row.interaction_id)
            if told is not None and told.arrival is not None:
                values |= judged(test, facts, told.label).values
            found.setdefault(str(row.request_id), {})[row.variant] = values
        return found

    def _join_parked(
        self, tx: Transaction, test: LiveTest, tally: Tally, arrived: Sequence[Facts], forced: Sequence[str]
    ) -> None:
        test_id = test.config.test_id
        owners = [owner for owner in (ANY_TEST, test_id) if self._log.has_parked(tx, owner)]
        if not owners:
            return
        ids = [*(facts.interaction_id for facts in arrived), *forced]
        parked: dict[str, StoredOutcome] = {}
        for owner in owners:
            parked |= self._log.outcomes(tx, owner, ids)
        rows = [parked[name]._replace(test_id=test_id, arrival=NOT_COUNTED) for name in forced if name in parked]
        for facts in arrived:
            told = parked.get(facts.interaction_id)
            if told is not None:
                rows.append(first_join(test, tally, facts, told._replace(test_id=test_id)))
        self._log.put_outcomes(tx, rows)


def first_join(test: LiveTest, tally: Tally, facts: Facts, told: StoredOutcome) -> StoredOutcome:
    """Take the first label of an interaction, and what it was revised to since; return the outcome, joined."""
    try:
        label = judged(test, facts, told.label)
    except InteractionRefused:  # a label parked before its test was known to be a regression: it says nothing
        return told
    try:
        first = judged(test, facts, told.first_label)
    except InteractionRefused:
        first, told = label, told._replace(first_label=told.label)
    tally.add_label(facts, first)
    tally.revise(facts, first=first, before=first, after=label)
    return told._replace(arrival=tally.next_arrival())


class Labeller:
    """Writes the labels of a group commit.

    Args:
        learn: Returns a test as a transaction sees it; a `Board.at`.
        touched: Called with a test's id after a commit that changed its statistics.
    """

    def __init__(
        self,
        stores: tuple[TestStore, LogStore, BookStore],
        joiner: Joiner,
        *,
        learn: Callable[[Transaction, str, int], LiveTest],
        touched: Callable[[str], object],
        now: Now,
    ) -> None:
        self._tests, self._log, self._books = stores
        self._joiner = joiner
        self._learn = learn
        self._touched = touched
        self._now = now

    def write(self, tx: Transaction, items: Sequence[Told]) -> list[list[InteractionOutcome] | Exception]:
        """Write labels; return the outcomes of each, one for each test, or why it was refused."""
        self._log.guard(tx, alone=any(item.test_id is None for item in items))
        targets = self._targets(tx, items)
        found: list[list[InteractionOutcome]] = [[] for _ in items]
        refusals: dict[int, Exception] = {}
        revisions = self._tests.hold(tx, sorted(set(targets) - {ANY_TEST}))
        for test_id in sorted(targets):
            if test_id != ANY_TEST and test_id not in revisions:
                refusals |= dict.fromkeys(targets[test_id], ABTestNotFound(test_id))
                continue
            test = None if test_id == ANY_TEST else self._learn(tx, test_id, revisions[test_id])
            group = {index: items[index] for index in targets[test_id]}
            for index, fate in self._write_of(tx, test_id, test, group).items():
                if isinstance(fate, Exception):
                    refusals[index] = fate
                else:
                    found[index].append(fate)
        return [refusals.get(index, _of_tests(outcomes)) for index, outcomes in enumerate(found)]

    def _targets(self, tx: Transaction, items: Sequence[Told]) -> dict[str, list[int]]:
        """Return, by test, the numbers of the labels that are about it."""
        anywhere = {item.interaction_id for item in items if item.test_id is None}
        places = self._log.tests_of_interactions(tx, anywhere)
        waiting = self._log.outcomes(tx, ANY_TEST, anywhere)
        targets: dict[str, list[int]] = {}
        for index, item in enumerate(items):
            if item.test_id is not None:
                targets.setdefault(item.test_id, []).append(index)
                continue
            tests = places.get(item.interaction_id, [])
            for test_id in [*tests, *([ANY_TEST] if not tests or item.interaction_id in waiting else [])]:
                targets.setdefault(test_id, []).append(index)
        return targets

    def _write_of(
        self, tx: Transaction, test_id: str, test: LiveTest | None, items: Mapping[int, Told]
    ) -> dict[int, InteractionOutcome | Exception]:
        ids = {item.interaction_id for item in items.values()}
        outcomes = self._log.outcomes(tx, test_id, ids)
        logged = {} if test is None else self._log.logged(tx, test_id, ids)
        book = _Labels(test, logged, partial(self._books.counts, tx, test_id))
        requests = {row.request_id for row in logged.values() if row.request_id} if test and test.is_shadow else set()
        before = self._joiner.answers(tx, test, requests) if test and requests else {}
        at = microseconds(self._now())
        fates: dict[int, InteractionOutcome | Exception] = {}
        changed: dict[str, StoredOutcome] = {}
        for index, item in items.items():
            told = StoredOutcome(item.interaction_id, test_id, item.label, item.label, 1, None, at)
            try:
                after = book.take(outcomes.get(item.interaction_id), told, item.revision)
            except InteractionRefused as refusal:
                fates[index] = refusal
                continue
            if after is not None:
                changed[item.interaction_id] = outcomes[item.interaction_id] = after
            fates[index] = _outcome(outcomes[item.interaction_id])
        self._log.put_outcomes(tx, list(changed.values()))
        if test is not None and book.tally is not None and changed:
            for request_id, answers in (self._joiner.answers(tx, test, requests) if requests else {}).items():
                book.tally.pair(before[request_id], answers)
            rows = self._books.touched(tx, test_id, book.tally)
            self._books.put(tx, test_id, book.tally.applied(rows))
            tx.after_commit(lambda: self._touched(test_id))
        return fates


class _Labels:
    """Takes the labels of one test in order."""

    def __init__(
        self,
        test: LiveTest | None,
        logged: Mapping[str, LoggedInteraction],
        counts: Callable[[str], dict[CountKey, int]],
    ) -> None:
        self._test = test
        self._logged = logged
        self.tally = Tally(test.rules, counts) if test is not None and test.rules is not None else None

    def take(self, before: StoredOutcome | None, told: StoredOutcome, revision: int | None) -> StoredOutcome | None:
        """Return the outcome after a label, or None when it changes nothing.

        Raises:
            InteractionRefused: Of a regression, the label is no number.
        """
        after = retold(before, told, revision=revision)
        row = self._logged.get(told.interaction_id)
        if after is None or row is None or self._test is None or self.tally is None:
            return after
        if row.is_forced:
            return after._replace(arrival=NOT_COUNTED)
        facts = facts_of_logged(self._test.config, row)
        label = judged(self._test, facts, after.label)
        if before is None or before.arrival is None:
            return first_join(self._test, self.tally, facts, after)
        first, old = (judged(self._test, facts, text) for text in (before.first_label, before.label))
        self.tally.revise(facts, first=first, before=old, after=label)
        return after


def _of_tests(outcomes: list[InteractionOutcome]) -> list[InteractionOutcome]:
    """Leave out what waits for further tests, unless it is all there is."""
    return [outcome for outcome in outcomes if outcome.test_id != ANY_TEST] or outcomes


def _outcome(stored: StoredOutcome) -> InteractionOutcome:
    return InteractionOutcome(
        interaction_id=stored.interaction_id,
        test_id=stored.test_id,
        label=decode_json(stored.label),
        revision=stored.revision,
        is_parked=stored.arrival is None,
        recorded_at=from_microseconds(stored.told_at),
    )
