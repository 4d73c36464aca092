"""The manager of A/B tests: orders the steps of every operation and owns its transaction.

Who gets what is decided in `assignment`, what may become of a test in `lifecycle`, what it found in `results`. This is
the synchronous truth: everything runs in the caller's thread. The asynchronous class is generated from it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops import clock
from mlops.ab_testing.assigning import Assigner, Newcomer, Newcomers
from mlops.ab_testing.conducting import Conductor
from mlops.ab_testing.design import check_design
from mlops.ab_testing.entities import (
    ABTestConfig,
    ABTestInteraction,
    ABTestMove,
    AggregateReport,
    InteractionOutcome,
    TestStatus,
    VariantResult,
)
from mlops.ab_testing.finding import Finder
from mlops.ab_testing.joining import Joiner, Labeller
from mlops.ab_testing.keeping import ReportFiles
from mlops.ab_testing.lifecycle import read_status
from mlops.ab_testing.live import Board, LiveTest
from mlops.ab_testing.rebuilding import Rebuilder
from mlops.ab_testing.recording import Recorder, prepare
from mlops.ab_testing.report_data import ABTestReport, Decision
from mlops.ab_testing.sql import SqlBookStore, SqlLogStore, SqlTestStore
from mlops.ab_testing.stored import ABTestQuery, Exposure
from mlops.ab_testing.telling import raise_refused, told, told_all
from mlops.ab_testing.watching import Watcher
from mlops.clock import NewId, Now
from mlops.config import MLOpsConfig
from mlops.database import Durability, GroupCommit, configured_database
from mlops.errors import Conflict, InvalidInput, NotFound
from mlops.search import Page

if TYPE_CHECKING:
    from mlops.database import Transaction
    from mlops.model_registry import ModelRegistry

__all__ = ["ABTestManagerService"]

_RETRY_S = 60.0  # after a look that should have stopped a test and could not


class ABTestManagerService:
    """Compares versions of models on live traffic, with statistics that stay honest however often one looks.

    Safe to use from any thread and from several processes at once: every process assigns a user the same variant.
    Interactions, labels and exposures are acknowledged once they survive `kill -9`, everything else once it survives
    power loss.

    Args:
        database_url: `sqlite:///file.db` or `postgresql://user:password@host:5432/name`. None: as configured.
        results_dir: The folder for final reports, one folder a test: as a document, a page and a picture.
        registry: Where the versions of a design must be registered; None: designs may name any.
        project: Project of tests that name none.
        config: The configuration; None loads it from the environment and the configuration file.
        now: The clock.
        new_id: The source of ids.
    """

    def __init__(
        self,
        database_url: str | None = None,
        results_dir: str | os.PathLike[str] = "./ab_tests",
        *,
        registry: ModelRegistry | None = None,
        project: str = "default",
        config: MLOpsConfig | None = None,
        now: Now = clock.now,
        new_id: NewId = clock.new_id,
    ) -> None:
        self._results_dir = Path(results_dir)
        self._files = ReportFiles(self._results_dir)
        self._registry = registry
        self._project = project
        self._now = now
        self._is_closed = False
        self._database = configured_database(database_url, config)
        self._tests, self._log, books = SqlTestStore(), SqlLogStore(), SqlBookStore()
        stores = (self._tests, self._log, books)
        self._watcher = Watcher(self._look)
        self._board = Board(self._database, self._tests, learned=self._remind)
        self._finder = Finder(self._tests, books, self._board, now=now)
        self._conductor = Conductor(self._database, self._tests, self._board, project=project, now=now, new_id=new_id)
        facts = partial(GroupCommit, self._database, durability=Durability.FACT)
        self._newcomers = Newcomers(stores, learn=self._board.at, now=now)
        self._assigner = Assigner(self._board, facts(self._newcomers.write), find=self._exposure, now=now)
        joiner = Joiner(self._log)
        watched: dict[str, Any] = {"learn": self._board.at, "touched": self._watcher.touch, "now": now}
        self._recorder = Recorder(stores, joiner, **watched)
        self._interactions = facts(self._recorder.write)
        self._labeller = Labeller(stores, joiner, **watched)
        self._labels = facts(self._labeller.write)
        self._rebuilder = Rebuilder(self._log, books)
        self._board.refresh()  # tests whose time ends are stopped then, also where nobody asks for them

    def __enter__(self) -> ABTestManagerService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ABTestManager({self._database.masked_url!r}, {str(self._results_dir)!r}, project={self._project!r})"

    def close(self) -> None:
        """Stop watching and let go of the database; tests go on. Twice is once."""
        self._watcher.close()
        self._files.close()
        if not self._is_closed:
            self._is_closed = True
            self._database.close()

    def create_test(self, config: ABTestConfig) -> str:
        """Store the design of a test.

        Returns:
            The test's id: the one in `config`, or a new one when that is empty.

        Raises:
            InvalidDesign: The design cannot answer its question; the error lists why.
            ABTestExists: The id is taken.
        """
        if not isinstance(config, ABTestConfig):
            raise InvalidInput(f"create_test takes an ABTestConfig, not {config!r}.")
        drafted = self._conductor.drafted(config)
        check_design(drafted, versions=None if self._registry is None else _registered(self._registry, drafted))
        return self._conductor.create(drafted).test_id

    def start_test(self, test_id: str) -> ABTestConfig:
        """Start a test: users are assigned, and its method is fixed.

        Raises:
            ABTestNotFound: There is none.
            ABTestMoveRefused: It was started before.
            Conflict: Its `ends_at` has passed.
        """
        self._finder.load()
        return self._conductor.start(test_id)

    def pause_test(self, test_id: str, reason: str = "") -> ABTestConfig:
        """Let no newcomers in until `resume_test`; users who have a variant keep it, unless the design says otherwise.

        Raises:
            ABTestMoveRefused: It does not run.
        """
        return self._conductor.move(test_id, "pause", reason)

    def resume_test(self, test_id: str, reason: str = "") -> ABTestConfig:
        """Let a paused test go on.

        Raises:
            ABTestMoveRefused: It is not paused.
        """
        return self._conductor.move(test_id, "resume", reason)

    def change_allocation(self, test_id: str, allocation: Mapping[str, float], reason: str = "") -> ABTestConfig:
        """Give newcomers other shares from now on: a new phase. Nobody who has a variant is moved.

        Raises:
            ABTestMoveRefused: The test is neither running nor paused.
            InvalidInput: The shares do not sum to 1, or name other variants.
        """
        return self._conductor.change_allocation(test_id, allocation, reason)

    def advance_rollout(self, test_id: str, reason: str = "") -> ABTestConfig:
        """Take the next step of a gradual rollout.

        Raises:
            ABTestMoveRefused: The test does not run.
            Conflict: It is in its last step.
        """
        return self._conductor.advance(test_id, reason)

    def stop_test(self, test_id: str, reason: str = "") -> ABTestReport:
        """End a test; its final report is stored, and written to the results folder.

        There `<test_id>/` gets `report.json`, `report.html` and `report.png`. A folder that cannot be written to is
        logged as a warning: the test has ended. Labels may still come; `get_report` takes them in, `get_final_report`
        stays as it was.

        Raises:
            ABTestMoveRefused: It is neither running nor paused.
        """
        report = self._stop(test_id, reason, None)
        self._files.write(report)
        return report

    def cancel_test(self, test_id: str, reason: str = "") -> ABTestConfig:
        """End a test without a result.

        Raises:
            ABTestMoveRefused: It is over.
        """
        return self._conductor.move(test_id, "cancel", reason)

    def force_variant(self, test_id: str, users: str | Iterable[str], variant: str | None) -> ABTestConfig:
        """Give users a variant for testing, whatever their hash says; their interactions are kept but not analysed.

        Args:
            users: One user or several.
            variant: None takes it back.

        Raises:
            VariantNotFound: The test has no such variant.
            ABTestMoveRefused: It is over.
        """
        return self._conductor.force(test_id, [users] if isinstance(users, str) else users, variant)

    def assign_variant(self, test_id: str, user_id: str, context: Mapping[str, Any] | None = None) -> str | None:
        """Return the variant of a user: always the same one, in every process, from the first time on.

        Args:
            context: Fields of the request that the test's `user_filters` look at.

        Returns:
            None outside the test's audience or time, while it does not run, and where the user takes part in as many
            tests as allowed. Serve such a user as if there were no test, and log no interaction.

        Raises:
            ABTestNotFound: There is no such test.
            InvalidInput: The user's id cannot be one.
        """
        return self._assigner.assign(test_id, user_id, context)

    def assign_variant_async(
        self, test_id: str, user_id: str, context: Mapping[str, Any] | None = None
    ) -> Awaitable[str | None]:
        """Assign from an event loop: at once where what is known decides, else with whoever else asks at that time."""
        return self._assigner.assign_soon(test_id, user_id, context)

    def log_interaction(self, interaction: ABTestInteraction) -> None:
        """Store what a variant answered; it is stored when this returns. The same again changes nothing.

        Raises:
            ABTestNotFound: There is no such test.
            ABTestNotRunning: It takes no interactions now.
            VariantMismatch: The user was assigned another variant, or was never assigned one.
            InteractionConflict: The id belongs to an interaction with another content.
            InteractionRefused: A number in it is not finite, or a metric has a value that the design does not allow.
        """
        self._interactions.submit(prepare(interaction))

    def log_interaction_async(self, interaction: ABTestInteraction) -> Awaitable[None]:
        """Store from an event loop, in one transaction with whoever else does so at that time."""
        return self._interactions.join(prepare(interaction))

    def log_interactions(self, interactions: Iterable[ABTestInteraction]) -> None:
        """Store many interactions in one transaction: all, or none. Raises as `log_interaction`.

        In shadow tests so are the answers of all variants to one request stored together.
        """
        prepared = [prepare(interaction) for interaction in interactions]
        with self._database.write(Durability.FACT) as tx:
            raise_refused(self._recorder.write(tx, prepared))

    def record_outcome(
        self, interaction_id: str, label: Any, *, test_id: str | None = None, revision: int | None = None
    ) -> list[InteractionOutcome]:
        """Tell the truth about an interaction, days later if need be; telling it again with another label revises it.

        A label whose interaction has not come yet is parked and joined when it does.

        Args:
            label: What the prediction should have been.
            test_id: The test; None means every test that the interaction was logged in.
            revision: A number from 1; of several labels the one with the highest holds, in whatever order they come.
                None means that what is told last holds.

        Returns:
            What is known now, one for each test.

        Raises:
            ABTestNotFound: There is no such test.
            InteractionRefused: The label cannot be one.
        """
        return self._labels.submit(told(interaction_id, label, test_id, revision))

    def record_outcome_async(
        self, interaction_id: str, label: Any, *, test_id: str | None = None, revision: int | None = None
    ) -> Awaitable[list[InteractionOutcome]]:
        """Tell from an event loop, in one transaction with whoever else does so at that time."""
        return self._labels.join(told(interaction_id, label, test_id, revision))

    def record_outcomes(self, labels: Mapping[str, Any], *, test_id: str | None = None) -> None:
        """Tell the truth about many interactions in one transaction: all, or none. Raises as `record_outcome`.

        An error names the first label at fault and how many more there are.

        Args:
            labels: By the ids of their interactions. Of a table, `frame.set_index("interaction_id")["label"].dropna()`.
            test_id: The test; None means every test that an interaction was logged in.
        """
        items = told_all(labels, test_id)
        with self._database.write(Durability.FACT) as tx:
            raise_refused(self._labeller.write(tx, items))

    def calculate_results(self, test_id: str) -> dict[str, VariantResult]:
        """Return what was found of every variant, control first; NaN where nothing was measured.

        Raises:
            ABTestNotFound: There is no such test.
        """
        with self._database.read() as tx:
            return self._finder.results(tx, test_id)

    def get_report(self, test_id: str) -> ABTestReport:
        """Return everything that is to be said of a test now. Raises as `calculate_results`."""
        with self._database.read() as tx:
            return self._finder.report(tx, self._finder.test(tx, test_id).config)

    def get_final_report(self, test_id: str) -> ABTestReport:
        """Return the report as it was when the test was stopped.

        Raises:
            Conflict: The test was not stopped, so there is none.
        """
        with self._database.read() as tx:
            config = self._finder.test(tx, test_id).config
            document = self._tests.find_report(tx, test_id)
        if document is None:
            raise Conflict(f"Test {test_id!r} is {config.status} and has no final report; get_report() tells of now.")
        return ABTestReport.from_document(document)

    def check_for_early_stopping(self, test_id: str) -> Decision:
        """Decide whether a test goes on, pauses, stops or takes its next step, and do it; see `stopping`.

        It happens by itself, within a second: when interactions or labels come, and when the time of a test is over,
        as long as one process has a manager open.

        Raises:
            ABTestNotFound: There is no such test.
        """
        decision, report = self._check(test_id)
        if report is not None:
            self._files.write(report)
        return decision

    def _check(self, test_id: str) -> tuple[Decision, ABTestReport | None]:
        """Do what the rules for stopping say; return that, and the final report of a test that it ended."""
        with self._database.read() as tx:
            decision = self._finder.decision(tx, test_id)
        if decision.action == "stop":
            return decision, self._stop(test_id, decision.reason, decision)
        if decision.action == "pause":
            self._conductor.move(test_id, "pause", decision.reason)
        elif decision.may_advance:
            self._conductor.advance(test_id, decision.advance_reason)
        return decision, None

    def get_test_config(self, test_id: str) -> ABTestConfig:
        """Return the design of a test, and where it stands.

        Raises:
            ABTestNotFound: There is none; the error names similar ids.
        """
        with self._database.read() as tx:
            return self._finder.test(tx, test_id).config

    def get_test(self, test_id: str) -> ABTestConfig:
        """Return what `get_test_config` returns."""
        return self.get_test_config(test_id)

    def list_tests(
        self,
        filter: str | None = None,
        *,
        status: TestStatus | str | None = None,
        project: str | None = None,
        order_by: str | None = None,
        limit: int = 50,
        offset: int = 0,
        cursor: str | None = None,
    ) -> Page[ABTestConfig]:
        """Return a page of tests, newest first unless `order_by` says otherwise.

        Args:
            filter: A condition such as `status = 'running' and control_model_id = 'lab_classifier'`.
            limit: Most tests to return, 1 to 10,000.
            cursor: The `next_cursor` of the page before.

        Raises:
            SearchSyntaxError: The filter or the order cannot be read; the error points at the column.
            InvalidInput: No status has this name.
        """
        query = ABTestQuery(
            filter=filter,
            status=None if status is None else read_status(status),
            project=project,
            order_by=order_by,
            limit=limit,
            offset=offset,
            cursor=cursor,
        )
        with self._database.read() as tx:
            return self._tests.page(tx, query, at=self._now())

    def history(self, test_id: str) -> list[ABTestMove]:
        """Return everything that happened to a test, in order: who did what, when and why."""
        with self._database.read() as tx:
            self._finder.test(tx, test_id)
            return self._tests.moves(tx, test_id)

    def verify_aggregates(self, test_id: str) -> AggregateReport:
        """Make a test's statistics again from its log and compare them with those that are kept; nothing is changed."""
        with self._database.read() as tx:
            return self._rebuilder.verify(tx, self._finder.test(tx, test_id))

    def rebuild_aggregates(self, test_id: str) -> AggregateReport:
        """Replace a test's statistics by those that its log makes; return what was different."""
        with self._database.write() as tx:
            self._tests.hold(tx, [test_id])
            return self._rebuilder.rebuild(tx, self._finder.test(tx, test_id))

    def _exposure(self, newcomer: Newcomer) -> Exposure | None:
        with self._database.read() as tx:
            return self._newcomers.find(tx, newcomer)

    def _stop(self, test_id: str, reason: str, decision: Decision | None) -> ABTestReport:
        made: list[ABTestReport] = []

        def report(tx: Transaction, config: ABTestConfig) -> None:
            made.append(self._finder.report(tx, config, decision))
            self._tests.put_report(tx, test_id, made[-1].to_document())

        self._conductor.move(test_id, "stop", reason, at_the_end=report)
        return made[-1]

    def _look(self, test_id: str) -> None:
        """Check a test that was touched or whose time is over; another process may have stopped it at the same time."""
        test = self._board.find(test_id)
        if test is None or not test.is_running:
            return
        try:
            _, report = self._check(test_id)
            if report is not None:
                self._files.write_aside(report)
        except Conflict:
            self._board.get(test_id)
        finally:
            self._remind(self._board.find(test_id) or test, least_s=_RETRY_S)

    def _remind(self, test: LiveTest, *, least_s: float = 0.0) -> None:
        """Have a running test looked at when its time is over."""
        if test.is_running and test.closes is not None:
            remaining_s = (test.closes - clock.microseconds(self._now())) / 1e6
            self._watcher.remind(test.config.test_id, max(remaining_s, least_s))


def _registered(registry: ModelRegistry, config: ABTestConfig) -> set[tuple[str, str]]:
    """Return those of a design's models that are registered."""
    found = set()
    for variant in config.variants:
        model = config.model_of(variant)
        with suppress(NotFound):
            registry.sync.resolve(model.model_id, model.version)
            found.add((model.model_id, model.version))
    return found
