"""Options of runs, and sources as they are kept and resolved."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops.data_pipeline import ReadOptions
from mlops.data_pipeline.run_options import RunOptions, check_source, resolved_source
from mlops.errors import InvalidInput

PASSWORDS = [
    "postgresql://lab:secret@host/lims",
    "postgresql://lab:se%40cret@host/lims",
    "postgresql://lab:se#cret@host/lims",
    "postgresql://lab:x${PASSWORD}@host/lims",
    "postgresql://host/lims?user=lab&password=secret",
    "mysql://lab:secret@host/lims",
]


@pytest.mark.parametrize("url", PASSWORDS)
def test_a_password_in_a_url_is_refused(url: str) -> None:
    """Wherever it stands, and without repeating it."""
    with pytest.raises(InvalidInput, match="has a password in it") as refused:
        check_source(url)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://lab:${LIMS_PASSWORD}@host:5432/lims",
        "postgresql://host/lims?user=lab&password=${LIMS_PASSWORD}",
        "postgresql://lab@host/lims",
        "sqlite:////data/lims.db",
        "sqlite:///${LIMS_FILE}",
    ],
)
def test_a_url_without_a_password_is_kept_as_it_is(url: str) -> None:
    """Also one that names the variable which has it."""
    assert check_source(url) == url


def test_paths_are_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of files and of SQLite databases: the worker may be in another folder."""
    monkeypatch.chdir(tmp_path)
    assert check_source("a/table.csv") == str(tmp_path / "a" / "table.csv")
    assert check_source("sqlite:///lims.db") == f"sqlite:///{tmp_path}/lims.db"
    assert check_source("sqlite:///a/lims.db?mode=ro") == f"sqlite:///{tmp_path}/a/lims.db?mode=ro"


@pytest.mark.parametrize("url", ["https:// /x", "://x", "s3://bucket/table.csv?x=[", "nonsense//://"])
def test_other_urls_are_clearly_answered(url: str) -> None:
    """Either kept, to fail where they are read, or refused in a sentence."""
    try:
        assert check_source(url)
    except InvalidInput as error:
        assert "is no URL of a database" in str(error)  # noqa: PT017


def test_variables_are_resolved_where_the_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password of any characters is one password."""
    from sqlalchemy import make_url

    monkeypatch.setenv("LIMS_PASSWORD", "p@ss/w:rd#?%")
    monkeypatch.setenv("LIMS_FILE", "/data/my lims.db")
    url = resolved_source("postgresql://lab:${LIMS_PASSWORD}@host/lims")
    assert make_url(url).password == "p@ss/w:rd#?%"
    assert make_url(url).host == "host"
    assert resolved_source("sqlite:///${LIMS_FILE}") == "sqlite:////data/my lims.db"


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which, and files are left alone."""
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(InvalidInput, match="NOT_SET, which is not set"):
        resolved_source("postgresql://lab:${NOT_SET}@host/lims")
    assert resolved_source("/data/${NOT_SET}.csv") == "/data/${NOT_SET}.csv"


def test_options_survive_their_document() -> None:
    """What a run keeps is what the worker gets."""
    options = RunOptions(read=ReadOptions(separator=";", null_values=("-",)), max_bad_fraction=0.25)
    assert RunOptions.from_document(options.to_document()) == options


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), "much"])
def test_a_fraction_is_between_0_and_1(fraction: object) -> None:
    """Anything else is refused."""
    with pytest.raises(InvalidInput, match="max_bad_fraction"):
        RunOptions(max_bad_fraction=fraction)
