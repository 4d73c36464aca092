"""`mlops features show`: everything about one view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops.cli import output
from mlops.cli.features.access import ProjectOption, StoreDirOption, ViewArgument, open_store
from mlops.cli.features.listing import ttl_cell
from mlops.cli.options import DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.feature_store import FeatureStatistics, FeatureView, OnDemandView

__all__ = ["show"]

_HEADS = ("feature", "type", "last day", "rows", "missing", "mean", "std", "description")


def show(
    view: ViewArgument,
    *,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    store_dir: StoreDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a feature view: its source, its features with their last statistics, and which version serves."""
    with open_store(database, store_dir, project) as store:
        found = store.get_view(view)
        serving = store.history(found.name).serving_version
        statistics = _last(store.list_statistics(view))
    if as_json:
        told = {name: one.to_document() for name, one in statistics.items()}
        output.write_json({**found.to_document(), "serving_version": serving, "statistics": told})
        return
    output.write_table(["", ""], _facts(found, serving), header=False)
    output.write_table(_HEADS, [_row(name, found, statistics.get(name)) for name in found.feature_names])


def _last(statistics: list[FeatureStatistics]) -> dict[str, FeatureStatistics]:
    last: dict[str, FeatureStatistics] = {}
    for one in statistics:
        last.setdefault(one.feature, one)
    return last


def _facts(view: FeatureView | OnDemandView, serving: int | None) -> list[tuple[str, Any]]:
    told: dict[str, Any] = {"view": view.name, "version": view.version, "serves online": serving}
    for name in ("entity", "event_timestamp", "created_timestamp"):
        told[name.replace("_", " ")] = getattr(view, name, None)
    ttl = getattr(view, "ttl", None)
    told["TTL"] = None if ttl is None else ttl_cell(ttl)
    source = getattr(view, "source", None)
    if source is not None:
        told |= {"source": source.path, "format": str(source.format), "pipeline run": source.pipeline_run_id}
    told |= {f"input {name}": origin for name, origin in getattr(view, "inputs", {}).items()}
    told |= {"owner": view.owner, "description": view.description, "digest": view.digest}
    told |= {"applied at": view.created_at, "applied by": view.created_by}
    told |= {f"tag {name}": text for name, text in view.tags.items()}
    return [(name, value) for name, value in told.items() if value not in (None, "")]


def _row(name: str, view: FeatureView | OnDemandView, last: FeatureStatistics | None) -> list[Any]:
    features = {one.name: one for one in getattr(view, "features", ()) if not isinstance(one, str)}
    described = features.get(name)
    dtype, description = (str(described.dtype), described.description) if described else ("float", "")
    if last is None:
        return [name, dtype, None, None, None, None, None, description]
    return [name, dtype, last.day.isoformat(), last.count, last.nulls, last.mean, last.std, description]
