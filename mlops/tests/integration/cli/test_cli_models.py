"""`mlops models` on real databases: list, show, history, compare, promote, rollback, alias, card, verify."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops.model_registry import ModelMetadata, ModelRegistryService
from mlops.tests.fixtures.command import Outcome

Mlops = Callable[..., Outcome]


@pytest.fixture
def registry(database_url: str, tmp_path: Path) -> Iterator[ModelRegistryService]:
    """Yield a registry on each of the two databases."""
    with ModelRegistryService(tmp_path / "kept", database_url, project="lab") as opened:
        yield opened


@pytest.fixture
def models(mlops: Mlops, database_url: str, tmp_path: Path) -> Mlops:
    """Return a function that runs `mlops models` on the registry's database."""

    def run(command: str, *words: str, project: str = "lab") -> Outcome:
        place = ["--database", database_url, "--registry-path", str(tmp_path / "kept"), "--project", project]
        return mlops("models", command, *words, *place)

    return run


def register(registry: ModelRegistryService, depth: int, **fields: Any) -> None:
    from sklearn.datasets import load_iris
    from sklearn.tree import DecisionTreeClassifier

    measures, species = load_iris(return_X_y=True, as_frame=True)
    tree = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(measures, species)
    told = ModelMetadata(model_id="iris", accuracy=tree.score(measures, species), tags={"kind": "test"}, **fields)
    registry.register_model(tree, told, {"max_depth": depth}, sample=measures)


@pytest.fixture
def two(registry: ModelRegistryService) -> ModelRegistryService:
    """Return the registry with versions 1.0.0 and 1.1.0 of a model."""
    register(registry, 1)
    register(registry, 3)
    return registry


def rows_of(done: Outcome) -> list[dict[str, str]]:
    assert done.status == 0, done.err
    return list(csv.DictReader(done.out.splitlines(), dialect="excel-tab"))


def document(done: Outcome) -> Any:
    assert done.status == 0, done.err
    return json.loads(done.out)


def test_a_list_has_a_line_a_version_with_its_metrics(two: ModelRegistryService, models: Mlops) -> None:
    """In a pipe numbers are exact; a filter, a status and an order decide which and how."""
    rows = rows_of(models("list", "params.max_depth > 0", "--order-by", "metrics.accuracy desc"))
    assert [row["version"] for row in rows] == ["1.1.0", "1.0.0"]
    assert float(rows[0]["metrics.accuracy"]) == two.get_model_metadata("iris", "1.1.0").accuracy
    assert rows_of(models("list", "--status", "production")) == []


def test_pages_follow_each_other(two: ModelRegistryService, models: Mlops) -> None:
    """The cursor of one page, in JSON and as a remark, asks for the next."""
    first = document(models("list", "--limit", "1", "--json"))
    remarked = re.search(r"--cursor (\S+)", models("list", "--limit", "1").err)
    assert remarked
    for cursor in (first["next_cursor"], remarked[1]):
        rest = document(models("list", "--limit", "1", "--cursor", cursor, "--json"))
        assert [one["version"] for one in first["models"] + rest["models"]] == ["1.1.0", "1.0.0"]


def test_empty_lists_say_what_to_do(registry: ModelRegistryService, models: Mlops) -> None:
    """Nothing at all, nothing in this project, and nothing that matches are told apart."""
    assert "`mlops demo`" in models("list").err
    register(registry, 1)
    assert "some in: lab" in models("list", project="elsewhere").err
    assert "No version matches." in models("list", "--status", "failed").err


def test_a_missing_database_is_not_created(mlops: Mlops, tmp_path: Path) -> None:
    """Looking leaves no file behind."""
    done = mlops("models", "list", "--database", f"sqlite:///{tmp_path / 'no.db'}")
    assert done.status == 1
    assert "Register a model there first" in done.err
    assert not (tmp_path / "no.db").exists()


