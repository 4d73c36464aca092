"""A join whose order SQLite's planner keeps; on PostgreSQL an ordinary one, because its planner knows the data."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import Join

__all__ = ["OrderedJoin"]


class OrderedJoin(Join):
    """An inner join in which the left side drives."""

    inherit_cache = True


@compiles(OrderedJoin)
def _inner(join: OrderedJoin, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.visit_join(join, **options))  # type: ignore[no-untyped-call]


@compiles(OrderedJoin, "sqlite")
def _cross(join: OrderedJoin, compiler: SQLCompiler, **options: Any) -> str:
    """`CROSS JOIN … ON` is SQLite's documented way to fix the order of its loops."""
    options["asfrom"] = True
    left, right = compiler.process(join.left, **options), compiler.process(join.right, **options)
    condition = compiler.process(join.onclause, **options) if isinstance(join.onclause, sa.ColumnElement) else "1"
    return f"{left} CROSS JOIN {right} ON {condition}"
