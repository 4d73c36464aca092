"""Schemas and feature configurations in SQL: immutable documents found by id, or by name and version."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from mlops.data_pipeline.entities import DataSchema, FeatureEngineeringConfig
from mlops.database import Transaction
from mlops.records import decode_json, encode_json

__all__ = ["VersionedDocuments"]

T = TypeVar("T", DataSchema, FeatureEngineeringConfig)

_DOCUMENT_VERSION = 1


class VersionedDocuments(Generic[T]):
    """A table of documents that have a name and a version.

    Args:
        table: The table.
        key: Name of its id's column, which is the record's field too.
        record: The class of the documents.
    """

    def __init__(self, table: sa.Table, key: str, record: type[T]) -> None:
        self._table = table
        self._key = key
        self._record: type[T] = record

    def insert(self, tx: Transaction, item: T) -> bool:
        """Store a document; return whether its id, and its name and version, were free."""
        values = {
            self._key: getattr(item, self._key),
            "project": item.project,
            "name": item.name,
            "version": item.version,
            "digest": item.digest,
            "document": encode_json(item.to_document()),
            "created_at": item.created_at,
            "schema_version": _DOCUMENT_VERSION,
        }
        insert: Any = postgresql.insert(self._table) if tx.dialect == "postgresql" else sqlite.insert(self._table)
        stored = insert.values(values).on_conflict_do_nothing().returning(self._table.c[self._key])
        return tx.execute(stored).scalar() is not None

    def find(self, tx: Transaction, *, project: str, key: str, name: str, version: str) -> T | None:
        """Return a document by its id, or by name and version; the newest when the version is empty."""
        wanted: list[Any] = [self._table.c.project == project]
        if key:
            wanted.append(self._table.c[self._key] == key)
        else:
            wanted.append(self._table.c.name == name)
            wanted += [self._table.c.version == version] if version else []
        newest_first = (self._table.c.created_at.desc(), self._table.c[self._key].desc())
        query = sa.select(self._table.c.document).where(*wanted).order_by(*newest_first).limit(1)
        text = tx.execute(query).scalar()
        return None if text is None else self._read(text)

    def list(self, tx: Transaction, *, project: str, name: str) -> list[T]:
        """Return documents by name, the newest of each first."""
        wanted = [self._table.c.project == project, *([self._table.c.name == name] if name else [])]
        order = (self._table.c.name, self._table.c.created_at.desc(), self._table.c[self._key].desc())
        query = sa.select(self._table.c.document).where(*wanted).order_by(*order)
        return [self._read(text) for text in tx.execute(query).scalars()]

    def _read(self, text: str) -> T:
        item: T = self._record.from_document(decode_json(text))
        return item
