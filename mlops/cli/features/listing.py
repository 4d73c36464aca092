"""`mlops features list`: the views of a project as a table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlops.cli import output
from mlops.cli.cells import age_cell
from mlops.cli.features.access import ProjectOption, StoreDirOption, open_store
from mlops.cli.options import DatabaseOption, JsonOption
from mlops.cli.output import Cell

if TYPE_CHECKING:
    from mlops.feature_store import FeatureView, OnDemandView

__all__ = ["list_views", "ttl_cell"]

_HEADS = ("view", "version", "entity", "features", "TTL", "source", "owner", "age")


def list_views(
    *,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    store_dir: StoreDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the feature views of a project, the newest version of each."""
    with open_store(database, store_dir, project) as store:
        views = store.list_views()
    if as_json:
        output.write_json({"views": [view.to_document() for view in views]})
        return
    if views or not output.is_terminal():
        output.write_table(_HEADS, [_row(view) for view in views], shorten=["features", "source"])
    if not views:
        output.write_note("No feature views in this project. store.apply_view(FeatureView(...)) makes one.")


def _row(view: FeatureView | OnDemandView) -> list[Any]:
    from mlops import clock

    entity, ttl = getattr(view, "entity", None), getattr(view, "ttl", None)
    names = ", ".join(view.feature_names)
    return [
        Cell(view.name, view.name, "bold"),
        view.version,
        Cell(entity, entity or "on demand", "" if entity else "dim"),
        Cell(len(view.feature_names), str(len(view.feature_names)) if len(names) > 40 else names),
        ttl_cell(ttl),
        _source(view),
        view.owner,
        age_cell(view.created_at, clock.now()) if view.created_at else None,
    ]


def ttl_cell(ttl: timedelta | None) -> Cell:
    """Return how long values of a view are fresh."""
    from mlops.formatting import format_duration

    return Cell(ttl, "never" if ttl is None else format_duration(ttl.total_seconds()).removesuffix(" 0 h"))


def _source(view: FeatureView | OnDemandView) -> Cell:
    source = getattr(view, "source", None)
    if source is None:
        return Cell(None, "–", "dim")
    is_frame = source.format == "frame"
    return Cell(source.path, "rows kept here" if is_frame else source.path.rsplit("/", maxsplit=1)[-1])
