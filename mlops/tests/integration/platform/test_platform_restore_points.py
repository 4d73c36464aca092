"""Restore points: what was backed up comes back, whole or not at all, and nothing is lost without being asked for."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlops.artifacts import ArtifactCorrupted, ArtifactNotFound, ArtifactStore, EncryptionKeyRefused, StoreShared
from mlops.audit import AuditLogger
from mlops.database import open_database
from mlops.errors import Conflict, Corrupted, InvalidInput
from mlops.platform import (
    BackupRunning,
    DatabaseMissing,
    RestorePointDamaged,
    RestorePointNotFound,
    StoreMissing,
    TargetNotEmpty,
    create_if_due,
    create_restore_point,
    list_restore_points,
    prune,
    restore,
    verify_restore_point,
)
from mlops.tests.integration.platform.conftest import MakeSite, Site

KEY = "ab" * 32


def blob_files(site: Site) -> list[Path]:
    return sorted(path for path in site.points.glob("*/stores/*/blobs/*/*"))


def damage(path: Path) -> None:
    """Flip one bit, in this file only and not in those it is linked with."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def test_a_restored_site_equals_the_original(original: Site, empty: Site) -> None:
    """Rows of all tables are equal, artifacts load, and the audit log holds on both databases."""
    before, artifacts = original.rows(), original.artifacts()
    point = create_restore_point(original.config)
    original.track("later", "not in the restore point")
    assert restore(point.name, empty.config) == point
    assert empty.rows() == before
    assert empty.artifacts() == artifacts == {"first": {"threshold": 0.5}, "second": "all wells read"}
    with AuditLogger(config=empty.config) as audit:
        assert [entry.action for entry in audit.list_entries()] == ["restore"]
        audit.verify()


def test_a_restored_site_goes_on(original: Site, empty: Site) -> None:
    """New runs and artifacts can be recorded: sequences and references continue where the copy ends."""
    create_restore_point(original.config)
    restore("latest", empty.config)
    empty.track("third", [1, 2])
    assert set(empty.artifacts()) == {"first", "second", "third"}


def test_an_earlier_state_comes_back_over_a_later_one(original: Site) -> None:
    """With overwrite, the very place that was backed up is as it was, and says in its audit log what went."""
    before = original.rows()
    point = create_restore_point(original.config)
    original.track("mistake", "to be undone")
    restore(point.name, original.config, overwrite=True)
    assert original.rows() == before
    with AuditLogger(config=original.config) as audit:
        newest = next(iter(audit.list_entries()))
    assert (newest.action, newest.subject_id) == ("restore", point.name)
    assert newest.details["replaced_audit_log"].startswith("1:")


def test_a_database_with_rows_is_not_replaced_unasked(original: Site) -> None:
    """Without overwrite nothing changes, neither rows nor files."""
    create_restore_point(original.config)
    original.track("later", "kept")
    before = original.rows()
    with pytest.raises(TargetNotEmpty, match="overwrite"):
        restore("latest", original.config)
    assert original.rows() == before


def test_programs_that_have_the_database_open_see_the_restored_content(original: Site) -> None:
    """An open connection goes on with the restored rows: no second file is left for it to write into."""
    point = create_restore_point(original.config)
    with open_database(original.config.database.url) as database:
        with database.write() as tx:
            tx.execute(sa.text("DELETE FROM experiments"))
        restore(point.name, original.config, overwrite=True)
        with database.read() as tx:
            assert tx.execute(sa.text("SELECT count(*) FROM experiments")).scalar_one() == 2


