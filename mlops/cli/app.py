"""Puts the command together: the options of `mlops` itself and its groups, one module each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from mlops.cli import (
    ab,
    audit,
    backup,
    config,
    data,
    db,
    demo_command,
    experiments,
    features,
    jobs,
    models,
    output,
    worker,
)

__all__ = ["Session", "build_app", "build_command"]

_GROUPS = {
    "ab": ab.group,
    "audit": audit.group,
    "config": config.group,
    "data": data.group,
    "db": db.group,
    "experiments": experiments.group,
    "features": features.group,
    "jobs": jobs.group,
    "models": models.group,
}


@dataclass
class Session:
    """What one run of the command knows beside its arguments: whether tracebacks are wanted."""

    debug: bool = False


def build_app() -> typer.Typer:
    """Return the Typer application with all its groups."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(root)
    for name, group in _GROUPS.items():
        app.add_typer(group(), name=name)
    app.command("demo")(demo_command.demo)
    app.command("backup")(backup.backup)
    app.command("restore")(backup.restore)
    app.command("worker")(worker.worker)
    return app


def build_command() -> Any:
    """Return the application as the object that parses arguments and runs."""
    return typer.main.get_command(build_app())


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            output.write_text(f"mlops {version('tracseq-mlops')}")
        except PackageNotFoundError:
            output.write_text("mlops, run from a checkout that is not installed")
        raise typer.Exit


def root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Log everything; show tracebacks of errors.")] = False,
) -> None:
    """Machine-learning operations for laboratories: track, compare, register, deploy and watch models."""
    from mlops.cli.logging import configure_logging

    context.ensure_object(Session).debug = debug
    configure_logging(level="DEBUG" if debug else "WARNING")
