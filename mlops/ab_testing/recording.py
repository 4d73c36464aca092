"""Writes groups of interactions: rows of the log and what they change of the statistics, in one transaction.

Every interaction has its own fate: one that cannot be true is refused, and the others of its group are written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mlops.ab_testing.entities import ABTestInteraction
from mlops.ab_testing.errors import (
    ABTestNotFound,
    ABTestNotRunning,
    InteractionConflict,
    InteractionRefused,
    VariantMismatch,
    VariantNotFound,
)
from mlops.ab_testing.interactions import Facts, Values, encode, facts_of, measured
from mlops.ab_testing.joining import Joiner
from mlops.ab_testing.lifecycle import takes_interactions
from mlops.ab_testing.limits import check_values
from mlops.ab_testing.live import LiveTest, near_tests
from mlops.ab_testing.store import BookStore, LogStore, TestStore
from mlops.ab_testing.stored import Exposure, LoggedInteraction
from mlops.ab_testing.tallying import Rules, Tally
from mlops.clock import Now, microseconds
from mlops.errors import InvalidInput
from mlops.records import decode_json

if TYPE_CHECKING:
    from mlops.database import Transaction

__all__ = ["Prepared", "Recorder", "prepare"]

_MOST_METRICS = 200
_MOST_STRATA = 1000
_DAY_US = 86_400_000_000
_OLDEST_US, _AHEAD_US = 3653 * _DAY_US, _DAY_US


class Prepared(NamedTuple):
    """An interaction with everything that can be done for it before its transaction."""

    interaction: ABTestInteraction
    values: Values
    document: str


def prepare(interaction: ABTestInteraction) -> Prepared:
    """Return an interaction ready to be written.

    Raises:
        InvalidInput: It is no `ABTestInteraction`.
        InteractionRefused: A number in it is not finite.
    """
    if not isinstance(interaction, ABTestInteraction):
        raise InvalidInput(f"Interactions are logged as ABTestInteraction(interaction_id=…), not as {interaction!r}.")
    return Prepared(interaction, measured(interaction), encode(interaction))


class _Seen:
    """Names of metrics and strata that a test is known to have, and which of them came together."""

    __slots__ = ("names", "shapes")

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.shapes: set[tuple[str, ...]] = set()


class _Group:
    """What is known of the interactions of one test while they are written."""

    def __init__(self, test: LiveTest, rules: Rules, tally: Tally, seen: _Seen) -> None:
        self.test = test
        self.rules = rules
        self.tally = tally
        self.seen = seen
        self.logged: dict[str, LoggedInteraction] = {}
        self.stored: dict[str, tuple[Exposure, bool]] = {}
        self.active: dict[str, Exposure] = {}
        self.rows: list[LoggedInteraction] = []
        self.facts: list[Facts] = []
        self.answered: set[tuple[str | None, str]] = set()
        self.at = 0  # when they are written, in microseconds since 1970


class Recorder:
    """Writes the interactions of a group commit.

    Args:
        joiner: Brings labels that came first to their interactions.
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
        self._seen: dict[str, _Seen] = {}

    def write(self, tx: Transaction, items: Sequence[Prepared]) -> list[Exception | None]:
        """Write interactions; return one refusal or None for each."""
        self._log.guard(tx, alone=False)
        by_test: dict[str, list[int]] = {}
        for index, item in enumerate(items):
            by_test.setdefault(item.interaction.test_id, []).append(index)
        revisions = self._tests.hold(tx, sorted(by_test))
        fates: list[Exception | None] = [None] * len(items)
        for test_id in sorted(by_test):
            group = [items[index] for index in by_test[test_id]]
            for index, fate in zip(by_test[test_id], self._write_of(tx, test_id, revisions, group), strict=True):
                fates[index] = fate
        return fates

    def _write_of(
        self, tx: Transaction, test_id: str, revisions: Mapping[str, int], items: Sequence[Prepared]
    ) -> list[Exception | None]:
        if test_id not in revisions:
            known = near_tests(tx, self._tests)
            return [ABTestNotFound(test_id, known=known) for _ in items]
        test = self._learn(tx, test_id, revisions[test_id])
        if test.rules is None or not takes_interactions(test.config):
            return [ABTestNotRunning(test_id, test.config.status) for _ in items]
        tally = Tally(test.rules, partial(self._books.counts, tx, test_id))
        group = _Group(test, test.rules, tally, self._seen.setdefault(test_id, _Seen()))
        group.logged = self._log.logged(tx, test_id, [item.interaction.interaction_id for item in items])
        group.stored = self._exposures(tx, test, items)
        if test.is_shadow:
            requests = {item.interaction.request_id for item in items}
            group.answered = {(row.request_id, row.variant) for row in self._log.answers(tx, test_id, requests)}
        group.at = microseconds(self._now())
        fates = [self._take(tx, group, item) for item in items]
        if group.rows:
            self._store(tx, group)
        return fates

    def _exposures(
        self, tx: Transaction, test: LiveTest, items: Sequence[Prepared]
    ) -> dict[str, tuple[Exposure, bool]]:
        """Return the exposures of users, also of those without an interaction so far as the database has them now."""
        if test.is_shadow:
            return {}
        users = {item.interaction.user_id for item in items}
        known = {user: found for user in users if (found := test.known.get(user)) is not None and found[1]}
        return {**known, **self._log.exposures(tx, test.config.test_id, users - known.keys())}

    def _take(self, tx: Transaction, group: _Group, item: Prepared) -> Exception | None:
        """Take one interaction into the group, or say why not."""
        interaction = item.interaction
        at = group.at if interaction.timestamp is None else microseconds(interaction.timestamp)
        before = group.logged.get(interaction.interaction_id)
        if before is not None:
            return _repeated(before, item, at)
        try:
            exposure, is_forced = self._exposure(group, interaction)
            facts = facts_of(group.test.config, interaction, item.values, place=(*exposure, group.test.phase), at=at)
            if group.rules.limits:
                check_values(group.rules.limits, facts.interaction_id, facts.values)
            _check_time(group, facts, at)
            self._check_names(tx, group, facts)
            if group.test.is_shadow:
                _check_answer(group, facts)
        except (VariantMismatch, VariantNotFound, InteractionRefused) as refusal:
            return refusal
        row = LoggedInteraction(
            interaction.interaction_id,
            facts.variant,
            facts.user_id,
            facts.phase,
            facts.logged_phase,
            at,
            is_forced,
            facts.request_id,
            item.document,
        )
        group.logged[interaction.interaction_id] = row
        group.rows.append(row)
        if not is_forced:
            self._count(group, facts, exposure)
        return None

    def _count(self, group: _Group, facts: Facts, exposure: Exposure) -> None:
        user_id = facts.user_id
        if not group.test.is_shadow and user_id not in group.active and not group.stored[user_id][1]:
            group.active[user_id] = exposure
            group.tally.add_unit(facts.variant, facts.phase)
        group.facts.append(facts)
        group.tally.add(facts)

    def _exposure(self, group: _Group, interaction: ABTestInteraction) -> tuple[Exposure, int]:
        """Return the user's exposure, and whether the variant was forced."""
        test, user_id, named = group.test, interaction.user_id, interaction.variant_id
        if named not in test.variants:
            raise VariantNotFound(named, test_id=test.config.test_id, known=test.variants)
        if test.is_shadow:
            return Exposure(named, test.phase), 0
        exposure = None if (found := group.stored.get(user_id)) is None else found[0]
        forced = test.forced.get(user_id)
        if forced is None and exposure is not None and exposure.variant == named:
            return exposure, 0
        if forced == named:
            return Exposure(named, test.phase), 1
        assigned = forced or (exposure.variant if exposure is not None else None)
        raise VariantMismatch(test.config.test_id, user_id, named=named, assigned=assigned)

    def _check_names(self, tx: Transaction, group: _Group, facts: Facts) -> None:
        """Refuse what would make a metric or a stratum of an id or of a measurement."""
        seen = group.seen
        shape = (facts.stratum, *facts.values)
        if shape in seen.shapes:
            return
        names = {f"m{metric}" for metric in shape[1:]} | {f"s{facts.stratum}"}
        if not names <= seen.names:
            seen.names |= self._books.names(tx, group.test.config.test_id)
            _check_room(facts.interaction_id, names - seen.names, seen.names)
            seen.names |= names
        if len(seen.shapes) >= _MOST_STRATA:
            seen.shapes.clear()
        seen.shapes.add(shape)

    def _store(self, tx: Transaction, group: _Group) -> None:
        test_id = group.test.config.test_id
        self._log.mark_active(tx, test_id, group.active.keys())
        self._log.add_interactions(tx, test_id, group.rows)
        forced = [row.interaction_id for row in group.rows if row.is_forced]
        self._joiner.join(tx, group.test, group.tally, group.facts, forced)
        book = self._books.touched(tx, test_id, group.tally)
        self._books.put(tx, test_id, group.tally.applied(book))
        tx.after_commit(lambda: self._committed(group))

    def _committed(self, group: _Group) -> None:
        for user_id, exposure in group.active.items():
            group.test.known.put(user_id, exposure, True)
        self._touched(group.test.config.test_id)


