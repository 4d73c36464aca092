"""TF-IDF weights of one text, from a `TextColumn`: the same tokens, terms and order of steps as the batch."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from mlops.features.row_values import as_text
from mlops.features.state import WORD_PATTERN, TextColumn

__all__ = ["text_values"]


def text_values(column: TextColumn, places: Sequence[int]) -> Callable[[Any], Sequence[float]]:
    """Return the function from a text to the weights of the terms at these places."""
    weigh = _weigher(column)
    slots = {place: slot for slot, place in enumerate(places)}
    blank = [0.0] * len(places)
    name = column.name

    def values(value: Any) -> list[float]:
        row = blank.copy()
        for place, weight in weigh(as_text(value, name)).items():
            slot = slots.get(place)
            if slot is not None:
                row[slot] = weight
        return row

    return values


def _weigher(column: TextColumn) -> Callable[[str], dict[int, float]]:
    """Return the function from a text to the weights, of length 1, of the known terms in it, by their places."""
    known = {term: place for place, term in enumerate(column.terms)}
    idf, is_sublinear = column.idf, column.sublinear
    terms = _terms(column)

    def weigh(text: str) -> dict[int, float]:
        counts = Counter(known[term] for term in terms(text) if term in known)
        weights = {
            place: (1.0 + math.log(count) if is_sublinear else count) * idf[place] for place, count in counts.items()
        }
        length = math.sqrt(math.fsum(weight * weight for weight in weights.values()))
        return {place: weight / length for place, weight in weights.items()}

    return weigh


def _terms(column: TextColumn) -> Callable[[str], list[str]]:
    find = re.compile(WORD_PATTERN).findall
    fewest, most = column.ngram_range
    is_lowercase = column.lowercase

    def terms(text: str) -> list[str]:
        tokens: list[str] = find(text.lower() if is_lowercase else text)
        if most == 1:
            return tokens
        return [
            " ".join(tokens[start : start + size])
            for size in range(fewest, most + 1)
            for start in range(len(tokens) - size + 1)
        ]

    return terms
