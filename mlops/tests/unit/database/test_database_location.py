"""Where a database is: canonical addresses, masked passwords, refused places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlops.database import UnsupportedLocation, open_database
from mlops.database.location import file_system_of, locate

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:40 / /data rw,relatime shared:9 - nfs4 server:/export rw
41 40 0:41 / /data/local rw - xfs /dev/vdb rw
42 27 0:42 / /my\040share rw - cifs //server/share rw
43 27 0:43 / /over rw - ext4 /dev/vdc rw
44 43 0:44 / /over rw - fuse.sshfs host: rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/lab/mlops.db", "ext4"),
        ("/data/mlops.db", "nfs4"),
        ("/data/local/mlops.db", "xfs"),
        ("/database/mlops.db", "ext4"),
        ("/my share/mlops.db", "cifs"),
        ("/over/mlops.db", "fuse.sshfs"),
    ],
)
def test_file_system_is_that_of_the_deepest_and_latest_mount(path: str, kind: str) -> None:
    """The mount that holds a path is the longest prefix, the last one of equals."""
    assert file_system_of(Path(path), MOUNTS) == kind


def test_file_system_is_unknown_without_mounts() -> None:
    """Where the system lists no mounts nothing is claimed."""
    assert file_system_of(Path("/anywhere"), "") == ""


def test_relative_absolute_and_linked_paths_are_one_database(tmp_path: Path) -> None:
    """However a file is spelled, its key is the same."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    spellings = ["real/a.db", "./real/../real/a.db", f"{tmp_path}/real/a.db", "link/a.db", f"{tmp_path}/link//a.db"]
    assert len({locate(f"sqlite:///{spelling}").key for spelling in spellings}) == 1


def test_a_link_to_the_file_itself_is_the_same_database(tmp_path: Path) -> None:
    """A symbolic link to a database shares its lock file, since both are one location."""
    (tmp_path / "other.db").symlink_to(tmp_path / "mlops.db")
    assert locate("sqlite:///other.db") == locate("sqlite:///mlops.db")


def test_postgresql_addresses_are_normalised() -> None:
    """Scheme, driver and the default port do not make another database."""
    urls = ["postgresql://u:p@h/db", "postgres://u:p@h:5432/db", "postgresql+psycopg://u:p@h/db"]
    assert len({locate(url).key for url in urls}) == 1
    assert locate(urls[0]).dialect == "postgresql"
    assert locate(urls[0]).path is None


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:memory?mode=memory&uri=true",
        "sqlite:///a.db?mode=ro",
        "sqlite://folder/a.db",
        "mysql://u@h/db",
        "postgresql://u@h",
        "mlops.db",
        "",
    ],
)
def test_what_cannot_be_a_database_is_refused_with_what_can(url: str) -> None:
    """The refusal shows the forms that are accepted."""
    with pytest.raises(UnsupportedLocation, match=re.escape("sqlite:///folder/file.db")):
        open_database(url)


def test_a_folder_is_refused_with_a_file_inside_it(tmp_path: Path) -> None:
    """A folder's refusal proposes a file."""
    with pytest.raises(UnsupportedLocation, match=r"is a folder.*mlops\.db"):
        locate(f"sqlite:///{tmp_path}")


def test_network_file_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file on a network mount is refused, and the message names the way out."""
    read_text = Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda path, *a, **k: MOUNTS if str(path) == "/proc/self/mountinfo" else read_text(path, *a, **k),
    )
    with pytest.raises(UnsupportedLocation, match=r"network file system \(nfs4\).*postgresql://"):
        locate("sqlite:////data/mlops.db")


@pytest.mark.parametrize("url", ["postgresql://ann:s3cret@h/db", "postgresql://h/db?user=ann&password=s3cret"])
def test_passwords_are_masked_for_people(url: str) -> None:
    """Neither repr nor the masked URL shows a password; the key keeps it."""
    location = locate(url)
    assert "s3cret" not in repr(location) + location.masked
    assert "s3cret" in location.key


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:s3cret@h:port/db",
        "postgresql:/ann:s3cret@h/db",
        "oracle://ann:s3cret@h/db",
        "postgresql://ann:s3cret@h",
        "postgresql://h?password=s3cret",
        "//ann:s3cret@h/db",
    ],
)
def test_refusals_show_no_password(url: str) -> None:
    """A mistyped URL is shown without its password, also to those who print the whole chain of errors."""
    with pytest.raises(UnsupportedLocation) as caught:
        locate(url)
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in f"{error!r}"
        error = error.__cause__
