"""The search language: filters and orders as text, read into small trees that every executor decides alike.

This package knows no database and no domain. A domain says by a `Vocabulary` what can be searched;
`mlops.database.search` turns the trees into SQL; `evaluate` and `ordered` decide over plain documents, by the rules
that are written in `evaluate`.

    >>> from datetime import UTC, datetime
    >>> from mlops.search import Collection, Kind, Vocabulary, evaluate, parse_filter
    >>> runs = Vocabulary({"status": Kind.TEXT}, {"metrics": Collection(Kind.NUMBER)})
    >>> good = parse_filter("metrics.accuracy > 0.9 and not status = 'failed'", runs)
    >>> run = {"status": "completed", "metrics": {"accuracy": 0.93}}
    >>> evaluate(good, run, runs, now=datetime(2026, 1, 1, tzinfo=UTC))
    True
"""

from __future__ import annotations

from mlops.search.cursor import Cursor, digest_of
from mlops.search.errors import InvalidCursor, SearchSyntaxError
from mlops.search.evaluate import Document, evaluate, ordered
from mlops.search.page import Page
from mlops.search.parser import parse_filter, parse_order
from mlops.search.patterns import matches
from mlops.search.syntax import (
    And,
    Attribute,
    Comparison,
    Expression,
    Field,
    IsNan,
    IsNull,
    Kind,
    Like,
    Literal,
    Member,
    Membership,
    Not,
    Operator,
    Or,
    Order,
    Parameter,
    Relative,
    all_of,
)
from mlops.search.values import text_and_number
from mlops.search.vocabulary import Collection, Vocabulary

__all__ = [
    "And",
    "Attribute",
    "Collection",
    "Comparison",
    "Cursor",
    "Document",
    "Expression",
    "Field",
    "InvalidCursor",
    "IsNan",
    "IsNull",
    "Kind",
    "Like",
    "Literal",
    "Member",
    "Membership",
    "Not",
    "Operator",
    "Or",
    "Order",
    "Page",
    "Parameter",
    "Relative",
    "SearchSyntaxError",
    "Vocabulary",
    "all_of",
    "digest_of",
    "evaluate",
    "matches",
    "ordered",
    "parse_filter",
    "parse_order",
    "text_and_number",
]
