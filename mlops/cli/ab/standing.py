"""`mlops ab status`: where a test stands, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mlops.cli import output
from mlops.cli.ab.access import TestArgument, find_test, open_manager
from mlops.cli.cells import status_cell
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.ab_testing import ABTestConfig, ABTestMove, ABTestReport

__all__ = ["status"]


def status(test: TestArgument, *, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Show where a test stands: its design, how much came, what the rules for stopping say, and its history."""
    with open_manager(database) as manager:
        config = find_test(manager, test)
        found, moves = manager.get_report(config.test_id), manager.history(config.test_id)
    if as_json:
        document = {
            "test": config.to_document(),
            "interactions": found.interactions,
            "verdict": str(found.verdict),
            "conclusion": found.conclusion,
            "decision": found.decision.to_document(),
            "moves": [move.to_document() for move in moves],
        }
        output.write_json(document)
        return
    output.write_facts(dict(_facts(config, found)), as_json=False)
    if output.is_terminal():
        _write_moves(moves)


def _facts(config: ABTestConfig, found: ABTestReport) -> Iterator[tuple[str, Any]]:
    """Yield what is known of a test, a line each."""
    yield "test", config.test_id
    yield "name", config.name
    yield "status", status_cell(config.status)
    yield "type", Cell(str(config.test_type), config.test_type.replace("_", " "))
    for name in config.variants:
        model, result = config.model_of(name), found.results[name]
        came = f"{result.sample_size} interactions, {result.users} users"
        shown = f"{result.sample_size:,} interactions, {result.users:,} users"
        served = f"{model.model_id} {model.version}"
        yield name, Cell(f"{served}, {came}", f"{served}, {shown}")
    yield "primary metric", config.primary_metric
    yield "interactions", Cell(found.interactions, f"{found.interactions:,}")
    yield "verdict", Cell(str(found.verdict), found.conclusion)
    yield from ((name, value) for name, value in _told(config, found).items() if value)


def _told(config: ABTestConfig, found: ABTestReport) -> dict[str, Any]:
    return {
        "decision": "" if found.is_final or found.decision.reason == found.conclusion else found.decision.reason,
        "next step": found.decision.advance_reason,
        "reason": config.stop_reason,
        "started": config.started_at,
        "ended": config.ended_at,
        "labels": found.label_coverage.words,
        "traffic": found.sample_ratio.words,
    }


def _write_moves(moves: Sequence[ABTestMove]) -> None:
    rows = [
        [move.at, move.action.replace("_", " "), status_cell(move.to_status), move.actor, move.reason] for move in moves
    ]
    output.write_text("")
    output.write_table(("when (UTC)", "what", "status", "who", "why"), rows, wrap=["why"])
