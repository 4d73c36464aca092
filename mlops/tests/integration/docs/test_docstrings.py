"""The examples in docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import mlops

MODULES = [
    module.name
    for module in pkgutil.walk_packages(mlops.__path__, "mlops.")
    if not module.name.startswith(("mlops.tests", "mlops.__main__")) and not module.name.endswith(".aio")
]


@pytest.mark.parametrize("name", ["mlops", *MODULES])
def test_docstring_examples_run(name: str) -> None:
    """Every example of a module's docstrings gives the answer beneath it, in an empty folder."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=flags, raise_on_error=False).failed == 0
