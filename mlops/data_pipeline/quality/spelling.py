"""Categories that are likely one category written in two ways: other letter case, spaces, or a slip of the pen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from mlops.data_pipeline.quality.profiles import Category

__all__ = ["Variant", "variants"]

_ALIKE = 0.8  # of difflib's ratio: two letters in the wrong order in a word of five
_RARE = 20  # a slip is at most once in so many of the right spelling
_SHORTEST = 5  # letters: below it, words that differ in one letter are often different words
_DIGITS = re.compile(r"\d")
_BETWEEN = re.compile(r"[\s_\-]+")


@dataclass(frozen=True)
class Variant:
    """A rarer spelling and the more common one it stands for."""

    spelling: Category
    usual: Category


def variants(categories: Sequence[Category]) -> Iterator[Variant]:
    """Yield spellings that are likely meant to be a more common one.

    Args:
        categories: Most common first.

    Example:
        >>> found = variants([Category(value="melanoma", count=90), Category(value="melanmoa", count=2)])
        >>> [(variant.spelling.value, variant.usual.value) for variant in found]
        [('melanmoa', 'melanoma')]
    """
    kept: list[Category] = []
    for category in categories:
        usual = next((other for other in kept if _is_variant(category, other)), None)
        if usual is None:
            kept.append(category)
        else:
            yield Variant(category, usual)


def _is_variant(rare: Category, usual: Category) -> bool:
    if not rare.value.strip() or not usual.value.strip():
        return False
    left, right = _folded(rare.value), _folded(usual.value)
    if left == right:
        return True
    is_slip = rare.count * _RARE <= usual.count and min(len(left), len(right)) >= _SHORTEST
    if not is_slip or not _is_words(left) or _DIGITS.findall(left) != _DIGITS.findall(right):
        return False
    return SequenceMatcher(None, left, right, autojunk=False).ratio() >= _ALIKE


def _is_words(text: str) -> bool:
    """Whether a text is of letters, spaces and numbers: in units and formulas one letter makes another meaning."""
    return text.replace(" ", "").isalnum()


def _folded(text: str) -> str:
    return _BETWEEN.sub(" ", text.strip().casefold())
