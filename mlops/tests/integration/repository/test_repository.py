"""Rules that hold for every file of the repository."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
LOCKS = ["mlops_requirements.txt", "requirements-dev.txt"]
# Put together here, so that this file does not name what it looks for.
REGISTRY_HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "deb." + "debian.org",
    "anaconda" + ".org",
]
INDEX_OPTIONS = ["--index" + "-url", "--extra-index" + "-url", "--trusted" + "-host", "--find" + "-links"]
SKIPS = {"skip", "skipif", "importorskip", "xfail"}


def repository_files() -> Iterator[Path]:
    """Yield the files that are committed or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            yield ROOT / name


@pytest.mark.parametrize("words", [REGISTRY_HOSTS, INDEX_OPTIONS], ids=["hosts", "options"])
def test_no_file_says_where_packages_come_from(words: list[str]) -> None:
    """Package indexes are the reader's own configuration: no file names one."""
    pattern = re.compile("|".join(map(re.escape, words)).encode())
    naming = [str(path.relative_to(ROOT)) for path in repository_files() if pattern.search(path.read_bytes())]
    assert naming == []


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_exact_versions_only(lock: str) -> None:
    """Every line of a lock is a comment or one package at one version, perhaps for some machines only."""
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+(\[[\w,-]+\])?==[\w.!+]+( ; .+)?", line)] == []


def normalised(requirement: str) -> str:
    """Return the name of a requirement as indexes compare it."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_locks_cover_what_pyproject_asks_for() -> None:
    """Every dependency of pyproject.toml stands in its lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    core, dev = ({normalised(line) for line in (ROOT / lock).read_text("utf-8").splitlines()[1:]} for lock in LOCKS)
    assert {normalised(line) for line in project["project"]["dependencies"]} <= core
    assert {normalised(line) for line in project["dependency-groups"]["dev"]} <= dev


def test_every_dependency_has_a_lower_bound() -> None:
    """A dependency without a bound may be resolved to a version of long ago."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *(line for lines in extras.values() for line in lines)]
    assert [line for line in wanted if ">=" not in line and not line.startswith("tracseq-mlops[")] == []


def gives_reason(call: ast.Call | None) -> bool:
    """Return whether a call that skips says why, by `reason=` or, for `pytest.skip`, as its argument."""
    if call is None:
        return False
    named = any(word.arg == "reason" for word in call.keywords)
    return named or (ast.unparse(call.func) == "pytest.skip" and bool(call.args))


def silent_skips(path: Path) -> list[int]:
    """Return the lines of a test file that skip or expect a failure without a reason."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    calls = {node.func: node for node in nodes if isinstance(node, ast.Call)}
    skips = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr in SKIPS]
    return [
        node.lineno for node in skips if ast.unparse(node).startswith("pytest.") and not gives_reason(calls.get(node))
    ]


def test_no_test_skips_silently() -> None:
    """A test that is skipped says why, so that a run's summary does."""
    files = (ROOT / "mlops" / "tests").rglob("*.py")
    assert [(path.name, lines) for path in files if (lines := silent_skips(path))] == []


def test_change_notes_have_a_kind() -> None:
    """The name of each file in changes/ ends with what kind of change it tells of."""
    kinds = "added|changed|fixed|removed|security"
    names = [path.name for path in (ROOT / "changes").glob("*") if path.name != "README.md"]
    assert [name for name in names if not re.fullmatch(rf"[a-z0-9-]+\.({kinds})\.md", name)] == []


def test_change_notes_are_sentences() -> None:
    """The changelog makes each note an item of a list; one that begins as one or as a heading would be one twice."""
    notes = {path.name: path.read_text("utf-8") for path in (ROOT / "changes").glob("*.*.md")}
    assert [name for name, text in notes.items() if text.startswith(("- ", "* ", "#"))] == []
