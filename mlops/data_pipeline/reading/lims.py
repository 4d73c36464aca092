"""Reads the result of one SELECT on a laboratory's own database, and cannot change anything there.

The query has to be one SELECT; the connection is opened read only where the database knows how (SQLite, PostgreSQL).
The result is fetched in batches. Passwords appear in no message and in no record.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mlops.data_pipeline.errors import UnreadableInput
from mlops.data_pipeline.reading.names import name_problem
from mlops.data_pipeline.reading.outcome import Order, Outcome
from mlops.data_pipeline.reading.plain_values import cell_text
from mlops.data_pipeline.reading.staged import read_staged, with_iso_dates
from mlops.data_pipeline.snapshot_columns import FAULT

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, CursorResult

__all__ = ["check_query", "masked_url", "parse_url", "read_query"]

_BATCH = 20_000
_TEXTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITES = frozenset({"insert", "update", "delete", "merge", "into", "truncate", "drop", "alter", "create", "attach"})


def read_query(url: str, order: Order) -> Outcome:
    """Write the snapshot of a query's result; its digest is of the query and the result together.

    Args:
        url: An SQLAlchemy URL.
        order: With the query among its options.

    Raises:
        UnreadableInput: The query is not one SELECT, or the database refuses it or cannot be reached.
    """
    import sqlalchemy as sa

    source = masked_url(url)
    check_query(order.options.query, source)
    digest = hashlib.sha256(order.options.query.strip().encode() + b"\0")
    try:
        with _connected(url) as connection:
            as_it_stands = connection.execution_options(yield_per=_BATCH, no_parameters=True)  # a % is a %
            rows = as_it_stands.exec_driver_sql(order.options.query)
            result = read_staged(_batches(rows, source, digest), order._replace(columns=with_iso_dates(order.columns)))
    except ModuleNotFoundError as error:
        raise UnreadableInput(source, f"the driver {error.name!r} of such databases is not installed.") from error
    except sa.exc.SQLAlchemyError as error:
        raise UnreadableInput(source, f"the query failed: {_reason(error, url)}.") from None  # it may show the password
    return Outcome(digest.hexdigest(), result, {})


def masked_url(url: str) -> str:
    """Return the URL of a database without its password and its parameters.

    Raises:
        UnreadableInput: It is no URL of a database.
    """
    return parse_url(url).set(query={}).render_as_string(hide_password=True)


def check_query(query: str, source: str) -> None:
    """Refuse anything but one SELECT, or one WITH that ends in a SELECT.

    Raises:
        UnreadableInput: It is something else; the message names the word.
    """
    bare = _TEXTS.sub(" ", query).strip().rstrip(";").strip()
    words = re.findall(r"[a-z_]\w*", bare.lower())
    if not words:
        raise UnreadableInput(source, "no query was given. Pass one SELECT, such as query='SELECT * FROM samples'.")
    if ";" in bare:
        raise UnreadableInput(source, "the query has several statements; one SELECT is read at a time.")
    if words[0] not in {"select", "with"}:
        raise UnreadableInput(source, f"the query begins with {words[0].upper()}; only SELECT and WITH are run.")
    for word in words:
        if word in _WRITES:
            reason = (
                f"the query has the word {word.upper()}, and nothing may be changed; put it in quotes if it is a name."
            )
            raise UnreadableInput(source, reason)


def parse_url(url: str) -> URL:
    """Return the parts of a database's URL.

    Raises:
        UnreadableInput: It is none.
    """
    import sqlalchemy as sa

    try:
        return sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        reason = "it is no URL of a database; write it as postgresql://user:password@host/name or sqlite:///path."
        raise UnreadableInput(url.split("://", maxsplit=1)[0] + "://…", reason) from None


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """Connect for reading only, and leave nothing behind."""
    import sqlalchemy as sa

    engine = sa.create_engine(_read_only(parse_url(url)), poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            match engine.dialect.name:
                case "postgresql":
                    connection = connection.execution_options(  # noqa: PLW2901  # the same connection, set up
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                    _let_endless_times_be_text(connection.connection.driver_connection)
                case "sqlite":
                    connection.exec_driver_sql("PRAGMA query_only = ON")
                case _:
                    pass
            yield connection
    finally:
        engine.dispose()


def _let_endless_times_be_text(driver: Any) -> None:
    """Take times that Python does not have, such as `infinity` of what is valid without an end, as they are written."""
    from psycopg import DataError
    from psycopg.types import datetime as times

    def written(loader: type[Any]) -> type[Any]:
        class OrText(loader):  # type: ignore[misc]
            def load(self, data: Any) -> Any:
                try:
                    return super().load(data)
                except DataError:
                    return bytes(data).decode()

        return OrText

    loaders = {"date": times.DateLoader, "timestamp": times.TimestampLoader, "timestamptz": times.TimestamptzLoader}
    for name, loader in loaders.items():
        driver.adapters.register_loader(name, written(loader))


def _read_only(url: URL) -> URL:
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        return url
    path = Path(url.database or "")
    if not path.is_file():
        raise UnreadableInput(f"sqlite:///{path}", "there is no such database file.")
    return url.set(database=path.resolve().as_uri(), query={"mode": "ro", "uri": "true"})


def _batches(rows: CursorResult[Any], source: str, digest: Any) -> Iterator[pl.DataFrame]:
    names = _names(list(rows.keys()), source)
    digest.update(json.dumps(names, ensure_ascii=False).encode())
    schema = dict.fromkeys([*names, FAULT], pl.String)
    for batch in rows.partitions(_BATCH):
        texts = [[cell_text(value) for value in row] for row in batch]
        for row in texts:
            digest.update(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        yield pl.DataFrame([[*row, None] for row in texts], schema=schema, orient="row")
    yield pl.DataFrame(schema=schema)


def _names(names: list[str], source: str) -> list[str]:
    for name, times in Counter(names).items():
        reason = "a column of the result has a name that occurs once." if times > 1 else name_problem(name)
        if reason:
            raise UnreadableInput(source, f"{reason} AS gives it another name.", column=name)
    return names


def _reason(error: Exception, url: str) -> str:
    text = str(getattr(error, "orig", None) or error).strip().split("\n", maxsplit=1)[0].rstrip(".")
    password = parse_url(url).password
    return text.replace(str(password), "***") if password else text