def test_a_backup_beside_a_writer_is_one_moment(original: Site, empty: Site) -> None:
    """While two tables are written in one transaction each time, the copy has equally many rows in both."""
    stop = threading.Event()
    with open_database(original.config.database.url) as database:

        def write() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                with database.write() as tx:
                    for table in ("experiment_params", "experiment_tags"):
                        statement = f"INSERT INTO {table} (experiment_id, name, text) VALUES ('x', :name, '')"
                        tx.execute(sa.text(statement), {"name": f"{number:09d}"})

        writer = threading.Thread(target=write)
        writer.start()
        try:
            points = [create_restore_point(original.config) for _ in range(3)]
        finally:
            stop.set()
            writer.join()
    for point in points:
        assert point.database.rows["experiment_params"] == point.database.rows["experiment_tags"]
    restore(points[-1].name, empty.config)
    restored = empty.rows()
    assert len(restored["experiment_params"]) == len(restored["experiment_tags"])


def test_a_snapshot_holds_over_the_pieces_of_a_copy(lab: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows written between two pieces are not in the copy, and do not make it begin anew."""
    monkeypatch.setattr("mlops.database.backup_sqlite._PAGES", 5)
    pieces = 0

    def write(stage: str, done: int, total: int) -> None:
        nonlocal pieces
        if stage == "copy database":
            pieces += 1
            with open_database(lab.config.database.url) as database, database.write() as tx:
                statement = "INSERT INTO experiment_params (experiment_id, name, text) VALUES ('x', :name, '')"
                tx.execute(sa.text(statement), {"name": str(pieces)})

    point = create_restore_point(lab.config, progress=write)
    assert pieces > 5
    assert point.database.rows["experiment_params"] == 0
    verify_restore_point(point.name, lab.config)


@pytest.mark.parametrize("what", ["database/*", "stores/*/blobs/*/*", "manifest.json"])
@pytest.mark.parametrize("how", ["flipped", "missing"])
def test_a_damaged_restore_point_is_refused_before_anything_changes(
    lab: Site, make_site: MakeSite, what: str, how: str
) -> None:
    """A flipped bit or a missing file anywhere is found first; the target is not even created."""
    create_restore_point(lab.config)
    [file] = lab.points.glob(f"2*/{what}")
    damage(file) if how == "flipped" else file.unlink()
    empty = make_site("empty")
    with pytest.raises((Corrupted, ArtifactNotFound)):
        restore(next(lab.points.glob("2*")), empty.config)
    assert not empty.folder.exists()


def test_a_manifest_cannot_lead_out_of_its_folder(lab: Site, make_site: MakeSite) -> None:
    """A name with a path in it is refused, whoever wrote the digest beside it."""
    point = create_restore_point(lab.config)
    manifest = lab.points / point.name / "manifest.json"
    document = json.loads(manifest.read_text())
    document["database"]["files"][0]["name"] = "../../../secret.db"
    manifest.write_text(json.dumps(document))
    manifest.with_suffix(".sha256").write_text(hashlib.sha256(manifest.read_bytes()).hexdigest())
    with pytest.raises(Corrupted, match="none can have"):
        restore(point.name, make_site("empty").config)


def test_blobs_are_shared_between_restore_points(lab: Site) -> None:
    """The second point links what the first has; each is complete without the other."""
    first = create_restore_point(lab.config)
    lab.track("second", "new content")
    second = create_restore_point(lab.config)
    inodes = [path.stat().st_ino for path in blob_files(lab)]
    assert (first.blobs, second.blobs, len(set(inodes))) == (1, 2, 2)
    assert prune(lab.config, keep=1) == [first.name]
    assert verify_restore_point("latest", lab.config) == second


def test_a_damaged_blob_of_the_last_point_is_copied_anew(lab: Site) -> None:
    """Damage does not spread from one restore point to the next."""
    create_restore_point(lab.config)
    damage(blob_files(lab)[0])
    verify_restore_point(create_restore_point(lab.config).name, lab.config)


def test_a_blob_lost_in_the_store_comes_from_the_last_point(lab: Site) -> None:
    """What an earlier point still has makes the next one complete; without one, the loss is told and no point made."""
    [stored] = (lab.folder / "experiments" / "blobs").glob("*/*")
    create_restore_point(lab.config)
    stored.unlink()
    verify_restore_point(create_restore_point(lab.config).name, lab.config)
    shutil.rmtree(lab.points)
    with pytest.raises(ArtifactNotFound):
        create_restore_point(lab.config)
    assert [path.name for path in lab.points.iterdir()] == [".lock"]


def test_a_damaged_blob_in_the_store_is_told(lab: Site) -> None:
    """A restore point never gets a blob that is not what its name says."""
    [stored] = (lab.folder / "experiments" / "blobs").glob("*/*")
    damage(stored)
    with pytest.raises(ArtifactCorrupted):
        create_restore_point(lab.config)
    assert list_restore_points(lab.config) == []


def test_restoring_repairs_damaged_artifacts(lab: Site) -> None:
    """A blob that was damaged in the store since is replaced by the point's."""
    create_restore_point(lab.config)
    [stored] = (lab.folder / "experiments" / "blobs").glob("*/*")
    damage(stored)
    restore("latest", lab.config, overwrite=True)
    assert lab.artifacts() == {"first": {"threshold": 0.5}}


def test_a_damaged_database_is_renamed_and_restored(lab: Site) -> None:
    """Overwrite also replaces a file that is no database any more, and keeps it beside."""
    before = lab.rows()
    create_restore_point(lab.config)
    path = lab.folder / "lab.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(InvalidInput):
        restore("latest", lab.config)
    restore("latest", lab.config, overwrite=True)
    assert lab.rows() == before
    assert len(list(lab.folder.glob("lab.db.damaged-*"))) == 1


def test_encrypted_artifacts_stay_encrypted(make_site: MakeSite) -> None:
    """A point has the stored bytes; restoring asks for the key before anything changes."""
    lab = make_site("lab", security={"encryption_key": KEY})
    lab.track("first", "confidential")
    create_restore_point(lab.config)
    [blob] = blob_files(lab)
    assert blob.suffix == ".enc"
    assert b"confidential" not in blob.read_bytes()
    for secrets in ({}, {"encryption_key": "cd" * 32}):
        with pytest.raises(EncryptionKeyRefused):
            restore("latest", make_site("empty", security=secrets).config)
    target = make_site("empty", security={"encryption_key": KEY})
    restore("latest", target.config)
    assert target.artifacts() == {"first": "confidential"}


def test_another_artifact_store_is_not_overwritten(lab: Site, make_site: MakeSite) -> None:
    """A folder with another store's artifacts is refused, whatever was agreed to for the database."""
    create_restore_point(lab.config)
    other = make_site("other")
    other.track("own", "content")
    with pytest.raises(TargetNotEmpty, match="another artifact store"):
        restore("latest", other.config, overwrite=True)
    assert other.artifacts() == {"own": "content"}


def test_a_copy_beside_its_original_does_not_collect_its_artifacts(lab: Site, make_site: MakeSite) -> None:
    """Restored onto the same artifact folder, the copy counts as a second database of the store."""
    create_restore_point(lab.config)
    root = lab.config.experiment_tracking.tracking_dir
    config = make_site("copy").config.changed(experiment_tracking=lab.config.experiment_tracking)
    restore("latest", config)
    for url in (config.database.url, lab.config.database.url):
        with open_database(url) as database, pytest.raises(StoreShared):
            ArtifactStore(root, database=database).collect_garbage(grace=timedelta())


def test_a_store_that_is_gone_is_named(lab: Site) -> None:
    """A backup without the artifacts that the database refers to is none."""
    (lab.folder / "experiments").rename(lab.folder / "moved")
    with pytest.raises(StoreMissing, match="experiments"):
        create_restore_point(lab.config)


def test_nothing_is_created_to_be_backed_up(make_site: MakeSite) -> None:
    """A mistyped path is an error, not an empty restore point."""
    with pytest.raises(DatabaseMissing):
        create_restore_point(make_site("absent").config)


def test_two_backups_at_once_are_refused(lab: Site) -> None:
    """The second is told so, and the first goes on."""

    def again(stage: str, done: int, total: int) -> None:
        with pytest.raises(BackupRunning):
            create_restore_point(lab.config)

    verify_restore_point(create_restore_point(lab.config, progress=again).name, lab.config)


def test_two_restores_at_once_are_refused(lab: Site, make_site: MakeSite) -> None:
    """The second is told so, and the first goes on."""
    create_restore_point(lab.config)
    empty = make_site("empty")

    def again(stage: str, done: int, total: int) -> None:
        if stage == "restore database":
            with pytest.raises(Conflict, match="Another restore"):
                restore("latest", empty.config, overwrite=True)

    restore("latest", empty.config, progress=again)
    assert set(empty.artifacts()) == {"first"}


def test_an_unknown_restore_point_has_near_matches(lab: Site) -> None:
    """A mistyped name is answered with the one that was meant; an empty folder with the remedy."""
    with pytest.raises(RestorePointNotFound, match="mlops backup"):
        verify_restore_point("latest", lab.config)
    name = create_restore_point(lab.config).name
    with pytest.raises(RestorePointNotFound, match=name):
        verify_restore_point(name[:-1], lab.config)


def test_a_renamed_restore_point_is_refused(lab: Site) -> None:
    """A folder under another's name is not taken for it, and not listed."""
    name = create_restore_point(lab.config).name
    other = name[:-1] + ("0" if name[-1] != "0" else "1")
    (lab.points / name).rename(lab.points / other)
    with pytest.raises(RestorePointDamaged, match=name):
        verify_restore_point(other, lab.config)
    assert list_restore_points(lab.config) == []


def due(site: Site, hour: float) -> bool:
    moment = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour)
    return create_if_due(site.config, now=lambda: moment) is not None


