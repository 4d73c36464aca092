"""Row rules written as Polars expressions, known by a name that schemas refer to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import polars as pl

from mlops.data_pipeline.errors import NamedRuleNotFound
from mlops.errors import InvalidInput
from mlops.values import check_name, short_repr

__all__ = ["NamedRules"]


class NamedRules:
    """The Polars rules of a process. Schemas name them; workers that check rows have to register them too.

    Example:
        >>> rules = NamedRules()
        >>> rules.register("dose-small", lambda: pl.col("dose") < 10)
        >>> pl.DataFrame({"dose": [1, 20]}).select(rules.expression("dose-small")).to_series().to_list()
        [True, False]
    """

    def __init__(self) -> None:
        self._functions: dict[str, Callable[[], pl.Expr]] = {}

    def register(self, name: str, function: Callable[[], pl.Expr]) -> None:
        """Keep a rule under a name; a rule of the same name is replaced.

        Args:
            name: What `RowRule.polars_name` refers to.
            function: Called without arguments, returns an expression that is true for good rows, false for bad ones,
                and null where it cannot be told.

        Raises:
            InvalidInput: The name cannot be one, or the function gives no expression.
        """
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
