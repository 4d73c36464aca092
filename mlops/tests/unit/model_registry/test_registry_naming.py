"""Aliases: words that name nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.errors import InvalidInput
from mlops.model_registry.naming import check_alias, is_number, status_named


@pytest.mark.parametrize("word", ["champion", "north.site", "v2", "a" * 100, "A-b_c"])
def test_plain_words_can_be_aliases(word: str) -> None:
    """They come back as they are."""
    assert check_alias(word) == word


@pytest.mark.parametrize("word", ["", "latest", "production", "1.0.0", "../x", "a/b", "ä", "a b", "a" * 101, "a\n"])
def test_what_names_a_version_or_is_no_word_cannot(word: str) -> None:
    """The message says what an alias may be."""
    with pytest.raises(InvalidInput, match="alias"):
        check_alias(word)


@given(st.text(max_size=20))
def test_no_alias_is_a_number_or_a_status(word: str) -> None:
    """A reference is never ambiguous."""
    try:
        check_alias(word)
    except InvalidInput:
        return
    assert not is_number(word)
    assert status_named(word) is None
