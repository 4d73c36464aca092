"""The signing key: made once, kept private, and the only one whose pickles are loaded."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from mlops.artifacts.errors import SignatureRefused
from mlops.artifacts.signing import SigningKey, file_key
from mlops.errors import InvalidInput

DIGEST = "ab" * 32


def test_a_key_verifies_what_it_signed() -> None:
    """A signature holds for its codec and digest."""
    key = SigningKey("k" * 32)
    key.verify("pickle", DIGEST, key.sign("pickle", DIGEST))


@pytest.mark.parametrize(("codec", "digest"), [("json", DIGEST), ("pickle", "cd" * 32)])
def test_a_signature_holds_for_nothing_else(codec: str, digest: str) -> None:
    """Another codec or another content needs a signature of its own."""
    key = SigningKey("k" * 32)
    with pytest.raises(SignatureRefused, match="wrong signature"):
        key.verify(codec, digest, key.sign("pickle", DIGEST))


@pytest.mark.parametrize("signature", [None, ""])
def test_no_signature_is_refused(signature: str | None) -> None:
    """An unsigned pickle says how to import it."""
    with pytest.raises(SignatureRefused, match=r"not signed.*MLOPS_SIGNING_KEY"):
        SigningKey("k" * 32).verify("pickle", DIGEST, signature)


def test_another_installation_is_named() -> None:
    """A foreign signature says so, and how to import what it signs."""
    with pytest.raises(SignatureRefused, match=r"another installation.*MLOPS_SIGNING_KEY"):
        SigningKey("k" * 32).verify("pickle", DIGEST, SigningKey("f" * 32).sign("pickle", DIGEST))


@pytest.mark.parametrize("signature", ["v1:", "nonsense", "v2:x:y", "ü", "v1:a:b:c"])
def test_nonsense_is_refused(signature: str) -> None:
    """Whatever stands in a row, the answer is a refusal."""
    with pytest.raises(SignatureRefused):
        SigningKey("k" * 32).verify("pickle", DIGEST, signature)


def test_a_short_key_is_refused() -> None:
    """Guessable keys are not accepted."""
    with pytest.raises(InvalidInput, match="at least 32"):
        SigningKey("short")


def test_the_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    """The second look finds the first key, in a file for its owner only."""
    first = file_key(tmp_path / "artifacts")
    assert file_key(tmp_path / "artifacts").key_id == first.key_id
    assert stat.S_IMODE((tmp_path / "artifacts" / "signing.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == ["signing.key"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A shared secret is none; the message says what to run."""
    file_key(tmp_path)
    (tmp_path / "signing.key").chmod(0o640)
    with pytest.raises(InvalidInput, match="chmod 600"):
        file_key(tmp_path)


def key_id(folder: str) -> str:
    return file_key(Path(folder)).key_id


def test_processes_that_race_agree_on_one_key(tmp_path: Path) -> None:
    """Whoever is first makes the key of all."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        ids = pool.map(key_id, [str(tmp_path)] * 16, chunksize=1)
    assert len(set(ids)) == 1
