"""The container of an export: one possible form, and every byte of it counts."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.artifacts import Blob
from mlops.artifacts.signing import SigningKey
from mlops.errors import InvalidInput, MLOpsError
from mlops.model_registry.errors import ExportDamaged, SiteNotTrusted
from mlops.model_registry.export_file import LARGEST_MANIFEST, open_export, write_export
from mlops.model_registry.site_keys import SiteKey, has_signed, read_trust

KEY = SiteKey(SigningKey("north " * 8))
OTHER = SiteKey(SigningKey("south " * 8))
CONTENTS = [b"", b"one", b"x" * 512, b"y" * 1500]
MANIFEST = b'{"any":"text"}'


def blob_of(content: bytes) -> Blob:
    return Blob(hashlib.sha256(content).hexdigest(), len(content))


BY_DIGEST = {blob_of(content).digest: content for content in CONTENTS}
BLOBS = sorted(map(blob_of, CONTENTS))


def written(folder: Path, manifest: bytes = MANIFEST, key: SiteKey = KEY) -> Path:
    return write_export(folder / "v.tar", manifest, BLOBS, lambda digest: io.BytesIO(BY_DIGEST[digest]), key=key)


def check(path: Path, blobs: list[Blob] = BLOBS) -> bytes:
    """Open and prove a file as an import does; return its manifest."""
    with open_export(path, trusted=frozenset({KEY.public})) as file:
        file.check_blobs(blobs)
        assert [file.read(blob.digest) for blob in blobs] == [BY_DIGEST[blob.digest] for blob in blobs]
        return file.manifest


def tar_of(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """Write an archive with Python's own writer."""
    path = folder / "made.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a sound file."""
    return written(tmp_path_factory.mktemp("good")).read_bytes()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Manifest and contents come back, empty ones too."""
    assert check(written(tmp_path)) == MANIFEST


def test_any_tar_reads_it(tmp_path: Path) -> None:
    """The form is plain ustar, so that people can look inside without us."""
    with tarfile.open(written(tmp_path)) as archive:
        names = archive.getnames()
        assert names == ["signature.json", "manifest.json", *(f"blobs/{blob.digest}" for blob in BLOBS)]
        assert archive.extractfile(names[-1]).read() == BY_DIGEST[BLOBS[-1].digest]  # type: ignore[union-attr]


def test_the_same_version_makes_the_same_file(tmp_path: Path, good: bytes) -> None:
    """Two exports are equal byte for byte, whenever they are made."""
    assert written(tmp_path).read_bytes() == good


@settings(max_examples=150)
@given(data=st.data())
def test_no_byte_can_be_changed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory, good: bytes) -> None:
    """In headers, padding, signature, manifest and contents alike."""
    place = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    changed[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "flipped.tar"
    path.write_bytes(changed)
    with pytest.raises(MLOpsError):
        check(path)


@pytest.mark.parametrize("keep", [0, 1, 511, 512, 700, 1024, 2000, 3000, -1, -512, -1024])
def test_a_truncated_file_is_refused(tmp_path: Path, good: bytes, keep: int) -> None:
    """Wherever it ends too early."""
    path = tmp_path / "cut.tar"
    path.write_bytes(good[:keep])
    with pytest.raises(ExportDamaged):
        check(path)


def test_a_file_with_something_behind_its_end_is_refused(tmp_path: Path, good: bytes) -> None:
    """A second archive cannot hide there."""
    path = tmp_path / "long.tar"
    path.write_bytes(good + bytes(512))
    with pytest.raises(ExportDamaged, match="accounts for"):
        check(path)


def test_swapped_contents_are_refused(tmp_path: Path) -> None:
    """Two contents of one size cannot change places."""
    contents = sorted([b"aaaa", b"bbbb"], key=lambda content: blob_of(content).digest)
    blobs = [blob_of(content) for content in contents]
    swapped = {blobs[0].digest: contents[1], blobs[1].digest: contents[0]}
    path = write_export(tmp_path / "s.tar", MANIFEST, blobs, lambda digest: io.BytesIO(swapped[digest]), key=KEY)
    with pytest.raises(ExportDamaged, match="SHA-256"):
        check(path, blobs)


@pytest.mark.parametrize("blobs", [BLOBS[1:], BLOBS[:-1], [*BLOBS, Blob("f" * 64, 0)]])
def test_an_extra_or_missing_content_is_refused(tmp_path: Path, blobs: list[Blob]) -> None:
    """The file holds what its manifest lists, neither less nor more."""
    path = written(tmp_path)
    with pytest.raises(ExportDamaged):
        check(path, blobs)


def test_a_content_that_claims_to_be_huge_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Sizes are compared with the length of the file first."""
    with pytest.raises(ExportDamaged, match="accounts for"):
        check(written(tmp_path), [Blob(BLOBS[0].digest, 1 << 60), *BLOBS[1:]])


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "signature.json/../x", "blobs/x", "Signature.json"]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    """No name of the file is used as a path, and only one is possible in each place."""
    with pytest.raises(ExportDamaged):
        check(tar_of(tmp_path, (tarfile.TarInfo(name), b"{}")))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    """A member is a plain file or the archive is not ours."""
    member = tarfile.TarInfo("signature.json")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(ExportDamaged):
        check(tar_of(tmp_path, (member, b"")))


