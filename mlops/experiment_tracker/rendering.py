"""Experiments as HTML for notebooks and as plain text for terminals.

HTML is one self-contained element with its style inside, light or dark as the notebook is, and everything that comes
from users is escaped. Figures are in `mlops.experiment_tracker.plots`; tables for terminals with colours are the CLI's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from mlops.experiment_tracker.downsample import downsample
from mlops.experiment_tracker.notebook_style import framed
from mlops.formatting import (
    ABSENT,
    elide,
    format_duration,
    format_metric,
    format_value,
    short_id,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from mlops.experiment_tracker.entities import Experiment

__all__ = ["experiment_html", "experiments_html", "sparkline"]

_MOST_COLUMNS = 8  # metrics that a list of experiments shows
_SPARK_WIDTH, _SPARK_HEIGHT = 120.0, 24.0
_STATES = {"running": "run", "completed": "ok", "failed": "bad", "cancelled": "off"}


def experiment_html(experiment: Experiment, *, histories: Mapping[str, ArrayLike] | None = None) -> str:
    """Return an experiment as HTML: status, metrics, parameters, tags, data, and the error if it failed.

    Args:
        histories: Values in order of step by metric; a line as small as a word is drawn beside such a metric.
    """
    kind = " · ".join(filter(None, [experiment.model_type, experiment.framework, experiment.algorithm]))
    took = format_duration(experiment.duration_s) if experiment.duration_s is not None else ""
    facts = [kind, experiment.project, f"{format_value(experiment.created_at)} UTC", took, experiment.created_by]
    head = (
        f'<div><span class="name">{_text(experiment.name, 80)}</span>{_status(experiment)}</div>'
        f'<div class="quiet">{" &nbsp;·&nbsp; ".join(_text(fact) for fact in facts if fact)}</div>'
        f'<div class="quiet">{_text(experiment.experiment_id)}</div>'
    )
    description = f"<div>{_text(experiment.description, 300)}</div>" if experiment.description else ""
    parts = [
        _part("Metrics", _metric_rows(experiment.metrics, histories or {})),
        _part("Parameters", _value_rows(experiment.hyperparameters)),
        _part(
            "Data", [_row(data.name, _sized(data.rows, data.columns), data.digest[:12]) for data in experiment.datasets]
        ),
    ]
    tags = "".join(f'<span class="tag">{_tag(name, value)}</span>' for name, value in experiment.tags.items())
    error = f"<pre>{escape(experiment.error[-4000:])}</pre>" if experiment.error else ""
    return framed(f'{head}{description}<div class="parts">{"".join(parts)}</div>{tags}{error}')


def experiments_html(experiments: Sequence[Experiment], *, total: int | None = None) -> str:
    """Return experiments as an HTML table: name, status, start, duration and up to eight metrics.

    Args:
        total: How many there are in all, told below when it is more than are shown.
    """
    if not experiments:
        return framed('<span class="quiet">No experiments.</span>')
    names = _common_metrics(experiments)
    heads = "".join(f'<th class="num">{_text(name, 24)}</th>' for name in names)
    rows = "".join(_listed(experiment, names) for experiment in experiments)
    shown = f"{len(experiments):,} of {total:,}" if total and total > len(experiments) else f"{len(experiments):,}"
    return framed(
        f"<table><thead><tr><th>Name</th><th>Status</th><th>Id</th><th>Started, UTC</th>"
        f'<th class="num">Duration</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        f'<div class="quiet">{shown} experiments</div>'
    )


def sparkline(values: ArrayLike) -> str:
    """Return a history as a small SVG line with a dot at its last value; gaps at NaN, empty where there is no number.

    Args:
        values: Values in order of step.
    """
    import numpy as np

    numbers = np.asarray(values, dtype=np.float64)
    _, kept = downsample(np.arange(len(numbers)), numbers, int(_SPARK_WIDTH))
    finite = np.isfinite(kept)
    if not finite.any():
        return ""
    kept = kept / (np.abs(kept[finite]).max() or 1.0)  # within ±1, where no difference overflows
    low, high = kept[finite].min(), kept[finite].max()
    span = (high - low) or 1.0
    x = np.linspace(2, _SPARK_WIDTH - 3, len(kept)) if len(kept) > 1 else np.array([_SPARK_WIDTH / 2])
    y = _SPARK_HEIGHT - 3 - (np.where(finite, kept, low) - low) / span * (_SPARK_HEIGHT - 6)
    path, is_down = "", False
    for place in range(len(kept)):
        if finite[place]:
            path += f"{'L' if is_down else 'M'}{x[place]:.1f} {y[place]:.1f}"
        is_down = bool(finite[place])
    last = int(np.flatnonzero(finite)[-1])
    size = f'width="{_SPARK_WIDTH:.0f}" height="{_SPARK_HEIGHT:.0f}"'
    return (
        f'<svg {size} aria-hidden="true"><path d="{path}"/><circle cx="{x[last]:.1f}" cy="{y[last]:.1f}" r="2"/></svg>'
    )


def _text(value: object, most: int = 120) -> str:
    return escape(elide(str(value), most))


def _status(experiment: Experiment) -> str:
    word = "deleted" if experiment.deleted_at else str(experiment.status)
    return f'<span class="{_STATES.get(word, "off")}"><span class="dot"></span>{escape(word)}</span>'


def _part(title: str, rows: Iterable[str]) -> str:
    body = "".join(rows)
    return f"<div><h4>{title}</h4><table><tbody>{body}</tbody></table></div>" if body else ""


def _row(name: str, *cells: str) -> str:
    columns = "".join(f'<td class="num">{escape(cell)}</td>' for cell in cells)
    return f"<tr><th>{_text(name, 48)}</th>{columns}</tr>"


def _metric_rows(metrics: Mapping[str, float], histories: Mapping[str, ArrayLike]) -> Iterable[str]:
    for name, value in metrics.items():
        line = f"<td>{sparkline(histories[name])}</td>" if name in histories else ""
        yield f'<tr><th>{_text(name, 48)}</th><td class="num">{escape(format_metric(value))}</td>{line}</tr>'


def _value_rows(values: Mapping[str, Any]) -> Iterable[str]:
    return (_row(name, format_value(value)) for name, value in values.items())


def _tag(name: str, value: Any) -> str:
    return _text(name, 40) if value == "true" else f"{_text(name, 40)}: {_text(value, 60)}"


def _sized(rows: int | None, columns: int | None) -> str:
    return f"{ABSENT if rows is None else format(rows, ',')} × {ABSENT if columns is None else format(columns, ',')}"


def _listed(experiment: Experiment, names: Sequence[str]) -> str:
    metrics = "".join(f'<td class="num">{escape(format_metric(experiment.metrics.get(name)))}</td>' for name in names)
    return (
        f"<tr><td>{_text(experiment.name, 48)}</td><td>{_status(experiment)}</td>"
        f'<td class="quiet">{escape(short_id(experiment.experiment_id))}</td>'
        f'<td class="num">{format_value(experiment.created_at)}</td>'
        f'<td class="num">{escape(format_duration(experiment.duration_s))}</td>{metrics}</tr>'
    )


def _common_metrics(experiments: Sequence[Experiment]) -> list[str]:
    """Return the metrics that most of the experiments have, at most eight, in order of name."""
    counts: dict[str, int] = {}
    for experiment in experiments:
        for name in experiment.metrics:
            counts[name] = counts.get(name, 0) + 1
    return sorted(sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_COLUMNS])