def test_show_has_everything_about_a_version(two: ModelRegistryService, models: Mlops) -> None:
    """Without a version the one in production is meant; lines and JSON agree."""
    two.promote_model("iris", "1.0.0", "production")
    two.set_alias("iris", "champion", "1.1.0")
    facts = dict(line.split("\t") for line in models("show", "iris").out.splitlines())
    assert (facts["version"], facts["status"], facts["params.max_depth"]) == ("1.0.0", "production", "1")
    assert facts["inputs.sepal length (cm)"] == "float64"
    assert facts["aliases.champion"] == "1.1.0"
    assert facts["versions.1.1.0"] == "validating"
    shown = document(models("show", "iris@champion", "--json"))
    assert shown["model"]["version"] == "1.1.0"
    assert shown["aliases"] == {"champion": "1.1.0"}


def test_show_tells_what_was_in_production_then(two: ModelRegistryService, models: Mlops) -> None:
    """A moment finds the version that served, whatever serves now."""
    two.promote_model("iris", "1.0.0", "production")
    two.promote_model("iris", "1.1.0", "production")
    between = two.history("iris")[2].at.isoformat()
    assert document(models("show", "iris", "--at", between, "--json"))["model"]["version"] == "1.0.0"
    before = models("show", "iris", "--at", "2001-01-01")
    assert (before.status, "had none" in before.err) == (1, True)
    assert "Name the model alone" in models("show", "iris@1.0.0", "--at", between).err


def test_mistyped_words_are_answered_with_near_ones(two: ModelRegistryService, models: Mlops) -> None:
    """Models and versions alike."""
    assert "Did you mean 'iris'?" in models("show", "irs").err
    assert "1.0.0" in models("show", "iris@1.0.9").err


def test_a_promotion_is_told_and_stands_in_the_history(two: ModelRegistryService, models: Mlops) -> None:
    """Who, when, what and why, in order, as lines and as JSON."""
    models("promote", "iris", "1.0.0", "--reason", "first")
    done = document(models("promote", "iris", "latest", "--reason", "better", "--json"))
    assert (done["model"]["version"], done["replaced_version"]) == ("1.1.0", "1.0.0")
    last = rows_of(models("history", "iris"))[-1]
    assert (last["version"], last["to_status"], last["reason"]) == ("1.1.0", "production", "better")
    assert last["actor"]
    moves = document(models("history", "iris", "--json"))["moves"]
    assert [one["sequence"] for one in moves] == [1, 2, 3, 4, 5]


def test_a_promotion_may_go_to_staging_first(two: ModelRegistryService, models: Mlops) -> None:
    """What has the status already stays as it is, and that is no error."""
    for _ in range(2):
        done = models("promote", "iris", "1.0.0", "--to", "staging", "--reason", "trial")
        assert (done.status, done.out) == (0, "iris\t1.0.0\tstaging\n")
    assert len(two.history("iris")) == 3


def test_a_promotion_needs_a_reason(two: ModelRegistryService, models: Mlops) -> None:
    """The history would be silent about it."""
    done = models("promote", "iris", "1.0.0")
    assert (done.status, "--reason" in done.err) == (2, True)


def test_a_rollback_returns_and_says_how_to_take_it_back(two: ModelRegistryService, models: Mlops) -> None:
    """The one that served before serves again; where none did, the error says so."""
    assert "no version that served before" in models("rollback", "iris", "--reason", "panic").err
    two.promote_model("iris", "1.0.0", "production")
    two.promote_model("iris", "1.1.0", "production")
    done = models("rollback", "iris", "--reason", "complaints")
    assert done.out == "iris\t1.0.0\tproduction\n"
    assert "mlops models promote iris 1.1.0" in done.err
    assert two.history("iris")[-1].reason == "complaints"


def test_aliases_are_given_listed_and_removed(two: ModelRegistryService, models: Mlops) -> None:
    """An alias goes wherever a version goes."""
    models("alias", "iris", "champion", "1.0.0")
    assert rows_of(models("alias", "iris")) == [{"alias": "champion", "version": "1.0.0"}]
    assert document(models("alias", "iris", "champion", "--remove", "--json"))["aliases"] == {}
    assert "has no aliases" in models("alias", "iris").err


