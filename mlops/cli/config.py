"""`mlops config`: the settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.options import JsonOption

if TYPE_CHECKING:
    from mlops.config import MLOpsConfig, Setting

__all__ = ["group"]


def group() -> typer.Typer:
    """Return the commands of `mlops config`."""
    app = typer.Typer(help="Show the settings.", no_args_is_help=True)
    app.command()(show)
    return app


def show(
    environment: Annotated[
        str | None,
        typer.Option(help="Environment to show. (default: that of MLOPS_ENVIRONMENT, else development)"),
    ] = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show every setting with its value and what it still waits for; secrets and passwords are masked."""
    from mlops.config import ConfigManager, catalogue

    config = ConfigManager().load_config(environment)
    rows = [_row(config, setting) for setting in catalogue()]
    columns = ["setting", "value", *(["origin"] if origin else []), "note"]
    if as_json:
        settings = {row["setting"]: {name: row[name] for name in columns[1:]} for row in rows}
        output.write_json({"environment": config.environment, "settings": settings})
    else:
        output.write_table(columns, [[row[name] for name in columns] for row in rows], title=f"{config.environment}")


def _row(config: MLOpsConfig, setting: Setting) -> dict[str, Any]:
    shown = getattr(config, setting.section).model_dump(mode="json")[setting.field]
    origin = config.origin(setting.name)
    return {"setting": setting.name, "value": shown, "origin": origin, "note": setting.announcement}
