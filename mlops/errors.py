"""The tree of errors that every part of the package grows its own from.

    MLOpsError
    ├── InvalidInput (ValueError)        what was passed cannot be: names the value, what is allowed, what to do
    │   └── InvalidRecord                a record's fields; `problems` lists them one by one
    ├── NotFound (LookupError)           a name or id that is not there; `near` lists similar ones
    ├── Conflict                         the request is well formed, but not in the present state
    ├── PermissionDenied                 the actor may not
    ├── Corrupted                        stored bytes are not what was stored
    ├── Unavailable                      a database, queue or disk cannot do it now; a later try may succeed
    │   └── StorageFull
    └── MissingDependency (ImportError)  an optional package is not installed; names the extra

Domain errors subclass one of these and know no HTTP status: the API maps kinds to statuses in one table.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Sequence
from types import ModuleType

__all__ = [
    "Conflict",
    "Corrupted",
    "InvalidInput",
    "InvalidRecord",
    "MLOpsError",
    "MissingDependency",
    "NotFound",
    "PermissionDenied",
    "StorageFull",
    "Unavailable",
    "did_you_mean",
    "near_matches",
    "require",
]


class MLOpsError(Exception):
    """Root of all errors this package raises on purpose; pickles with its attributes, whatever made it."""

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args), self.__dict__


class InvalidInput(MLOpsError, ValueError):
    """A value that cannot be accepted; the message names it, what is allowed, and what to do."""


class InvalidRecord(InvalidInput):
    """Fields of a record that cannot be accepted.

    Attributes:
        record: Name of the record's class.
        problems: One sentence per field at fault.
    """

    def __init__(self, record: str, problems: Sequence[str]) -> None:
        self.record = record
        self.problems = tuple(problems)
        super().__init__(f"{record} cannot be made: " + " ".join(self.problems))


class NotFound(MLOpsError, LookupError):
    """Something asked for by name or id that is not there.

    Attributes:
        kind: What was looked for, a noun such as `experiment`.
        name: The name or id asked for.
        near: Existing names that look similar, best first.
    """

    kind = "object"

    def __init__(self, name: str, *, known: Iterable[str] = (), hint: str = "") -> None:
        self.name = name
        self.near = near_matches(name, known)
        parts = [f"{self.kind.capitalize()} {name!r} does not exist.", did_you_mean(name, self.near), hint]
        super().__init__(" ".join(part for part in parts if part))


class Conflict(MLOpsError):
    """A well-formed request that the present state does not allow."""


class PermissionDenied(MLOpsError):
    """The actor may not do this."""


class Corrupted(MLOpsError):
    """Stored bytes are not what was stored; nothing was loaded from them."""


class Unavailable(MLOpsError):
    """A database, queue or disk cannot serve the request now; a later try may succeed."""


class StorageFull(Unavailable):
    """No room is left on the device; nothing half-written stays."""


class MissingDependency(MLOpsError, ImportError):
    """A package that this feature needs is not installed.

    Attributes:
        package: Name of the package on the index; several with commas between.
        extra: The extra of `tracseq-mlops` that brings it; empty when it is part of the core.
    """

    def __init__(self, package: str, *, extra: str = "", purpose: str = "this") -> None:
        self.package = package
        self.extra = extra
        wanted = f"tracseq-mlops[{extra}]" if extra else "tracseq-mlops"
        super().__init__(
            f"Not installed, and {purpose} needs it: {package}. "
            f"Install it with: pip install '{wanted}'   (from a checkout: pip install -r mlops_requirements.txt)"
        )


def _rebuild(kind: type[MLOpsError], args: tuple[object, ...]) -> MLOpsError:
    """Make an error again from its text, without the arguments that it was first made of."""
    error = kind.__new__(kind, *args)
    error.args = args
    return error


def require(module: str, *, package: str, extra: str = "", purpose: str) -> ModuleType:
    """Import an optional module, or say which extra brings it.

    Raises:
        MissingDependency: The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".", maxsplit=1)[0]:
            raise  # it is there, and broken in its own way
        raise MissingDependency(package, extra=extra, purpose=purpose) from error


def near_matches(name: str, known: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """Return the known names that look like `name`, best first."""
    candidates = list(known)
    found = difflib.get_close_matches(name, candidates, n=most, cutoff=0.6)
    folded = {candidate.lower(): candidate for candidate in candidates}
    for match in difflib.get_close_matches(name.lower(), list(folded), n=most, cutoff=0.6):
        if folded[match] not in found:
            found.append(folded[match])
    return tuple(found[:most])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the sentence that offers near matches of `name`, or an empty string."""
    near = near_matches(name, known)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