def test_a_member_that_comes_twice_is_refused(tmp_path: Path) -> None:
    """There is no second one that could win."""
    path = written(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[:1024] + content)
    with pytest.raises(ExportDamaged):
        check(path)


def test_a_manifest_that_claims_to_be_huge_is_not_read(tmp_path: Path, good: bytes) -> None:
    """Its declared size alone refuses the file."""
    member = tarfile.TarInfo("manifest.json")
    member.size = LARGEST_MANIFEST + 1
    member.mtime = 0
    path = tmp_path / "bomb.tar"
    header = member.tobuf(tarfile.USTAR_FORMAT)
    path.write_bytes(good[:1024] + header + b"{}")
    with pytest.raises(ExportDamaged, match="at most"):
        check(path)


def test_a_manifest_of_another_file_is_refused(tmp_path: Path, good: bytes) -> None:
    """A signature belongs to one manifest."""
    foreign = written(tmp_path, manifest=b'{"any":"word"}').read_bytes()
    path = tmp_path / "mixed.tar"
    path.write_bytes(good[:1024] + foreign[1024:2048] + good[2048:])
    with pytest.raises(ExportDamaged, match="signature"):
        check(path)


def test_a_file_of_an_unknown_site_is_refused_by_its_key(tmp_path: Path) -> None:
    """The error has the key, so that people can ask for it."""
    with pytest.raises(SiteNotTrusted) as refused:
        check(written(tmp_path, key=OTHER))
    assert refused.value.key == OTHER.public


def test_another_sites_signature_under_a_trusted_key_is_refused(tmp_path: Path) -> None:
    """Naming a trusted key does not help who has not got it."""
    content = written(tmp_path, key=OTHER).read_bytes()
    path = tmp_path / "claimed.tar"
    path.write_bytes(content.replace(OTHER.public.encode(), KEY.public.encode()))
    with pytest.raises(ExportDamaged, match="signature"):
        check(path)


@pytest.mark.parametrize("signature", [None, "", "0" * 128, "zz" * 64, 5])
def test_what_is_no_signature_signs_nothing(signature: object) -> None:
    """Missing, empty, of zeros, no hex, no text."""
    assert not has_signed(KEY.public, signature, MANIFEST)
    assert has_signed(KEY.public, KEY.sign(MANIFEST), MANIFEST)


@pytest.mark.parametrize("key", ["", "ed25519:", "ed25519:" + "0" * 63, "rsa:" + "0" * 64, "ED25519:" + "0" * 64])
def test_what_is_no_key_cannot_be_trusted(key: str) -> None:
    """A typing error is told at once."""
    with pytest.raises(InvalidInput, match="transfer_key"):
        read_trust([key])


def test_a_pipe_or_a_folder_is_refused_at_once(tmp_path: Path) -> None:
    """Neither blocks nor crashes."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        with pytest.raises(MLOpsError):
            check(path)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, good: bytes) -> None:
    """An export that breaks off neither replaces the file nor leaves a draft."""
    path = written(tmp_path)
    with pytest.raises(InvalidInput, match="recorded"):
        write_export(path, MANIFEST, [Blob("0" * 64, 5)], lambda _: io.BytesIO(b"four"), key=KEY)
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]
