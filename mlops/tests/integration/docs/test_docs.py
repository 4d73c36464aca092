"""The documentation is true: its code runs, its links lead somewhere, its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops.cli.app import build_command
from mlops.tests.fixtures import page_runner

ROOT = Path(__file__).resolve().parents[4]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changes").glob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
DOCUMENTED_POSTGRESQL = "postgresql://tracseq:secret@localhost:5432/mlops"


def named(page: Path) -> str:
    """Return a page's path below the repository's root."""
    return str(page.relative_to(ROOT))


def languages(page: Path) -> set[str]:
    """Return the languages of a page's code blocks."""
    return {block.language for block in page_runner.blocks(page.read_text("utf-8"))}


RUNNABLE = [page for page in PAGES if {"python", "bash"} & languages(page)]


@pytest.mark.parametrize("page", RUNNABLE, ids=named)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Every Python block and every mlops command of a page runs in order, without a warning."""
    text = page.read_text("utf-8")
    if DOCUMENTED_POSTGRESQL in text:
        text = text.replace(DOCUMENTED_POSTGRESQL, request.getfixturevalue("postgresql_url"))
    copy = tmp_path / "page.md"
    copy.write_text(text, "utf-8")
    command = [sys.executable, "-W", "error", page_runner.__file__, str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == 0, f"{named(page)}\n{done.stdout}\n{done.stderr}"


def make_targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_make_targets_that_a_page_names_exist(page: Path) -> None:
    """Whatever a page says after `make`, in a block or in backquotes, is a target of the Makefile."""
    lines = re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)(?:`|$|#)", page.read_text("utf-8"), re.MULTILINE)
    wanted = {target for line in lines for target in line.split()}
    assert wanted <= make_targets()


def misnamed(words: list[str]) -> Iterator[str]:
    """Yield the words of an `mlops` command that are no subcommand or option of it."""
    command = build_command()
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if words and hasattr(command, "commands") and words[0].isalpha():
        yield words[0]
    known = {"--help", *(name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts])}
    yield from (word for word in words if word.startswith("--") and word not in known)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    """Whatever a page says after `mlops`, in a block or in backquotes, is a command with the options it has."""
    lines = re.findall(r"(?:^|^\$ |`)mlops ([^`\n]+)", page.read_text("utf-8"), re.MULTILINE)
    assert [line for line in lines if list(misnamed(line.split()))] == []


def test_commands_that_messages_name_exist() -> None:
    """So are the commands that errors, remarks and docstrings tell people to type."""
    groups = "|".join(build_command().commands)
    said = re.compile(rf"\bmlops ((?:{groups})\b[^\"`\n{{(]*)")
    sources = [path for path in (ROOT / "mlops").rglob("*.py") if "tests" not in path.parts]
    lines = [line for path in sources for line in said.findall(path.read_text("utf-8"))]
    plain = [[word.rstrip(".,;:") for word in line.split()] for line in lines]
    assert len(plain) > 50
    assert [words for words in plain if list(misnamed([*words]))] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code forges make them."""
    heads = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def broken_links(page: Path) -> Iterator[str]:
    """Yield the links of a page that lead to no file or no heading of the repository."""
    for link in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link inside the repository names a file, and a heading where it has an anchor."""
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=named)
def test_every_page_can_be_reached(page: Path) -> None:
    """A reader gets from the README or docs/index.md to every page by links alone."""
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        current = waiting.pop()
        if current in reached or current.suffix != ".md" or not current.is_file():
            continue
        reached.add(current)
        links = LINK.findall(current.read_text("utf-8"))
        waiting += [(current.parent / link.partition("#")[0]).resolve() for link in links if ":" not in link]
    assert page in reached


def test_reference_is_current() -> None:
    """The pages of docs/reference say what the docstrings say now."""
    command = [sys.executable, str(ROOT / "tools" / "generate_reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
