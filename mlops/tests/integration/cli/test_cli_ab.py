"""`mlops ab` on real databases: plan, create, start, pause, resume, status, report, stop, list, verify."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.ab_testing import ABTestInteraction, ABTestManager
from mlops.tests.fixtures.command import Outcome

Mlops = Callable[..., Outcome]

DESIGN = {
    "name": "1.1.0 against 1.0.0",
    "control_model_id": "triage",
    "control_model_version": "1.0.0",
    "treatment_models": [{"model_id": "triage", "version": "1.1.0"}],
    "traffic_allocation": {"control": 0.5, "treatment_1": 0.5},
    "primary_metric": "accuracy",
    "error_rate_threshold": 0.2,
}


@pytest.fixture
def ab(mlops: Mlops, database_url: str) -> Mlops:
    """Return a function that runs `mlops ab` on the database."""
    return lambda *words: mlops("ab", *words, "--database", database_url)


@pytest.fixture
def create(ab: Mlops, tmp_path: Path) -> Callable[..., str]:
    """Return a function that creates a test from a JSON file, with fields changed."""

    def create_test(*words: str, **fields: Any) -> str:
        file = tmp_path / "design.json"
        file.write_text(json.dumps(DESIGN | fields), "utf-8")
        done = ab("create", str(file), *words)
        assert done.status == 0, done.err
        return done.out.strip()

    return create_test


@pytest.fixture
def logged(create: Callable[..., str], database_url: str, tmp_path: Path) -> str:
    """Return the id of a running test with 60 interactions, 50 of them with a label."""
    test_id = create("--start")
    with ABTestManager(database_url, tmp_path / "ab_tests").sync as manager:
        rows = [interaction(test_id, number, manager.assign_variant(test_id, f"u{number}")) for number in range(60)]
        manager.log_interactions(rows)
        manager.record_outcomes({f"i{number}": "yes" for number in range(50)}, test_id=test_id)
    return test_id


def interaction(test_id: str, number: int, variant: str | None) -> ABTestInteraction:
    assert variant is not None
    return ABTestInteraction(
        interaction_id=f"i{number}",
        test_id=test_id,
        variant_id=variant,
        user_id=f"u{number}",
        response_data={"prediction": "yes" if number % 5 else "no"},
        latency_ms=10.0,
        success=True,
    )


def answer(done: Outcome) -> Any:
    assert done.status == 0, done.err
    return json.loads(done.out)


def rows_of(done: Outcome) -> list[dict[str, str]]:
    assert done.status == 0, done.err
    return list(csv.DictReader(done.out.splitlines(), dialect="excel-tab"))


def test_a_test_goes_through_its_life(ab: Mlops, create: Callable[..., str], tmp_path: Path) -> None:
    """Created, started, paused, resumed, stopped; each command says what became of it; the history keeps reasons."""
    test_id = create()
    assert answer(ab("status", test_id, "--json"))["test"]["status"] == "planning"
    assert ab("start", test_id).out == f"{test_id}\trunning\n"
    assert answer(ab("pause", test_id, "--reason", "a holiday", "--json"))["status"] == "paused"
    assert answer(ab("resume", test_id, "--json"))["status"] == "running"
    done = ab("stop", test_id, "--reason", "over", "--results-dir", str(tmp_path / "out"), "--json")
    assert answer(done)["status"] == "completed"
    moves = answer(ab("status", test_id, "--json"))["moves"]
    assert [move["action"] for move in moves] == ["create", "start", "pause", "resume", "stop"]
    assert [move["reason"] for move in moves if move["reason"]] == ["a holiday", "over"]
    written = {path.name for path in (tmp_path / "out" / test_id).iterdir()}
    assert written == {"report.json", "report.html", "report.png"}
    assert all(f"Wrote {tmp_path / 'out' / test_id / name}" in done.err for name in written)


def test_a_move_that_is_not_allowed_is_one_readable_line(ab: Mlops, create: Callable[..., str]) -> None:
    """What is possible is named; the exit status is 1."""
    done = ab("resume", create())
    assert done.status == 1
    assert "is planning, which does not allow resume" in done.err


def test_lists_say_what_is_compared(ab: Mlops, create: Callable[..., str]) -> None:
    """Newest first, narrowed by status and filter, in JSON and in lines."""
    first, second = create(), create("--start", name="another")
    assert [row["test_id"] for row in rows_of(ab("list"))] == [second, first]
    [row] = rows_of(ab("list", "--status", "running"))
    assert (row["control"], row["treatments"]) == ("triage 1.0.0", "triage 1.1.0")
    assert [one["test_id"] for one in answer(ab("list", "name = 'another'", "--json"))["tests"]] == [second]


def test_tests_are_found_by_name_and_by_the_end_of_their_id(ab: Mlops, create: Callable[..., str]) -> None:
    """A name that two have is refused with both."""
    test_id = create(name="triage")
    assert answer(ab("status", "triage", "--json"))["test"]["test_id"] == test_id
    assert answer(ab("status", test_id[-10:], "--json"))["test"]["test_id"] == test_id
    create(name="triage")
    done = ab("status", "triage")
    assert done.status == 1
    assert test_id in done.err
    assert ab("status", "nothing like it").status == 1


def test_reports_are_written_as_page_and_picture(ab: Mlops, logged: str, tmp_path: Path) -> None:
    """Lines hold every digit; files are written beside, in folders that are made."""
    page, picture = tmp_path / "new" / "report.html", tmp_path / "new" / "report.svg"
    rows = rows_of(ab("report", logged, "--html", str(page), "--png", str(picture)))
    [primary] = [row for row in rows if row["metric"] == "accuracy"]
    assert primary["variant"] == "treatment_1"
    assert primary["verdict"] == "undecided"
    assert "1.1.0 against 1.0.0" in page.read_text("utf-8")
    assert "<svg" in picture.read_text("utf-8")
    found = answer(ab("report", logged, "--json"))
    assert found["interactions"] == 60
    assert sum(one["labelled"] for one in found["results"].values()) == 50


def test_a_picture_of_no_known_kind_is_refused_first(ab: Mlops, logged: str) -> None:
    """Nothing is computed or written."""
    done = ab("report", logged, "--png", "report.gif")
    assert done.status == 1
    assert ".png, .svg, .pdf" in done.err


def test_only_a_stopped_test_has_a_final_report(ab: Mlops, logged: str, tmp_path: Path) -> None:
    """It stays as it was."""
    assert "has no final report" in ab("report", logged, "--final").err
    stopped = answer(ab("stop", logged, "--results-dir", str(tmp_path / "out"), "--json"))
    assert answer(ab("report", logged, "--final", "--json"))["at"] == stopped["at"]


def test_statistics_are_proved(ab: Mlops, logged: str) -> None:
    """`verify` reads the whole log."""
    found = answer(ab("verify", logged, "--json"))
    assert (found["is_equal"], found["interactions"], found["labels"]) == (True, 60, 50)
    assert "are those that its log makes" in ab("verify", logged).out


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"traffic_allocation": {"control": 0.5, "treatment_1": 0.6}}, "sums to 1.1"),
        ({"treatment_models": [{"model_id": "triage", "version": "1.0.0"}]}, "the same as control"),
        ({"primary_metrik": "accuracy"}, "primary_metric"),
    ],
)
def test_designs_that_cannot_be_are_refused(ab: Mlops, tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    """With the reason, and a near name for a field that there is not."""
    file = tmp_path / "design.json"
    file.write_text(json.dumps(DESIGN | fields), "utf-8")
    done = ab("create", str(file))
    assert done.status == 1
    assert said in done.err


@pytest.mark.parametrize("text", ["[1]", "{", ""])
def test_files_that_hold_no_design_are_refused(ab: Mlops, tmp_path: Path, text: str) -> None:
    """The file is named."""
    file = tmp_path / "design.json"
    file.write_text(text, "utf-8")
    assert "design.json" in ab("create", str(file)).err
    assert "nothing.json" in ab("create", str(tmp_path / "nothing.json")).err


def test_versions_must_be_in_the_registry_that_is_named(ab: Mlops, tmp_path: Path) -> None:
    """Without --registry-path designs may name any."""
    file = tmp_path / "design.json"
    file.write_text(json.dumps(DESIGN), "utf-8")
    done = ab("create", str(file), "--registry-path", str(tmp_path / "models"))
    assert done.status == 1
    assert "not registered" in done.err


def test_plans_answer_size_days_and_effect(mlops: Mlops) -> None:
    """In JSON, and as lines; what cannot be planned is said."""
    words = ("ab", "plan", "--baseline", "0.9", "--effect", "0.02", "--mode", "fixed", "--traffic", "500")
    found = json.loads(mlops(*words, "--size", "2000", "--json").out)
    assert found["total"] == sum(found["per_variant"].values()) == pytest.approx(6430, abs=10)
    assert found["days"] == pytest.approx(found["total"] / 500)
    assert 0 < found["power_at_size"] < 0.8
    lines = dict(line.split("\t") for line in mlops(*words, "--treatments", "2").out.splitlines())
    assert {"of control", "of treatment_1", "of treatment_2", "days"} <= set(lines)
    assert "cannot be planned" in mlops("ab", "plan", "--baseline", "0.99", "--effect", "0.02").err


def test_a_plan_of_nothing_says_what_to_name(mlops: Mlops) -> None:
    """An effect or a size; the exit status is 1."""
    done = mlops("ab", "plan", "--baseline", "0.9")
    assert done.status == 1
    assert "name the effect to find, or a size" in done.err


def test_a_design_effect_is_a_round_number(mlops: Mlops) -> None:
    """Twenty interactions of one user with a correlation of .1."""
    done = mlops("ab", "plan", "--baseline", "0.9", "--effect", "0.02", "--per-user", "20", "--correlation", "0.1")
    assert "design effect\t2.9\n" in done.out


def test_a_status_tells_what_its_numbers_count(ab: Mlops, logged: str) -> None:
    """Interactions and users of each variant, also in a pipe."""
    lines = dict(line.split("\t") for line in ab("status", logged).out.splitlines())
    assert re.fullmatch(r"triage 1\.0\.0, (\d+) interactions, \1 users", lines["control"])


def test_a_database_that_is_not_there_is_not_created(mlops: Mlops, tmp_path: Path) -> None:
    """Reading makes no file."""
    done = mlops("ab", "list", "--database", f"sqlite:///{tmp_path / 'none.db'}")
    assert done.status == 1
    assert "mlops ab create" in done.err
    assert not (tmp_path / "none.db").exists()
