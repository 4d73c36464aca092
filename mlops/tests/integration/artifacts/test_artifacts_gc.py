"""Garbage collection: it takes what nothing refers to, after the grace period, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops.artifacts import ArtifactNotFound, ArtifactStore, StoreShared, list_references, remove_references
from mlops.artifacts.references import remove_garbage
from mlops.database import Database, open_database
from mlops.errors import InvalidInput

DAY = timedelta(days=1)


class Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, by: timedelta) -> None:
        self.moment += by


@pytest.fixture
def clock() -> Clock:
    """Return the store's clock."""
    return Clock()


@pytest.fixture(params=["local", "local encrypted", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str | None]:
    """Return where the store is, and its key."""
    place = f"memory://{tmp_path.name}-{id(request)}" if request.param == "memory" else str(tmp_path / "artifacts")
    return place, "00" * 32 if "encrypted" in request.param else None


@pytest.fixture
def store(root: tuple[str, str | None], database: Database, clock: Clock) -> ArtifactStore:
    """Return a store of each kind on each database."""
    place, key = root
    return ArtifactStore(place, database=database, signing_key="k" * 32, encryption_key=key, now=clock)


@pytest.fixture
def local(tmp_path: Path, database: Database, clock: Clock) -> ArtifactStore:
    """Return a store in a folder, on each database."""
    return ArtifactStore(tmp_path / "artifacts", database=database, now=clock)


def refer(store: ArtifactStore, database: Database, digest: str, owner: str = "e1") -> None:
    with database.write() as tx:
        store.add_reference(tx, digest, owner_kind="experiment", owner_id=owner)


def forget(database: Database, owner: str = "e1") -> None:
    with database.write() as tx:
        remove_references(tx, owner_kind="experiment", owner_id=owner)


class TestWhatIsTaken:
    """Rules of collection."""

    def test_unreferenced_blobs_go_after_the_grace_period(self, store: ArtifactStore, clock: Clock) -> None:
        """A day is the grace that a blob has by default to find an owner."""
        blob = store.put_bytes(b"cells")
        clock.forward(DAY - timedelta(seconds=1))
        assert store.collect_garbage().blobs == 0
        clock.forward(timedelta(seconds=2))
        assert store.collect_garbage().blobs == 1
        assert not store.exists(blob.digest)

    def test_referenced_blobs_stay_until_the_reference_goes(
        self, store: ArtifactStore, database: Database, clock: Clock
    ) -> None:
        """A reference keeps a blob for any time."""
        digest = store.put_bytes(b"cells").digest
        refer(store, database, digest)
        clock.forward(365 * DAY)
        assert store.collect_garbage().blobs == 0
        forget(database)
        assert store.collect_garbage().blobs == 1

    def test_a_put_again_starts_the_grace_period_again(self, store: ArtifactStore, clock: Clock) -> None:
        """Whoever puts what is there already has as long as the first."""
        blob = store.put_bytes(b"cells")
        clock.forward(2 * DAY)
        store.put_bytes(b"cells")
        assert store.collect_garbage().blobs == 0
        assert store.get_bytes(blob.digest) == b"cells"

    def test_a_dry_run_counts_and_takes_nothing(self, store: ArtifactStore, clock: Clock) -> None:
        """The report of a dry run is the report of the run that follows."""
        for number in range(3):
            store.put_bytes(bytes(1000 + number))
        clock.forward(2 * DAY)
        foretold = store.collect_garbage(dry_run=True)
        assert len(list(store.list_blobs())) == foretold.blobs == 3
        assert foretold.bytes == sum(blob.stored_bytes for blob in store.list_blobs())
        assert store.collect_garbage() == foretold.changed(dry_run=False)
        assert list(store.list_blobs()) == []

    def test_a_folder_keeps_its_files_and_takes_them_along(
        self, store: ArtifactStore, database: Database, clock: Clock, tmp_path: Path
    ) -> None:
        """Files of a folder go when the last folder that has them goes."""
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "shared.txt").write_text("shared")
            (tmp_path / name / f"{name}.txt").write_text(name)
        one, two = store.save(tmp_path / "one"), store.save(tmp_path / "two")
        refer(store, database, two.digest)
        clock.forward(2 * DAY)
        assert store.collect_garbage(dry_run=True).blobs == 2
        assert store.collect_garbage().blobs == 2
        assert store.load(two).read_bytes("shared.txt") == b"shared"
        assert not store.exists(one.digest)
        forget(database)
        assert store.collect_garbage(dry_run=True).blobs == 3
        assert store.collect_garbage().blobs == 3
        assert list(store.list_blobs()) == []

    def test_a_folders_file_that_another_owner_has_stays(
        self, store: ArtifactStore, database: Database, clock: Clock, tmp_path: Path
    ) -> None:
        """Content is shared between folders and owners."""
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "a").write_bytes(b"cells")
        store.save(tmp_path / "folder")
        digest = store.put_bytes(b"cells").digest
        refer(store, database, digest)
        clock.forward(2 * DAY)
        assert store.collect_garbage().blobs == 1
        assert store.get_bytes(digest) == b"cells"

    def test_unfinished_uploads_go_after_the_grace_period(
        self, local: ArtifactStore, clock: Clock, tmp_path: Path
    ) -> None:
        """What a killed process left is swept, what is being written is not."""
        local.put_bytes(b"cells")
        (tmp_path / "artifacts" / "tmp" / "left").write_bytes(b"half")
        assert local.collect_garbage().leftovers == 0
        clock.forward(2 * DAY)
        assert local.collect_garbage(dry_run=True).leftovers == 1
        assert local.collect_garbage().leftovers == 1
        assert list((tmp_path / "artifacts" / "tmp").iterdir()) == []

    def test_blobs_without_a_row_are_garbage_too(self, local: ArtifactStore, clock: Clock, tmp_path: Path) -> None:
        """A process that died between file and row leaves no file for ever."""
        local.put_bytes(b"cells")
        name = "ab" * 32
        (tmp_path / "artifacts" / "blobs" / "ab").mkdir(exist_ok=True)
        (tmp_path / "artifacts" / "blobs" / "ab" / name[2:]).write_bytes(b"stray")
        assert local.collect_garbage(grace=timedelta(hours=1)).blobs == 0
        clock.forward(2 * DAY)
        assert local.collect_garbage(dry_run=True).blobs == 2
        assert local.collect_garbage().blobs == 2
        assert not local.exists(name)

    def test_files_that_are_no_blobs_are_left_alone(self, local: ArtifactStore, clock: Clock, tmp_path: Path) -> None:
        """Keys, marks and a user's own files are not garbage."""
        local.save((1, 2))
        (tmp_path / "artifacts" / "blobs" / "notes.txt").write_text("mine")
        clock.forward(2 * DAY)
        local.collect_garbage()
        left = {path.name for path in (tmp_path / "artifacts").rglob("*") if path.is_file()}
        assert {"notes.txt", "signing.key", "store.json"} <= left

    def test_an_empty_store_has_no_garbage(self, store: ArtifactStore) -> None:
        """Nothing needs to have been saved before."""
        assert store.collect_garbage().blobs == 0

    def test_a_negative_grace_is_refused(self, store: ArtifactStore) -> None:
        """Blobs of the future cannot be collected."""
        with pytest.raises(InvalidInput, match="negative"):
            store.collect_garbage(grace=-DAY)


