"""What a caller may ask of a run beside its input, its schema and its features."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import Field

from mlops.data_pipeline.reading.formats import is_url
from mlops.data_pipeline.reading.lims import parse_url
from mlops.data_pipeline.reading.options import ReadOptions
from mlops.errors import InvalidInput
from mlops.records import Record

__all__ = ["RunOptions", "check_source", "resolved_source"]

_SECRET = ("password", "sslpassword")  # parameters of URLs of PostgreSQL
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class RunOptions(Record):
    """Options of a run.

    Attributes:
        read: How the input is to be read.
        max_bad_fraction: Largest fraction of bad rows that are quarantined; with more the run fails.
        output_format: `input` writes the good rows in the input's form and as Parquet, `parquet` as Parquet only.
        use_cache: Whether outputs of an equal run are taken over, once they are verified.
        mended_run_id: The run whose bad rows were mended and are run again with its good ones.
        mended_path: The mended copy of its quarantine.
    """

    read: ReadOptions = ReadOptions()
    max_bad_fraction: float = Field(1.0, ge=0, le=1)
    output_format: Literal["input", "parquet"] = "input"
    use_cache: bool = True
    mended_run_id: str | None = None
    mended_path: str = ""


def check_source(source: str) -> str:
    """Return a source as it is kept with a run: a file by its absolute path, a database without its password.

    Raises:
        InvalidInput: It is no URL of a database, or the URL has its password in it.
    """
    if not is_url(source):
        return str(Path(source).absolute())
    url = parse_url(source)
    for password in (url.password, *(url.query.get(name) for name in _SECRET)):
        if password and not _VARIABLE.fullmatch(str(password)):
            raise InvalidInput(
                "The URL of the input has a password in it, and runs are kept. Put the password into an environment "
                "variable of the worker and write ${VARIABLE} in its place."
            )
    return _absolute(source)


def resolved_source(source: str) -> str:
    """Return a source with its `${VARIABLE}` replaced by what the environment has.

    Raises:
        InvalidInput: A variable is not set.
    """
    return _VARIABLE.sub(_value, source) if is_url(source) else source


def _absolute(source: str) -> str:
    """Return the URL of a SQLite file by its absolute path: whoever does the work may be in another folder."""
    url = parse_url(source)
    path = url.database or ""
    if url.get_backend_name() != "sqlite" or not path or path.startswith(("/", "file:", ":memory:", "${")):
        return source
    head, _, _ = source.partition(":///")
    return source.replace(f"{head}:///{path}", f"{head}:///{Path(path).absolute()}", 1)


def _value(match: re.Match[str]) -> str:
    value = os.environ.get(match[1])
    if value is None:
        raise InvalidInput(f"The input needs the environment variable {match[1]}, which is not set where the run is.")
    is_password = match.string[match.end() : match.end() + 1] == "@"
    return quote(value, safe="") if is_password else value
