"""`mlops models compare`: versions side by side, what differs first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.comparison import write_comparison, write_csv
from mlops.cli.models.access import ModelArgument, ProjectOption, RegistryPathOption, open_registry
from mlops.cli.options import CsvOption, DatabaseOption, JsonOption, OnlyDifferencesOption
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare"]


def compare(
    model: ModelArgument,
    versions: Annotated[
        list[str],
        typer.Argument(metavar="VERSION...", help="Versions: numbers, aliases, statuses or `latest`."),
    ],
    *,
    only_differences: OnlyDifferencesOption = False,
    csv: CsvOption = None,
    project: ProjectOption = None,
    database: DatabaseOption = None,
    registry_path: RegistryPathOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare versions of a model, what differs first; the best value of a metric is marked."""
    with open_registry(database, registry_path, project) as registry, output.working("Comparing…"):
        table = registry.compare_versions(model, versions, only_differences=only_differences)
    if len(table.columns) < 2:
        raise InvalidInput(f"{', '.join(versions)} is one version of {model!r}. Name two or more to compare.")
    if csv is not None:
        write_csv(table, csv)
    if as_json:
        output.write_json(_document(table))
        return
    write_comparison(table)
    for version, sentences in table.attrs["breaks"].items():
        output.write_note(f"Callers must change for {version}: {' '.join(sentences)}")


def _document(table: pd.DataFrame) -> dict[str, Any]:
    fields = [
        {
            "field": field,
            "differs": field in table.attrs["differs"],
            "best": list(table.attrs["best"].get(field, ())),
            "values": {str(version): value for version, value in table.loc[field].items()},
        }
        for field in table.index
    ]
    breaks = {version: list(sentences) for version, sentences in table.attrs["breaks"].items()}
    return {"versions": [str(version) for version in table.columns], "breaks": breaks, "fields": fields}
