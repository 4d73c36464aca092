"""How features are named: `view:feature`, `view@2:feature` for one version of the view, `view:*` for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mlops.errors import InvalidInput

__all__ = ["FeatureReference", "ViewReference", "output_names", "read_references", "read_view"]


class ViewReference(NamedTuple):
    """A view and the version that is meant; None for the newest one in training, the one that serves online."""

    name: str
    version: int | None = None

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"


class FeatureReference(NamedTuple):
    """A feature of a view; `*` stands for all of them."""

    view: ViewReference
    feature: str

    def __str__(self) -> str:
        return f"{self.view}:{self.feature}"


def read_view(word: str) -> ViewReference:
    """Read `view` or `view@2`.

    Raises:
        InvalidInput: It is neither.

    Example:
        >>> read_view("sample_counts@2")
        ViewReference(name='sample_counts', version=2)
    """
    name, at, version = word.partition("@")
    if not name or (at and not (version.isascii() and version.isdigit())):
        raise InvalidInput(f"{word!r} names no feature view. Write it as sample_counts, or sample_counts@2.")
    return ViewReference(name, int(version) if at else None)


def read_references(words: Sequence[str]) -> tuple[FeatureReference, ...]:
    """Read names of features, in order.

    Raises:
        InvalidInput: There is none, one cannot be read, or one is there twice.
    """
    if isinstance(words, str) or not words:
        raise InvalidInput(f"features is {words!r}; pass a list such as ['sample_counts:reads'].")
    found = tuple(map(_read_one, words))
    doubled = next((one for one in found if found.count(one) > 1), None)
    if doubled is not None:
        raise InvalidInput(f"Feature {str(doubled)!r} is asked for twice; name each once.")
    return found


def _read_one(word: str) -> FeatureReference:
    view, colon, feature = word.partition(":")
    if not colon or not feature:
        raise InvalidInput(f"{word!r} names no feature. Write it as view:feature, or view:* for all of a view.")
    return FeatureReference(read_view(view), feature)


def output_names(
    references: Sequence[FeatureReference], taken: Iterable[str] = (), *, full_names: bool = False
) -> tuple[str, ...]:
    """Return the column that each feature becomes: its own name, or `view__feature`.

    Raises:
        InvalidInput: Two would have the same name, or a column of the caller has it.
    """
    names = [f"{one.view.name}__{one.feature}" if full_names else one.feature for one in references]
    present = set(taken)
    for name in names:
        if name in present or names.count(name) > 1:
            raise InvalidInput(
                f"Two columns would be called {name!r}. Pass full_feature_names=True to get view__feature as names, "
                "or rename the column of the entity rows."
            )
    return tuple(names)