class TestSharedStore:
    """One store, one database."""

    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[Database]:
        """Yield a second database."""
        with open_database(f"sqlite:///{tmp_path / 'other.db'}") as opened:
            yield opened

    def test_a_store_of_two_databases_is_not_collected(
        self, local: ArtifactStore, other: Database, clock: Clock, tmp_path: Path
    ) -> None:
        """The references of the other are not known; the message says what to delete if it is gone."""
        local.put_bytes(b"cells")
        ArtifactStore(tmp_path / "artifacts", database=other, now=clock).put_bytes(b"cells")
        clock.forward(2 * DAY)
        with pytest.raises(StoreShared, match=r"other\.db.*clients/"):
            local.collect_garbage()
        for mark in (tmp_path / "artifacts" / "clients").iterdir():
            if "other.db" in mark.read_text():
                mark.unlink()
        assert local.collect_garbage().blobs == 1

    def test_a_database_that_never_used_a_store_does_not_collect_it(
        self, local: ArtifactStore, other: Database, tmp_path: Path
    ) -> None:
        """A wrong database in the configuration destroys nothing."""
        local.put_bytes(b"cells")
        with pytest.raises(StoreShared):
            ArtifactStore(tmp_path / "artifacts", database=other).collect_garbage(grace=timedelta())