def test_setting_backup_enabled_decides_whether_a_due_backup_is_made(make_site: MakeSite) -> None:
    """Without it nothing is ever due."""
    for is_enabled in (False, True):
        site = make_site(f"site-{is_enabled}", model_registry={"backup_enabled": is_enabled})
        site.track("first", 1)
        assert due(site, 0) is is_enabled


def test_setting_backup_interval_paces_due_backups(make_site: MakeSite) -> None:
    """The next one is due when the interval has passed since the last."""
    site = make_site("site", model_registry={"backup_enabled": True, "backup_interval_hours": 6})
    site.track("first", 1)
    assert [due(site, hour) for hour in (0, 1, 5.9, 6, 7, 12.5)] == [True, False, False, True, False, True]


def test_setting_backup_dir_decides_where_restore_points_live(lab: Site, tmp_path: Path) -> None:
    """Points are made there, readable by their owner only; a URL is refused."""
    config = lab.config.changed(model_registry=lab.config.model_registry.changed(backup_dir=f"{tmp_path}/elsewhere"))
    point = create_restore_point(config)
    assert (tmp_path / "elsewhere" / point.name / "manifest.json").is_file()
    assert (tmp_path / "elsewhere").stat().st_mode & 0o077 == 0
    with pytest.raises(InvalidInput, match="folder of this machine"):
        create_restore_point(
            lab.config.changed(model_registry=lab.config.model_registry.changed(backup_dir="s3://bucket/backups"))
        )


def test_a_copied_database_is_a_plain_file(lab: Site) -> None:
    """Any SQLite program opens it, nothing lies beside it, and verifying does not change that."""
    point = create_restore_point(lab.config)
    verify_restore_point(point.name, lab.config)
    folder = lab.points / point.name / "database"
    assert [path.name for path in folder.iterdir()] == ["mlops.db"]
    connection = sqlite3.connect(f"file:{folder}/mlops.db?mode=ro", uri=True)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_turning_encryption_on_reaches_the_next_restore_point(make_site: MakeSite) -> None:
    """Once the store has a blob encrypted, a new point does not take the plain copy of an earlier one."""
    make_site("lab").track("first", "confidential")
    create_restore_point(make_site("lab").config)
    encrypted = make_site("lab", security={"encryption_key": KEY})
    encrypted.track("again", "confidential")
    point = create_restore_point(encrypted.config)
    assert [path.suffix for path in blob_files(encrypted) if point.name in path.parts] == [".enc"]
