"""Hiding passwords in text that people and logs will see. Hides too much rather than too little."""

from __future__ import annotations

import re

__all__ = ["MASK", "mask_passwords"]

MASK = "***"
_USER_INFO = re.compile(r"(://[^:/?#@\s]*:)\S*@")  # greedy: an unescaped @ or / in a password is hidden with it
_PARAMETER = re.compile(r"(\b\w*(?:password|passwd|secret|token|access_key)=)[^&#\s]+", re.IGNORECASE)


def mask_passwords(text: str) -> str:
    """Return `text` with the password of every URL, and every `password=…` in it, replaced by `***`.

    Example:
        >>> mask_passwords("postgresql://ann:s3cret@db:5432/mlops")
        'postgresql://ann:***@db:5432/mlops'
    """
    return _PARAMETER.sub(rf"\g<1>{MASK}", _USER_INFO.sub(rf"\g<1>{MASK}@", text))
