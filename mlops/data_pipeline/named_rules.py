"""Row rules written as Polars expressions, known by a name that schemas refer to."""

from __future__ import annotations

import hashlib
from collections import ChainMap
from collections.abc import Callable, Iterable

import polars as pl

from mlops.data_pipeline.errors import NamedRuleNotFound
from mlops.errors import InvalidInput
from mlops.values import check_name, short_repr

__all__ = ["NamedRules", "register_rule"]

RuleFunction = Callable[[], pl.Expr]

_REGISTERED: dict[str, RuleFunction] = {}  # by modules, which the process imports before it opens any pipeline


class NamedRules:
    """The Polars rules of a pipeline, and those of its process. Schemas name them; workers have to register them too.

    Example:
        >>> rules = NamedRules()
        >>> rules.register("dose-small", lambda: pl.col("dose") < 10)
        >>> pl.DataFrame({"dose": [1, 20]}).select(rules.expression("dose-small")).to_series().to_list()
        [True, False]
    """

    def __init__(self) -> None:
        self._functions: ChainMap[str, RuleFunction] = ChainMap({}, _REGISTERED)

    def register(self, name: str, function: RuleFunction) -> None:
        """Keep a rule under a name; a rule of the same name is replaced.

        Args:
            name: What `RowRule.polars_name` refers to.
            function: Called without arguments, returns an expression that is true for good rows, false for bad ones,
                and null where it cannot be told.

        Raises:
            InvalidInput: The name cannot be one, or the function gives no expression.
        """
        _check_rule(name, function)
        self._functions[name] = function

    def names(self) -> tuple[str, ...]:
        """Return the names of all rules, sorted."""
        return tuple(sorted(self._functions))

    def expression(self, name: str) -> pl.Expr:
        """Return a rule's expression.

        Raises:
            NamedRuleNotFound: No rule has this name.
        """
        if name not in self._functions:
            raise NamedRuleNotFound(name, known=self._functions)
        return self._functions[name]()

    def fingerprint(self, names: Iterable[str]) -> str:
        """Return a digest of these rules' expressions, for keys of caches; empty without names.

        Raises:
            NamedRuleNotFound: No rule has one of the names.
        """
        found = hashlib.sha256()
        wanted = sorted(set(names))
        for name in wanted:
            found.update(name.encode() + b"\0" + self.expression(name).meta.serialize())
        return found.hexdigest() if wanted else ""


def register_rule(name: str, function: RuleFunction) -> None:
    """Give a Polars expression, true for good rows, the name that row rules of schemas refer to, in this process.

    For modules that commands import by `--import`; every pipeline of the process has the rule, unless it registered one
    of this name itself.

    Args:
        name: What `RowRule.polars_name` refers to.
        function: Called without arguments, returns the expression.

    Raises:
        InvalidInput: The name cannot be one, or the function gives no expression.
    """
    _check_rule(name, function)
    _REGISTERED[name] = function


def _check_rule(name: str, function: RuleFunction) -> None:
    try:
        check_name(name, what="rule")
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    made = function()
    if not isinstance(made, pl.Expr):
        raise InvalidInput(
            f"Rule {name!r} gave {short_repr(made)}, which is no Polars expression. "
            "Register a function that returns one, such as lambda: pl.col('dose') < 10."
        )