def _check_time(group: _Group, facts: Facts, at: int) -> None:
    """Refuse a moment that cannot be: every day that is named has statistics of its own."""
    if not group.at - _OLDEST_US <= at <= group.at + _AHEAD_US:
        reason = f"its timestamp is of {facts.day}; it may be ten years old at most, and a day ahead of this clock."
        raise InteractionRefused(facts.interaction_id, reason)


def _check_answer(group: _Group, facts: Facts) -> None:
    """Refuse what cannot be paired in a shadow test: an answer to no request, and a variant's second one."""
    if not facts.request_id:
        reason = "a shadow test compares the answers to one request; give those of all variants the same request_id."
        raise InteractionRefused(facts.interaction_id, reason)
    answer = (facts.request_id, facts.variant)
    if answer in group.answered:
        reason = f"{facts.variant!r} has answered request {facts.request_id!r} before; a variant answers once."
        raise InteractionRefused(facts.interaction_id, reason)
    group.answered.add(answer)


def _check_room(interaction_id: str, new: Collection[str], known: Collection[str]) -> None:
    for kind, most, what in (("m", _MOST_METRICS, "metrics"), ("s", _MOST_STRATA, "strata")):
        more = [name[1:] for name in new if name.startswith(kind)]
        if more and sum(name.startswith(kind) for name in known) + len(more) > most:
            raise InteractionRefused(
                interaction_id,
                f"{more[0]!r} would be one more than the {most} {what} that a test can have. "
                "Leave identifiers out of metrics and strata.",
            )


def _repeated(before: LoggedInteraction, item: Prepared, at: int) -> Exception | None:
    """Return None when the same interaction is logged again."""
    interaction = item.interaction
    same = (interaction.variant_id, interaction.user_id, interaction.request_id or None)
    is_same_time = interaction.timestamp is None or before.at == at
    is_same = same == (before.variant, before.user_id, before.request_id) and is_same_time
    if is_same and (item.document == before.document or decode_json(item.document) == decode_json(before.document)):
        return None
    return InteractionConflict(interaction.test_id, interaction.interaction_id)
