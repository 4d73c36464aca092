"""`mlops audit`: who did what, and whether the record of it still is what was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops.cli import output
from mlops.cli.databases import existing_database
from mlops.cli.moments import read_moment
from mlops.cli.options import CursorOption, DatabaseOption, JsonOption

if TYPE_CHECKING:
    from mlops.audit import AuditEntry, AuditLogger, AuditReport

__all__ = ["group"]


def group() -> typer.Typer:
    """Return the commands of `mlops audit`."""
    app = typer.Typer(help="Show the audit log, and check that it was not changed.", no_args_is_help=True)
    app.command("list")(list_entries)
    app.command()(verify)
    return app


def list_entries(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most entries to list.")] = 50,
    actor: Annotated[str | None, typer.Option(help="Only what this one did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, such as promote.")] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="KIND[:ID]", help="Only this subject, such as model:lab_classifier.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Only from then on: 2026-05-03, 2026-05-03T08:00+02:00, or 7d ago."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Only before then.")] = None,
    cursor: CursorOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was done, the newest first."""
    kind, _, identity = (subject or "").partition(":")
    first = None if since is None else read_moment(since, "--since")
    last = None if until is None else read_moment(until, "--until")
    with _open_log(database) as audit:
        page = audit.list_entries(
            limit,
            actor=actor,
            action=action,
            subject_kind=kind or None,
            subject_id=identity or None,
            project=project,
            since=first,
            until=last,
            cursor=cursor,
        )
    if as_json:
        output.write_json({"entries": [entry.to_document() for entry in page], "next_cursor": page.next_cursor})
        return
    columns = ["sequence", "at", "actor", "action", "subject", "project", "details"]
    output.write_table(columns, [_row(entry) for entry in page], shorten=["details"])
    output.write_way_on(page.next_cursor)


def verify(
    anchor: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="Where the log ended at an earlier time, as this command printed it."),
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every entry of the log; exit with status 1 at the first that is not what was written."""
    with _open_log(database) as audit, output.working("reading the log"):
        report = audit.inspect(anchor=anchor)
    if as_json:
        output.write_json(_document(report))
    elif report.is_intact:
        output.write_table(["", ""], _facts(report).items(), header=False)
    else:
        output.write_error(f"broken at entry {report.position}, {report.fault}: {report.explanation}")
    if not report.is_intact:
        raise typer.Exit(1)


@contextmanager
def _open_log(database: str | None) -> Iterator[AuditLogger]:
    from mlops.audit import AuditLogger

    with AuditLogger(existing_database(database, hint="Name another by --database.")) as audit:
        yield audit


def _row(entry: AuditEntry) -> list[Any]:
    from mlops.records import encode_json

    details = encode_json(entry.details) if entry.details else ""
    subject = f"{entry.subject_kind}:{entry.subject_id}"
    return [entry.sequence, entry.at, entry.actor, entry.action, subject, entry.project, details]


def _facts(report: AuditReport) -> dict[str, Any]:
    return {"state": "intact", "entries": report.entries, "anchor": report.anchor or ""}


def _document(report: AuditReport) -> dict[str, Any]:
    anchor = None if report.anchor is None else str(report.anchor)
    return {"is_intact": report.is_intact, **report.to_document(), "anchor": anchor}
