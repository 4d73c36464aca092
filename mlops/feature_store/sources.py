"""Rows of feature views, read from where they are, in one shape whatever their file looks like."""

from __future__ import annotations

import glob
import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mlops.errors import InvalidInput, did_you_mean
from mlops.feature_store.entities import Entity, Feature, FeatureSource, FeatureView, SourceFormat
from mlops.feature_store.errors import SourceUnavailable
from mlops.feature_store.frames import as_moment, cast_keys, plain_errors
from mlops.feature_store.point_in_time import CREATED, EVENT, POSITION
from mlops.feature_store.values import FeatureType

if TYPE_CHECKING:
    from mlops.artifacts import ArtifactStore

__all__ = ["SourceReader", "infer_features", "reading"]

_INFER_FROM_ROWS = 10_000


class SourceReader:
    """Reads what views are made of.

    Args:
        artifacts: Where rows are that were handed over as a frame.
    """

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts

    def rows(self, view: FeatureView, entity: Entity, features: Sequence[str] | None = None) -> pl.LazyFrame:
        """Return a view's rows: keys in their types, `EVENT`, `CREATED` where the view names one, `POSITION`, features.

        A missing creation time counts as the event's. Rows without a key or an event are there; no join finds them.

        Raises:
            SourceUnavailable: The file cannot be read.
            InvalidInput: It lacks a column, or one has another type than the view says.
        """
        raw = self.scan(_source(view), text=_text_columns(view, entity))
        schema = _schema(raw, view)
        _require(view, entity, schema)
        chosen = [one for one in view.features if features is None or one.name in features]
        event = as_moment(view.event_timestamp, schema[view.event_timestamp])
        columns = [
            *cast_keys(raw, {name: kind.column() for name, kind in entity.join_keys.items()}),
            event.alias(EVENT),
        ]
        if view.created_timestamp:
            created = as_moment(view.created_timestamp, schema[view.created_timestamp])
            columns.append(created.fill_null(event).alias(CREATED))
        columns += [_feature(one, schema[one.name]) for one in chosen]
        return raw.with_row_index(POSITION).select(POSITION, *columns)

    def scan(self, source: FeatureSource, *, text: Sequence[str] = ()) -> pl.LazyFrame:
        """Return a source as it is; columns in `text` are read as text where the file does not say what they are."""
        if source.format is SourceFormat.FRAME:
            return pl.scan_parquet(io.BytesIO(self._artifacts.get_bytes(source.path)))
        files = self._files(source)
        if source.format is SourceFormat.PARQUET:
            return pl.scan_parquet(files, glob=False)
        overrides: dict[str, Any] = dict.fromkeys(text, pl.String)
        try:
            known = pl.scan_csv(files, infer_schema_length=0, glob=False).collect_schema().names()
        except pl.exceptions.PolarsError as error:
            raise SourceUnavailable(source.path, str(error).splitlines()[0]) from error
        return pl.scan_csv(
            files,
            glob=False,
            try_parse_dates=True,
            infer_schema_length=_INFER_FROM_ROWS,
            schema_overrides={name: kind for name, kind in overrides.items() if name in known},
        )

    def digest(self, source: FeatureSource) -> str:
        """Return the SHA-256 of a source's content; of several files, of their digests in order of their names.

        Raises:
            SourceUnavailable: A file cannot be read.
        """
        if source.format is SourceFormat.FRAME:
            return source.path
        found = [_file_digest(file) for file in self._files(source)]
        return found[0] if len(found) == 1 else hashlib.sha256("".join(found).encode()).hexdigest()

    def _files(self, source: FeatureSource) -> list[Path]:
        if Path(source.path).is_file():  # also where its name could be read as a pattern
            return [Path(source.path)]
        found = sorted(glob.glob(source.path, recursive=True))  # noqa: PTH207 (the pattern may be absolute)
        if not found:
            raise SourceUnavailable(source.path, "there is no such file")
        return [Path(name) for name in found]


@contextmanager
def reading(view: FeatureView) -> Iterator[None]:
    """Say of a view's source that it cannot be read, where that shows only as its rows are computed.

    Raises:
        SourceUnavailable: Its file is damaged, or no text in UTF-8.
        InvalidInput: A time is none.
    """
    try:
        with plain_errors():
            yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceUnavailable(_source(view).path, str(error).splitlines()[0].rstrip(".")) from error


def infer_features(view: FeatureView, entity: Entity, raw: pl.LazyFrame) -> tuple[Feature, ...]:
    """Return every column of a source that is neither key nor time as a feature of its type.

    Raises:
        InvalidInput: None is left, or one has a type that no feature has.
    """
    taken = {*entity.join_keys, view.event_timestamp, view.created_timestamp}
    found = []
    for name, dtype in _schema(raw, view).items():
        if name in taken:
            continue
        kind = FeatureType.of_column(dtype)
        if kind is None:
            raise InvalidInput(
                f"Column {name!r} of view {view.name!r} is of type {dtype}, which no feature has. "
                "Name the features you want: features={'column': 'float'}."
            )
        found.append(Feature(name=name, dtype=kind))
    if not found:
        raise InvalidInput(f"The source of view {view.name!r} has keys and times only, no features.")
    return tuple(found)


def _source(view: FeatureView) -> FeatureSource:
    if view.source is None:
        raise InvalidInput(
            f"View {view.name!r} has no source. Give it a path, or hand its rows over: apply_view(view, frame=…)."
        )
    return view.source


def _text_columns(view: FeatureView, entity: Entity) -> list[str]:
    keys = [name for name, kind in entity.join_keys.items() if kind == "string"]
    times = [name for name in (view.event_timestamp, view.created_timestamp) if name]
    return [*keys, *times, *(feature.name for feature in view.features if feature.dtype is FeatureType.STRING)]


def _schema(raw: pl.LazyFrame, view: FeatureView) -> pl.Schema:
    try:
        return raw.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        path = view.source.path if view.source else view.name
        raise SourceUnavailable(path, str(error).splitlines()[0]) from error


def _require(view: FeatureView, entity: Entity, schema: pl.Schema) -> None:
    times = [name for name in (view.event_timestamp, view.created_timestamp) if name]
    for name in (*entity.join_keys, *times, *view.feature_names):
        if name not in schema:
            hint = did_you_mean(name, schema.names()) or f"It has {', '.join(schema.names())}."
            raise InvalidInput(f"The source of view {view.name!r} has no column {name!r}. {hint}")


def _feature(feature: Feature, present: pl.DataType) -> pl.Expr:
    wanted, column = feature.dtype.column(), pl.col(feature.name)
    if present == wanted:
        return column
    if feature.dtype is FeatureType.DATETIME:
        return as_moment(feature.name, present).alias(feature.name)
    is_exact = FeatureType.of_column(present) is feature.dtype or present == pl.Null
    if not is_exact and not (feature.dtype is FeatureType.FLOAT and present.is_numeric()):
        raise InvalidInput(f"Feature {feature.name!r} is {feature.dtype}, but its column is of type {present}.")
    return column.cast(wanted)


def _file_digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SourceUnavailable(str(file), error.strerror or str(error)) from error
