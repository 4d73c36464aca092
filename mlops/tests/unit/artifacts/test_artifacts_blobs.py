"""The blob store: one contract for every storage, encrypted or not."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from mlops.artifacts.blobs import BlobStore
from mlops.artifacts.digests import CHUNK_BYTES, read_chunks, sha256
from mlops.artifacts.encryption import EncryptionKey
from mlops.artifacts.errors import ArtifactCorrupted, ArtifactNotFound, EncryptionKeyRefused, UnsafeFolder
from mlops.artifacts.folders import get_folder, put_folder
from mlops.artifacts.storage import FsspecStorage, LocalStorage, open_storage
from mlops.errors import InvalidInput, StorageFull

KEY = EncryptionKey(bytes(range(32)))
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 7]


def new_store(kind: str, folder: Path) -> BlobStore:
    place = f"memory://{uuid.uuid4().hex}" if "memory" in kind else str(folder / "store")
    return BlobStore(open_storage(place), encryption_key=KEY if "encrypted" in kind else None)


@pytest.fixture(params=["local", "memory", "local encrypted", "memory encrypted"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """Return an empty store of each kind."""
    return new_store(request.param, tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> BlobStore:
    """Return an empty store in a local folder."""
    return new_store("local", tmp_path)


def stored_file(blobs: BlobStore, digest: str) -> Path:
    assert blobs.storage.local is not None
    return next(path for path in blobs.storage.local.glob(f"blobs/{digest[:2]}/{digest[2:]}*"))


def visible(blobs: BlobStore) -> list[str]:
    return [blob.digest for blob in blobs.list_blobs()]


def unfinished(blobs: BlobStore) -> list[str]:
    return [entry.name for entry in blobs.storage.list("tmp")]


class TestContract:
    """What every storage gives."""

    @pytest.mark.parametrize("size", SIZES)
    def test_bytes_come_back(self, blobs: BlobStore, size: int) -> None:
        """Content is found under its SHA-256, in every way of reading."""
        content = os.urandom(size)
        blob = blobs.put_bytes(content)
        assert blob == (sha256(content), size)
        assert blobs.get_bytes(blob.digest) == content
        with blobs.open(blob.digest) as stream:
            assert b"".join(read_chunks(stream, 100_000)) == content

    def test_files_and_streams_come_back(self, blobs: BlobStore, tmp_path: Path) -> None:
        """The same content has the same digest, from wherever it came."""
        (tmp_path / "in").write_bytes(b"cells")
        assert blobs.put_file(tmp_path / "in") == blobs.put_stream(io.BytesIO(b"cells"))
        assert blobs.get_file(sha256(b"cells"), tmp_path / "out").read_bytes() == b"cells"

    def test_the_same_content_is_kept_once(self, blobs: BlobStore) -> None:
        """A second put writes nothing that stays."""
        blobs.put_bytes(b"cells")
        blobs.put_stream(io.BytesIO(b"cells"))
        assert visible(blobs) == [sha256(b"cells")]
        assert unfinished(blobs) == []

    def test_blobs_are_listed_in_order(self, blobs: BlobStore) -> None:
        """Every blob is there once, with the size of its file."""
        digests = [blobs.put_bytes(str(number).encode()).digest for number in range(20)]
        assert visible(blobs) == sorted(digests)

    def test_what_is_deleted_is_gone(self, blobs: BlobStore) -> None:
        """Deleting twice is harmless."""
        digest = blobs.put_bytes(b"cells").digest
        blobs.delete(digest)
        blobs.delete(digest)
        assert not blobs.exists(digest)
        with pytest.raises(ArtifactNotFound, match=digest):
            blobs.get_bytes(digest)

    def test_an_upload_that_fails_leaves_nothing(self, blobs: BlobStore) -> None:
        """A reader never sees half a file."""
        with suppress(ZeroDivisionError), blobs.writer() as writer:
            writer.stream.write(b"half")
            raise ZeroDivisionError
        assert visible(blobs) == []
        assert unfinished(blobs) == []

    def test_folders_come_back(self, blobs: BlobStore, tmp_path: Path) -> None:
        """Files, empty folders and executable marks survive; equal folders are one."""
        make_folder(tmp_path / "in")
        blob, manifest = put_folder(blobs, tmp_path / "in")
        get_folder(blobs, blob.digest, tmp_path / "out")
        assert listing(tmp_path / "out") == listing(tmp_path / "in")
        assert put_folder(blobs, tmp_path / "out") == (blob, manifest)

    @pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", "٣" * 64])
    def test_only_digests_are_asked_for(self, blobs: BlobStore, digest: str) -> None:
        """No other text ever becomes a path."""
        for ask in (blobs.get_bytes, blobs.open, blobs.exists, blobs.delete):
            with pytest.raises(InvalidInput, match="not a digest"):
                ask(digest)


def make_folder(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "empty" / "deep").mkdir(parents=True)
    (folder / "a" / "b" / "tablé.csv").write_bytes(b"1,2\n")
    (folder / "run.sh").write_bytes(b"#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)


def listing(folder: Path) -> list[tuple[str, bytes | None, bool]]:
    paths = sorted(folder.rglob("*"))
    return [
        (
            str(path.relative_to(folder)),
            path.read_bytes() if path.is_file() else None,
            path.is_file() and os.access(path, os.X_OK) and bool(path.stat().st_mode & 0o100),
        )
        for path in paths
    ]


class TestDamage:
    """What happens when stored bytes are not what was stored."""

    @pytest.fixture(params=["local", "local encrypted"])
    def damaged(self, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[BlobStore, str, Path]:
        """Return a store, a digest in it, and the file to damage."""
        blobs = new_store(request.param, tmp_path)
        digest = blobs.put_bytes(bytes(range(256)) * 16_000).digest
        return blobs, digest, stored_file(blobs, digest)

    @pytest.mark.parametrize("position", [0, 60, 2_000_000, -1])
    def test_a_flipped_byte_is_found(self, damaged: tuple[BlobStore, str, Path], position: int) -> None:
        """Wherever the byte is, nothing is handed out."""
        blobs, digest, path = damaged
        content = bytearray(path.read_bytes())
        content[position] ^= 1
        path.write_bytes(content)
        with pytest.raises((ArtifactCorrupted, EncryptionKeyRefused)):
            blobs.get_bytes(digest)

    @pytest.mark.parametrize("size", [0, 10, 1_000_000])
    def test_a_truncated_file_is_found(self, damaged: tuple[BlobStore, str, Path], size: int) -> None:
        """A short file is as bad as a wrong one, and gives no file."""
        blobs, digest, path = damaged
        os.truncate(path, size)
        with pytest.raises(ArtifactCorrupted):
            blobs.get_file(digest, path.with_name("out"))
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]

    def test_a_stream_withholds_its_last_chunk(self, local: BlobStore) -> None:
        """A reader of a damaged stream never gets all of it."""
        content = bytes(3 * CHUNK_BYTES)
        digest = local.put_bytes(content).digest
        stored_file(local, digest).write_bytes(content[:-1] + b"x")
        received: list[int] = []
        with local.open(digest) as stream, pytest.raises(ArtifactCorrupted):
            received.extend(len(chunk) for chunk in read_chunks(stream, 1000))
        assert sum(received) <= 2 * CHUNK_BYTES

    def test_a_put_repairs_a_damaged_blob(self, damaged: tuple[BlobStore, str, Path]) -> None:
        """Saving the same object again is a remedy, as the message says."""
        blobs, digest, path = damaged
        for broken in (b"", path.read_bytes()[:-1], path.read_bytes()[:-1] + b"\x00"):
            path.write_bytes(broken)
            blobs.put_bytes(bytes(range(256)) * 16_000)
            assert sha256(blobs.get_bytes(digest)) == digest

    def test_a_folder_with_a_damaged_file_does_not_appear(self, local: BlobStore, tmp_path: Path) -> None:
        """A folder is whole or not there."""
        make_folder(tmp_path / "in")
        blob, manifest = put_folder(local, tmp_path / "in")
        stored_file(local, manifest.files[0].digest).write_bytes(b"other")
        with pytest.raises(ArtifactCorrupted):
            get_folder(local, blob.digest, tmp_path / "out")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "store"]


class TestEncryption:
    """How a key changes what lies in the store."""

    def test_no_plaintext_lies_in_the_store(self, tmp_path: Path) -> None:
        """An encrypted store shows sizes and digests, not content."""
        blobs = new_store("local encrypted", tmp_path)
        digest = blobs.put_bytes(b"patient 17: malignant").digest
        assert b"patient" not in stored_file(blobs, digest).read_bytes()

    def test_blobs_from_before_the_key_stay_readable(self, tmp_path: Path, local: BlobStore) -> None:
        """Turning encryption on loses nothing; a new put of the same content encrypts it."""
        digest = local.put_bytes(b"cells").digest
        encrypted = new_store("local encrypted", tmp_path)
        assert encrypted.get_bytes(digest) == b"cells"
        encrypted.put_bytes(b"cells")
        assert [blob.encrypted for blob in encrypted.list_blobs()] == [True]

    def test_a_store_without_the_key_says_so(self, tmp_path: Path, local: BlobStore) -> None:
        """The message names the variable to set."""
        digest = new_store("local encrypted", tmp_path).put_bytes(b"cells").digest
        with pytest.raises(EncryptionKeyRefused, match="MLOPS_ENCRYPTION_KEY"):
            local.get_bytes(digest)

    def test_plaintext_that_looks_encrypted_is_kept(self, tmp_path: Path, local: BlobStore) -> None:
        """The name of a file says whether it is encrypted, not its first bytes."""
        content = b"MLOPSENC\x01" + bytes(100)
        digest = local.put_bytes(content).digest
        assert new_store("local encrypted", tmp_path).get_bytes(digest) == content


class TestTargets:
    """Where content is written out."""

    def test_a_folder_is_not_written_over_another(self, local: BlobStore, tmp_path: Path) -> None:
        """Existing files are not mixed with stored ones."""
        make_folder(tmp_path / "in")
        blob, _ = put_folder(local, tmp_path / "in")
        with pytest.raises(InvalidInput, match="exists"):
            get_folder(local, blob.digest, tmp_path / "in")

    def test_a_link_as_target_is_replaced_not_followed(self, local: BlobStore, tmp_path: Path) -> None:
        """Writing to a name never writes somewhere else."""
        (tmp_path / "precious").write_text("keep")
        (tmp_path / "out").symlink_to(tmp_path / "precious")
        local.get_file(local.put_bytes(b"cells").digest, tmp_path / "out")
        assert (tmp_path / "precious").read_text() == "keep"
        assert not (tmp_path / "out").is_symlink()

    def test_names_of_any_length_are_written(self, local: BlobStore, tmp_path: Path) -> None:
        """The draft's name is not longer than the file system takes."""
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / ("x" * 255)).write_bytes(b"cells")
        blob, _ = put_folder(local, tmp_path / "in")
        assert listing(get_folder(local, blob.digest, tmp_path / ("y" * 255))) == listing(tmp_path / "in")

    def test_a_hostile_manifest_writes_nothing(self, local: BlobStore, tmp_path: Path) -> None:
        """A manifest put as plain bytes is checked like any other."""
        member = local.put_bytes(b"evil").digest
        entry = f'{{"path":"../evil","digest":"{member}","size_bytes":4,"executable":false}}'
        content = f'{{"format":"mlops-folder-1","files":[{entry}],"empty_folders":[]}}'
        with pytest.raises(UnsafeFolder):
            get_folder(local, local.put_bytes(content.encode()).digest, tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["store"]

    @pytest.mark.parametrize("path", ["nothing", "."])
    def test_a_source_that_is_no_file_is_an_error(self, local: BlobStore, path: str) -> None:
        """The message names it."""
        with pytest.raises(InvalidInput, match="cannot be read"):
            local.put_file(path)


class TestTrouble:
    """Full disks, killed processes, wrong places."""

    def test_a_full_disk_leaves_nothing(self, tmp_path: Path) -> None:
        """The error says so, nothing half-written stays, and smaller things still fit."""
        place = tmp_path / "small"
        place.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip(
                f"NOT TESTED: a full disk; mounting a small tmpfs needs root: {mounted.stderr.decode().strip()}"
            )
        try:
            blobs = BlobStore(LocalStorage(place / "store"))
            for content in (bytes(1_000_000), os.urandom(300_000)):
                with pytest.raises(StorageFull, match="is full"):
                    blobs.put_bytes(content)
            assert visible(blobs) == []
            assert unfinished(blobs) == []
            assert blobs.get_bytes(blobs.put_bytes(b"small").digest) == b"small"
        finally:
            subprocess.run(["umount", place], check=True)

    def test_a_killed_upload_is_not_visible(self, local: BlobStore) -> None:
        """After kill -9 in the middle of a put there is an unfinished upload and no blob."""
        program = (
            "import os, sys\n"
            "from mlops.artifacts.blobs import BlobStore\n"
            "from mlops.artifacts.storage import open_storage\n"
            "with BlobStore(open_storage(sys.argv[1])).writer() as writer:\n"
            "    writer.stream.write(bytes(3_000_000))\n"
            "    os.kill(os.getpid(), 9)\n"
        )
        killed = subprocess.run([sys.executable, "-c", program, local.storage.root], capture_output=True, check=False)
        assert killed.returncode == -9
        assert visible(local) == []
        assert len(unfinished(local)) == 1

    def test_an_unknown_protocol_is_refused(self) -> None:
        """A mistyped URL is answered at once."""
        with pytest.raises(InvalidInput, match="cannot be opened as an artifact store"):
            open_storage("s4://bucket")

    def test_an_empty_root_is_refused(self) -> None:
        """The current folder is not a store by accident."""
        with pytest.raises(InvalidInput, match="empty"):
            open_storage("")

    def test_passwords_in_urls_are_not_shown(self) -> None:
        """Messages name the place, not the credentials."""
        assert "secret" not in FsspecStorage("memory://user:secret@host/store").root

    def test_file_urls_are_folders(self, tmp_path: Path) -> None:
        """`file://` is the local folder it names."""
        assert open_storage(f"file://{tmp_path}").local == tmp_path
