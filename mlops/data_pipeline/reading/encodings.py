"""Tells a file in another encoding from a file of UTF-8 in which some rows are damaged."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable

__all__ = ["is_western"]

_ASCII = bytes(range(128))
_LETTERS = frozenset(range(0xC0, 0xFF)) - {0xD7, 0xF7} | frozenset(b"\x8a\x8c\x8e\x9a\x9c\x9e\x9f")
_SIGNS = frozenset("°µ±²³§€’‘“”–—…«»·¼½¾×".encode("cp1252"))
_ENOUGH = 0.95


def is_western(blocks: Iterable[bytes], *, check: Callable[[], object] = lambda: None) -> bool:
    """Return whether text that is not all UTF-8 evidently is cp1252: no character of UTF-8 beyond ASCII is in it, and
    nearly all its other bytes are letters, or signs that measurements are written with.

    Args:
        blocks: The file's bytes.
        check: Called after each block; raises to stop.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    sensible = others = 0
    for block in blocks:
        check()
        high = block.translate(None, _ASCII)
        if not high:
            continue
        text = decoder.decode(block)
        if any("\x7f" < letter < "\ud800" or letter > "\udfff" for letter in set(text)):
            return False
        wanted = sum(high.count(byte) for byte in _LETTERS | _SIGNS)
        sensible += wanted
        others += len(high) - wanted
    return sensible > 0 and sensible / (sensible + others) >= _ENOUGH
