"""Makes a test's statistics again from its log, to prove the kept ones equal or to replace them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops.ab_testing.aggregates import Book, differences
from mlops.ab_testing.entities import AggregateReport
from mlops.ab_testing.interactions import facts_of_logged
from mlops.ab_testing.joining import judged
from mlops.ab_testing.live import LiveTest
from mlops.ab_testing.store import BookStore, LogStore
from mlops.ab_testing.tallying import Rules, Tally

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Rebuilder"]

_PAGE = 2000  # outcomes whose interactions are read at once


class Rebuilder:
    """Reads the log of a test from its beginning."""

    def __init__(self, log: LogStore, books: BookStore) -> None:
        self._log = log
        self._books = books

    def verify(self, tx: Transaction, test: LiveTest) -> AggregateReport:
        """Compare what is kept with what the log says, in one snapshot."""
        made, interactions, labels = self.made(tx, test)
        kept = self._books.whole(tx, test.config.test_id)
        return _report(test, (interactions, labels), differences(kept, made))

    def rebuild(self, tx: Transaction, test: LiveTest) -> AggregateReport:
        """Replace what is kept by what the log says; report what was different."""
        made, interactions, labels = self.made(tx, test)
        kept = self._books.whole(tx, test.config.test_id)
        self._books.clear(tx, test.config.test_id)
        self._books.put(tx, test.config.test_id, made)
        return _report(test, (interactions, labels), differences(kept, made))

    def made(self, tx: Transaction, test: LiveTest) -> tuple[Book, int, int]:
        """Return the statistics that the log makes, and how many interactions and labels it has.

        Which classes are counted apart is taken as it is kept: labels that were revised had a say in it.
        """
        if test.rules is None:
            return Book(), 0, 0
        classes = self._books.counts(tx, test.config.test_id, "class")
        tally = Tally(test.rules, lambda kind: classes if kind == "class" else {})
        for exposure, count in self._log.exposure_counts(tx, test.config.test_id).items():
            tally.add_exposure(*exposure, times=count)
        answers: dict[str, dict[str, dict[str, float]]] = {}
        interactions = self._add_interactions(tx, test, tally, answers)
        labels = self._add_labels(tx, test, test.rules, tally, answers)
        for found in answers.values():
            tally.pair({}, found)
        made = tally.applied(Book())
        made.counts.update(classes)
        return made, interactions, labels

    def _add_interactions(
        self, tx: Transaction, test: LiveTest, tally: Tally, answers: dict[str, dict[str, dict[str, float]]]
    ) -> int:
        count, seen = 0, set()
        for row in self._log.interactions(tx, test.config.test_id):
            count += 1
            if row.is_forced:
                continue
            facts = facts_of_logged(test.config, row)
            tally.add(facts)
            if test.is_shadow and facts.request_id:
                answers.setdefault(facts.request_id, {})[facts.variant] = dict(facts.values)
            elif not test.is_shadow and facts.user_id not in seen:
                seen.add(facts.user_id)
                tally.add_unit(facts.variant, facts.phase)
        return count

    def _add_labels(
        self,
        tx: Transaction,
        test: LiveTest,
        rules: Rules,
        tally: Tally,
        answers: dict[str, dict[str, dict[str, float]]],
    ) -> int:
        outcomes = list(self._log.joined(tx, test.config.test_id))
        for begin in range(0, len(outcomes), _PAGE):
            page = outcomes[begin : begin + _PAGE]
            logged = self._log.logged(tx, test.config.test_id, [told.interaction_id for told in page])
            for told in page:
                facts = facts_of_logged(test.config, logged[told.interaction_id])
                first, label = (judged(test, facts, text) for text in (told.first_label, told.label))
                tally.next_arrival()
                tally.add_label(facts, first)
                tally.revise(facts, first=first, before=first, after=label)
                if rules.is_shadow and facts.request_id:
                    answers[facts.request_id][facts.variant] |= label.values
        return len(outcomes)


def _report(test: LiveTest, counts: tuple[int, int], found: tuple[str, ...]) -> AggregateReport:
    interactions, labels = counts
    return AggregateReport(
        test_id=test.config.test_id, interactions=interactions, labels=labels, differences=found, is_equal=not found
    )
