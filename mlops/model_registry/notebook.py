"""How versions of models look in a notebook: one as a small table of facts, several as a list; all text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from mlops.formatting import format_metric, format_moment, format_value

if TYPE_CHECKING:
    from mlops.model_registry.entities import ModelMetadata

__all__ = ["version_html", "versions_html"]

_COLUMNS = ("model", "version", "status", "registered", "metrics")
_SHOWN_METRICS = 4


def version_html(version: ModelMetadata) -> str:
    """Return one version: what it is, what it measured, what it was made with, and why it has its number."""
    facts = {
        "status": version.status.value,
        "why this number": version.version_reason,
        "algorithm": " ".join(filter(None, (version.framework, version.algorithm))),
        "registered": f"{format_moment(version.created_at)} by {version.created_by}" if version.created_at else "",
        **{name: format_metric(value) for name, value in version.measured().items()},
        **{name: format_value(value) for name, value in version.hyperparameters.items()},
    }
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts.items() if text)
    return f"<table><caption>{escape(_title(version))}</caption><tbody>{rows}</tbody></table>"


def versions_html(versions: Sequence[ModelMetadata]) -> str:
    """Return a list of versions, a row each."""
    heads = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(version))}</tr>" for version in versions
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _title(version: ModelMetadata) -> str:
    return " ".join(filter(None, (version.model_id, version.version)))


def _cells(version: ModelMetadata) -> tuple[str, ...]:
    metrics = list(version.measured().items())[:_SHOWN_METRICS]
    shown = ", ".join(f"{name} {format_metric(value)}" for name, value in metrics)
    return version.model_id, version.version, version.status.value, format_moment(version.created_at), shown
