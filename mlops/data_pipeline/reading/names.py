"""Names that a column of an input cannot have."""

from __future__ import annotations

from mlops.data_pipeline.snapshot_columns import is_own

__all__ = ["name_problem"]


def name_problem(name: str) -> str:
    """Return why a column cannot have a name, and what to do, as a sentence; empty when it can."""
    if not name:
        return "a column has no name. Name it."
    if is_own(name):
        return "names that begin with two underscores are the pipeline's own. Rename the column."
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        return "Polars takes this name for a pattern of names. Rename the column."
    return ""
