"""The tree of errors: what they say, what they carry, and that they travel between processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from mlops import errors
from mlops.errors import (
    InvalidInput,
    InvalidRecord,
    MissingDependency,
    MLOpsError,
    NotFound,
    StorageFull,
    Unavailable,
    did_you_mean,
    near_matches,
    require,
)


class ModelNotFound(NotFound):
    """A kind of its own, as domains make them."""

    kind = "model"


EXAMPLES = [
    InvalidInput("no"),
    InvalidRecord("Run", ["Field 'name' is required."]),
    NotFound("x"),
    ModelNotFound("lab_classifer", known=["lab_classifier"], hint="List them."),
    StorageFull("full"),
    MissingDependency("psycopg", extra="postgres", purpose="a database"),
]


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name[0].isupper()])
def test_every_error_is_of_the_tree(name: str) -> None:
    """One `except MLOpsError` catches all that the package raises on purpose."""
    assert issubclass(getattr(errors, name), MLOpsError)


def test_errors_are_also_what_python_calls_them() -> None:
    """Callers who know nothing of us catch them by the builtin kinds."""
    assert issubclass(InvalidInput, ValueError)
    assert issubclass(NotFound, LookupError)
    assert issubclass(MissingDependency, ImportError)
    assert issubclass(StorageFull, Unavailable)


def test_not_found_offers_near_matches() -> None:
    """The message has the name asked for, the one probably meant, and the hint."""
    error = ModelNotFound("lab_classifer", known=["other", "lab_classifier"], hint="List them with list_models().")
    assert str(error) == (
        "Model 'lab_classifer' does not exist. Did you mean 'lab_classifier'? List them with list_models()."
    )
    assert (error.name, error.near) == ("lab_classifer", ("lab_classifier",))


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("acuracy", ["accuracy", "loss"], ("accuracy",)),
        ("ACCURACY", ["accuracy", "loss"], ("accuracy",)),
        ("zzz", ["accuracy"], ()),
        ("anything", [], ()),
        ("metric_1", [f"metric_{number}" for number in range(9)], 3),
    ],
)
def test_near_matches(name: str, known: list[str], near: tuple[str, ...] | int) -> None:
    """Typing errors and other capitals are forgiven; at most three are offered; nothing alike is nothing."""
    found = near_matches(name, known)
    assert found == near if isinstance(near, tuple) else len(found) == near
    assert (did_you_mean(name, known) == "") is (not found)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"])
def test_errors_travel(error: MLOpsError, again: object) -> None:
    """An error raised in a worker process arrives with its text and attributes, whatever it was made of."""
    other = again(error)  # type: ignore[operator]
    assert (type(other), str(other), other.args, vars(other)) == (type(error), str(error), error.args, vars(error))


def test_require_returns_a_module_that_is_there() -> None:
    """What is installed is simply imported."""
    assert require("json", package="json", purpose="this").dumps([]) == "[]"


def test_require_names_the_extra_of_what_is_missing() -> None:
    """The message has the package, the reason, and the command."""
    with pytest.raises(MissingDependency, match=r"redis:// needs it: no_such.*\[redis\]") as caught:
        require("no_such_module", package="no_such", extra="redis", purpose="redis://")
    assert (caught.value.package, caught.value.extra) == ("no_such", "redis")


def test_require_lets_a_broken_module_speak(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is there and misses something itself is not called missing."""
    from pathlib import Path

    Path("broken_module.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(".")
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency") as caught:
        require("broken_module", package="broken", purpose="this")
    assert not isinstance(caught.value, MissingDependency)
