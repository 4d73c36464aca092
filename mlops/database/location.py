"""Where a database is: URLs made canonical, passwords masked, places that cannot work refused.

SQLite's locks and shared memory do not hold across a network, so a file on a network file system is refused rather
than risked.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from mlops.config import mask_passwords
from mlops.database.errors import UnsupportedLocation

__all__ = ["Location", "file_system_of", "locate"]

_NETWORK = frozenset(
    """afs beegfs ceph cifs davfs fuse.blobfuse2 fuse.ceph fuse.ceph-fuse fuse.gcsfuse fuse.glusterfs fuse.juicefs
    fuse.mount-s3 fuse.rclone fuse.s3fs fuse.sshfs glusterfs gpfs lustre ncpfs nfs nfs4 orangefs smb2 smb3
    smbfs""".split()  # noqa: SIM905 (a column of names reads better)
)
_ALLOWED = (
    "sqlite:///folder/file.db (relative), sqlite:////folder/file.db (absolute) or "
    "postgresql://user:password@host:5432/name"
)


@dataclass(frozen=True)
class Location:
    """A canonical address of one database.

    Attributes:
        dialect: `sqlite` or `postgresql`.
        url: What SQLAlchemy connects to, password included; equal for equal databases.
        masked: The same for people and logs.
        path: The SQLite file, absolute; None on PostgreSQL.
    """

    dialect: str
    url: URL = field(repr=False)
    masked: str
    path: Path | None

    @property
    def key(self) -> str:
        """Text that is equal for equal databases; holds the password, so never shown."""
        return self.url.render_as_string(hide_password=False)


def locate(url: str) -> Location:
    """Read a database URL.

    Raises:
        UnsupportedLocation: Not a URL, another database, an in-memory SQLite, or a file on a network file system.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError, which quotes parts of the URL
        shown = re.sub(r"^.*@", "***@", mask_passwords(str(url)), flags=re.DOTALL)
        raise UnsupportedLocation(f"{shown!r} is not a database URL. Use {_ALLOWED}.") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed)
        case "postgresql" | "postgres":
            return _postgresql(parsed)
        case other:
            raise UnsupportedLocation(f"{other!r} databases are not supported. Use {_ALLOWED}.")


def _sqlite(parsed: URL) -> Location:
    name = parsed.database
    if not name or name == ":memory:" or name.startswith("file:"):
        raise UnsupportedLocation(
            f"{parsed.render_as_string()!r} names no file; a database here outlives its process. Use {_ALLOWED}."
        )
    if parsed.host or parsed.query:
        raise UnsupportedLocation(
            f"{parsed.render_as_string()!r} has a host or options, which a SQLite file has not. Use {_ALLOWED}."
        )
    path = Path(os.path.realpath(Path(name).expanduser()))
    if path.is_dir():
        raise UnsupportedLocation(f"{path} is a folder; a SQLite database is a file, for example {path / 'mlops.db'}.")
    if (kind := file_system_of(path)) in _NETWORK:
        raise UnsupportedLocation(
            f"{path} lies on a network file system ({kind}), where SQLite's locks do not hold. "
            "Put it on a local disk, or use PostgreSQL: postgresql://user:password@host:5432/name."
        )
    url = URL.create("sqlite", database=str(path))
    return Location("sqlite", url, url.render_as_string(), path)


def _postgresql(parsed: URL) -> Location:
    if not parsed.database:
        raise UnsupportedLocation(f"{_masked(parsed)!r} names no database. Use {_ALLOWED}.")
    url = parsed.set(drivername="postgresql+psycopg", port=parsed.port or (None if "host" in parsed.query else 5432))
    return Location("postgresql", url, _masked(url.set(drivername="postgresql")), None)


def _masked(url: URL) -> str:
    """Hide the password of the URL, and one among its options."""
    return mask_passwords(url.render_as_string(hide_password=True))


def file_system_of(path: Path, mounts: str | None = None) -> str:
    """Return the type of the file system that holds `path`, or an empty string where the system does not tell.

    Args:
        path: Absolute, real path; need not exist.
        mounts: Text in the format of Linux's `/proc/self/mountinfo`; read from there when None.
    """
    if mounts is None:
        source = Path("/proc/self/mountinfo")
        if not source.exists():
            return ""
        mounts = source.read_text(errors="replace")
    best, kind = -1, ""
    for line in filter(None, mounts.splitlines()):
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), before.split()[4])
        if path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), after.split()[0]
    return kind
