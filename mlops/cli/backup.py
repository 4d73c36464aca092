"""`mlops backup` and `mlops restore`: restore points of the database and the artifacts, as one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.cells import size_cell
from mlops.cli.errors import ConfirmationNeeded
from mlops.cli.options import JsonOption
from mlops.cli.progress import progress_bars
from mlops.errors import InvalidInput

if TYPE_CHECKING:
    from mlops.platform import RestorePoint

__all__ = ["backup", "restore"]

_SIGNING_KEY = "The signing key is no part of a restore point: keep the file signing.key of each store elsewhere."


def backup(
    *,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only when backups are enabled and the last one is old enough; for cron.")
    ] = False,
    show_list: Annotated[bool, typer.Option("--list", help="List the restore points; make none.")] = False,
    verify: Annotated[
        str | None,
        typer.Option(metavar="POINT", help="Read every file of a restore point again; make none.", show_default=False),
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Afterwards remove all but so many, the oldest first.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a restore point of the database and all artifacts, while others go on writing."""
    from mlops.config import ConfigManager
    from mlops.platform import verify_restore_point

    if sum([if_due, show_list, verify is not None]) > 1:
        raise InvalidInput("--if-due, --list and --verify exclude each other. Say one of them.")
    config = ConfigManager().load_config()
    if show_list:
        _list(config, as_json=as_json)
    elif verify is not None:
        with progress_bars() as progress:
            point = verify_restore_point(verify, config, progress=progress)
        _report("verified", point, as_json=as_json)
    else:
        _make(config, if_due=if_due, keep=keep, as_json=as_json)


def restore(
    point: Annotated[str, typer.Argument(metavar="POINT", help="A restore point: its name, `latest`, or its folder.")],
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is in the database.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore the configured database and artifacts from a restore point, after checking all of it."""
    from mlops.config import ConfigManager
    from mlops.platform import restore as restore_point

    config = ConfigManager().load_config()
    if overwrite and not yes:
        _confirm(f"All that {_masked(config.database.url)} has now will be replaced by restore point {point}.")
    with progress_bars() as progress:
        restored = restore_point(point, config, overwrite=overwrite, progress=progress)
    _report("restored", restored, as_json=as_json)


def _make(config: Any, *, if_due: bool, keep: int | None, as_json: bool) -> None:
    from mlops.platform import create_if_due, create_restore_point, prune

    with progress_bars() as progress:
        made = (create_if_due if if_due else create_restore_point)(config, progress=progress)
    removed = prune(config, keep=keep) if keep is not None and made is not None else []
    if made is not None:
        _report("made", made, as_json=as_json, removed=removed)
        output.write_note(_SIGNING_KEY)
    elif as_json:
        output.write_json({"made": None})
    else:
        output.write_text("No restore point is due.")


def _list(config: Any, *, as_json: bool) -> None:
    from mlops.platform import list_restore_points

    points = list_restore_points(config)
    if as_json:
        output.write_json([_facts(point) for point in points])
        return
    columns = ["restore point", "created", "by", "database", "rows", "artifacts", "size"]
    output.write_table(columns, [_row(point) for point in points])


def _row(point: RestorePoint) -> list[Any]:
    counts = [point.rows, point.blobs, size_cell(point.size_bytes)]
    return [point.name, point.created_at, point.actor, point.database.dialect, *counts]


def _report(verb: str, point: RestorePoint, *, as_json: bool, removed: list[str] | None = None) -> None:
    if as_json:
        output.write_json({verb: _facts(point), **({"removed": removed} if removed else {})})
        return
    output.write_facts({verb: point.name, **{k: v for k, v in _facts(point).items() if k != "name"}}, as_json=False)
    for name in removed or []:
        output.write_text(f"removed\t{name}")


def _facts(point: RestorePoint) -> dict[str, Any]:
    return {
        "name": point.name,
        "created_at": point.created_at,
        "actor": point.actor,
        "package_version": point.package_version,
        "database": point.database_url,
        "rows": point.rows,
        "artifacts": point.blobs,
        "size_bytes": point.size_bytes,
    }


def _confirm(what: str) -> None:
    """Ask whether to go on, on a terminal; leave the command when not.

    Raises:
        ConfirmationNeeded: Nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise ConfirmationNeeded(f"{what} There is no terminal to ask on. Say --yes to do it.")
    typer.confirm(f"{what} Go on?", abort=True, err=True)


def _masked(url: str) -> str:
    from mlops.config import mask_passwords

    return mask_passwords(url)
