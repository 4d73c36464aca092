"""The hash that ties an entry to its content, its place and the entry before it.

Anybody can compute it anew, with no code of ours: it is SHA-256 over the UTF-8 of
`json.dumps([sequence, at, actor, action, subject_kind, subject_id, project, details, previous_hash],
separators=(",", ":"), ensure_ascii=False)`, in which `at` is written as in `2026-11-23T03:36:00.000000Z` and `details`
is the JSON object as it is stored.
"""

from __future__ import annotations

import hashlib
from json.encoder import encode_basestring as quoted

__all__ = ["GENESIS", "Content", "entry_hash"]

GENESIS = "0" * 64
"""What the first entry has in place of a predecessor's hash."""

Content = tuple[int, str, str, str, str, str, str, str, str]
"""Sequence, at, actor, action, subject's kind and id, project, details as stored, hash of the entry before."""


def entry_hash(content: Content) -> str:
    """Return the hash of an entry, 64 hexadecimal digits.

    Example:
        >>> at = "2026-11-23T03:36:00.000000Z"
        >>> entry_hash((1, at, "ann", "promote", "model", "m1", "default", "{}", GENESIS))[:16]
        '0b575c6bf4bc2fcc'
    """
    sequence, at, actor, action, kind, subject, project, details, previous = content
    text = (
        f"[{sequence},{quoted(at)},{quoted(actor)},{quoted(action)},{quoted(kind)},{quoted(subject)},"
        f"{quoted(project)},{details},{quoted(previous)}]"
    )
    return hashlib.sha256(text.encode()).hexdigest()