class TestRaces:
    """Puts and references beside a collection."""

    def test_a_put_between_plan_and_removal_wins(self, local: ArtifactStore, database: Database, clock: Clock) -> None:
        """The removal looks again at the time of the last put."""
        digest = local.put_bytes(b"cells").digest
        clock.forward(2 * DAY)
        before = clock.moment - DAY
        local.put_bytes(b"cells")
        with database.write() as tx:
            assert not remove_garbage(tx, store=local.store_id, digest=digest, put_before=before)

    def test_a_reference_between_plan_and_removal_wins(
        self, local: ArtifactStore, database: Database, clock: Clock
    ) -> None:
        """The removal looks again at the references."""
        digest = local.put_bytes(b"cells").digest
        clock.forward(2 * DAY)
        refer(local, database, digest)
        with database.write() as tx:
            assert not remove_garbage(tx, store=local.store_id, digest=digest, put_before=clock.moment)

    def test_a_reference_to_collected_content_is_refused(
        self, local: ArtifactStore, database: Database, clock: Clock
    ) -> None:
        """An owner that waited too long is told, and its transaction does not commit."""
        digest = local.put_bytes(b"cells").digest
        clock.forward(2 * DAY)
        local.collect_garbage()
        with pytest.raises(ArtifactNotFound):
            refer(local, database, digest)

    def test_a_put_waits_for_a_removal_and_writes_anew(
        self, local: ArtifactStore, database: Database, clock: Clock
    ) -> None:
        """A put that meets a removal in progress ends with the content there."""
        digest = local.put_bytes(b"cells").digest
        clock.forward(2 * DAY)
        with database.write() as tx:
            assert remove_garbage(tx, store=local.store_id, digest=digest, put_before=clock.moment)
            putting = threading.Thread(target=local.put_bytes, args=[b"cells"])
            putting.start()
            putting.join(0.2)
            assert putting.is_alive()  # it waits for this transaction
            local._blobs.delete(digest)
        putting.join()
        assert local.get_bytes(digest) == b"cells"

    def test_collection_beside_many_writers_loses_nothing(self, tmp_path: Path, database: Database) -> None:
        """Two writers put and refer to the same few blobs while garbage is collected again and again, without grace."""
        store = ArtifactStore(tmp_path / "artifacts", database=database)
        contents = [str(number).encode() * 100 for number in range(4)]
        stop, kept = threading.Event(), {}
        failures: list[BaseException] = []

        def collect() -> None:
            while not stop.is_set():
                store.collect_garbage(grace=timedelta())

        def write(writer: int) -> None:
            for turn in range(15):
                owner = f"{writer}-{turn}"
                digest = store.put_bytes(contents[turn % len(contents)]).digest
                try:
                    refer(store, database, digest, owner)
                except ArtifactNotFound:
                    continue  # collected between put and reference, and said so: grace was zero
                kept[owner] = digest
                if turn % 3:
                    del kept[owner]
                    forget(database, owner)

        def guarded(work: threading.Thread) -> None:
            try:
                work.run()
            except BaseException as error:
                failures.append(error)

        collector = threading.Thread(target=guarded, args=[threading.Thread(target=collect)])
        writers = [threading.Thread(target=guarded, args=[threading.Thread(target=write, args=[n])]) for n in range(2)]
        for thread in (collector, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        stop.set()
        collector.join()
        assert failures == []
        assert kept
        for owner, digest in kept.items():
            assert store.get_bytes(digest) in contents
            with database.read() as tx:
                assert list_references(tx, owner_kind="experiment", owner_id=owner) == [("", digest)]
        store.collect_garbage(grace=timedelta())
        assert {blob.digest for blob in store.list_blobs()} == set(kept.values())