@pytest.mark.parametrize("words", [["champion"], ["champion", "1.0.0", "--remove"], ["--remove"]])
def test_half_an_alias_is_refused(two: ModelRegistryService, models: Mlops, words: list[str]) -> None:
    """Nothing is changed."""
    assert models("alias", "iris", *words).status == 1
    assert two.list_aliases("iris") == {}


def test_a_comparison_begins_with_what_differs(two: ModelRegistryService, models: Mlops, tmp_path: Path) -> None:
    """The table, the CSV and the JSON agree; the best value is marked in JSON."""
    rows = rows_of(models("compare", "iris", "1.0.0", "latest", "--csv", str(tmp_path / "new" / "table.csv")))
    assert [rows[1]["field"], rows[1]["1.0.0"], rows[1]["1.1.0"]] == ["params.max_depth", "1", "3"]
    assert "params.max_depth,1,3" in (tmp_path / "new" / "table.csv").read_text()
    found = document(models("compare", "iris", "1.0.0", "1.1.0", "--only-differences", "--json"))
    assert found["versions"] == ["1.0.0", "1.1.0"]
    assert found["fields"][0]["best"] == ["1.1.0"]
    assert "Name two or more" in models("compare", "iris", "1.1.0", "latest").err


def test_a_card_goes_to_a_file_or_to_standard_output(two: ModelRegistryService, models: Mlops, tmp_path: Path) -> None:
    """The ending of the file is the form; another one is refused before anything is written."""
    page = tmp_path / "cards" / "iris.html"
    assert models("card", "iris@1.0.0", "--output", str(page)).out == f"{page}\n"
    assert page.read_text().lower().startswith("<!doctype html>")
    assert models("card", "iris@1.0.0").out.startswith("# iris 1.0.0")
    assert document(models("card", "iris", "--json"))["markdown"].startswith("# iris 1.1.0")
    refused = models("card", "iris", "--output", str(tmp_path / "iris.pdf"))
    assert "ends in neither .html nor .md" in refused.err
    assert not (tmp_path / "iris.pdf").exists()


def test_damaged_files_are_found(two: ModelRegistryService, models: Mlops, tmp_path: Path) -> None:
    """A sound version passes with status 0; a flipped byte is named, with status 1."""
    assert "is sound" in models("verify", "iris@1.0.0").out
    for path in (tmp_path / "kept").rglob("*"):
        if path.is_file() and path.stat().st_size > 500:
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"\0")
    done = models("verify", "iris@1.0.0", "--json")
    report = json.loads(done.out)
    assert (done.status, report["is_sound"]) == (1, False)
    assert report["problems"]
    assert "is not sound" in models("verify", "iris@1.0.0").out


def test_a_version_goes_from_site_to_site(
    two: ModelRegistryService, models: Mlops, mlops: Mlops, tmp_path: Path
) -> None:
    """A site takes in what a site it trusts signed, into a database that need not exist, and nothing else."""
    told = document(models("export", "iris@1.0.0", str(tmp_path / "iris.model"), "--json"))
    assert told["version"] == "1.0.0"
    there = ["--database", f"sqlite:///{tmp_path / 'there.db'}", "--registry-path", str(tmp_path / "there")]
    refused = mlops("models", "import", told["path"], *there)
    assert (refused.status, refused.out) == (1, "")
    for _ in range(2):
        done = mlops("models", "import", told["path"], "--trust", told["key"], *there)
        assert (done.status, done.out) == (0, "iris\t1.0.0\tvalidating\n"), done.err
    assert "is sound" in mlops("models", "verify", "iris", *there).out


def test_an_export_says_how_to_take_it_in(two: ModelRegistryService, models: Mlops, tmp_path: Path) -> None:
    """The path is printed alone; the remark has the key to trust."""
    done = models("export", "iris", str(tmp_path / "iris.model"))
    assert done.out == f"{tmp_path / 'iris.model'}\n"
    assert f"--trust {two.transfer_key()}" in done.err
