"""Everything that is known about one version, gathered once, and as names and values for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops.model_registry import Column, ModelMetadata, ModelRegistryService

__all__ = ["Detail", "describe_type", "document", "facts", "gather"]

_MOST_VERSIONS = 100
_APART = {"hyperparameters", "tags", "metrics", "signature", "feature_columns"}


@dataclass(frozen=True)
class Detail:
    """A version with what belongs to its model.

    Attributes:
        versions: All versions of the model, the highest number first, at most a hundred.
        aliases: By alias, the number it stands for.
    """

    version: ModelMetadata
    versions: list[ModelMetadata]
    aliases: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """Aliases of the version itself."""
        return [alias for alias, number in self.aliases.items() if number == self.version.version]


def gather(registry: ModelRegistryService, version: ModelMetadata) -> Detail:
    """Read what belongs to a version, which may be a deleted one."""
    of_model = "model_id = '{}'".format(version.model_id.replace("'", "''"))
    order = "major DESC, minor DESC, patch DESC, prerelease DESC"
    versions = registry.list_models(of_model, order_by=order, limit=_MOST_VERSIONS)
    return Detail(version, list(versions), registry.list_aliases(version.model_id) if versions else {})


def document(detail: Detail) -> dict[str, Any]:
    """Return the detail as one JSON document."""
    return {
        "model": detail.version.to_document(),
        "aliases": dict(detail.aliases),
        "versions": [{"version": one.version, "status": one.status} for one in detail.versions],
    }


def facts(detail: Detail) -> Iterator[tuple[str, Any]]:
    """Yield names and exact values, one a line in a pipe; what is not known is left out."""
    version = detail.version
    yield from _present("", {name: value for name, value in version if name not in _APART})
    yield from _present("metrics.", version.metrics)
    yield from _present("params.", version.hyperparameters)
    yield from _present("tags.", version.tags)
    for side, columns in (("inputs", version.signature.inputs), ("outputs", version.signature.outputs)):
        yield from ((f"{side}.{column.name}", describe_type(column)) for column in columns)
    yield from _present("aliases.", detail.aliases)
    yield from ((f"versions.{one.version}", one.status) for one in detail.versions)


def describe_type(column: Column) -> str:
    """Return the type of a column with the sizes of its values, and whether it may be missing.

    Example:
        >>> from mlops.model_registry import Column
        >>> describe_type(Column(name="pixels", dtype="uint8", shape=(None, 3), is_optional=True))
        'uint8 any × 3, optional'
    """
    shape = " × ".join("any" if size is None else str(size) for size in column.shape)
    return f"{column.dtype} {shape}".strip() + (", optional" if column.is_optional else "")


def _present(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((f"{prefix}{name}", value) for name, value in values.items() if value not in (None, ""))
