"""Which experiment a word on the command line means: an id, a part of one, or a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops.cli.errors import AmbiguousName

if TYPE_CHECKING:
    from mlops.experiment_tracker import Experiment, ExperimentTrackerService

__all__ = ["find_experiment", "find_experiments"]

_FEWEST_LETTERS = 4  # of an id; fewer fit too many to mean one
_SHOWN = 10
_LOOKED_AT = 200  # newest experiments that a mistaken word is compared with


def find_experiments(
    tracker: ExperimentTrackerService, words: Sequence[str], *, deleted: bool = False
) -> list[Experiment]:
    """Return the experiments that the words mean, each once, in their order. Raises as `find_experiment`."""
    found = [find_experiment(tracker, word, deleted=deleted) for word in words]
    return list({experiment.experiment_id: experiment for experiment in found}.values())


def find_experiment(tracker: ExperimentTrackerService, word: str, *, deleted: bool = False) -> Experiment:
    """Return the one experiment whose id is, begins or ends with a word, or whose name it is.

    Args:
        deleted: Whether deleted ones are meant where both would fit.

    Raises:
        AmbiguousName: It fits several.
        ExperimentNotFound: It fits none.
    """
    exact = tracker.list_experiments(f"experiment_id = {_quoted(word)}", include_deleted=True)
    if exact:
        return exact[0]
    found = tracker.list_experiments(_condition(word), limit=_LOOKED_AT, include_deleted=True)
    fitting = [one for one in found if (one.deleted_at is not None) is deleted] or list(found)
    if not fitting:
        raise _not_found(tracker, word)
    if len(fitting) > 1:
        lines = [_line(experiment) for experiment in fitting[:_SHOWN]]
        raise AmbiguousName(word, kind="experiment", candidates=lines, has_more=len(fitting) > _SHOWN)
    return fitting[0]


def _condition(word: str) -> str:
    text = _quoted(word)
    if len(word) < _FEWEST_LETTERS:
        return f"name = {text}"
    part = word.translate({ord(sign): f"\\{sign}" for sign in "\\%_"})
    ends = " or ".join(f"experiment_id like {_quoted(pattern)}" for pattern in (f"{part}%", f"%{part}"))
    return f"{ends} or name = {text}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _line(experiment: Experiment) -> str:
    gone = ", deleted" if experiment.deleted_at else ""
    created = f"{experiment.created_at:%Y-%m-%d %H:%M:%S}"
    return f"{experiment.experiment_id}  {created}  {experiment.status}{gone}  {experiment.name}"


def _not_found(tracker: ExperimentTrackerService, word: str) -> Exception:
    from mlops.experiment_tracker import ExperimentNotFound

    newest = tracker.list_experiments(limit=_LOOKED_AT)
    known = [text for experiment in newest for text in (experiment.experiment_id, experiment.name)]
    return ExperimentNotFound(word, known=known, hint="`mlops experiments list` shows what there is.")
