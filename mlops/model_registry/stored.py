"""What the registry keeps of a version beside what it tells of it, and what it is asked for and answers."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pydantic import Field

from mlops.artifacts import SavedArtifact
from mlops.model_registry.entities import ModelMetadata, ModelStatus
from mlops.records import Record

__all__ = ["ModelKey", "ModelQuery", "Standing", "StoredVersion", "VerifyReport"]


class ModelKey(NamedTuple):
    """A model: its project and its id."""

    project: str
    model_id: str


class Standing(NamedTuple):
    """Where a model stands.

    Attributes:
        sequence: Number of its last move; 0 before the first one.
        at: When that was; None before the first one.
        serving: Number of the version in production; None when there is none.
    """

    sequence: int = 0
    at: datetime | None = None
    serving: str | None = None


class StoredVersion(Record):
    """A version as it is stored.

    Attributes:
        version_id: Key of its rows and of its references to blobs; sortable by time of registration.
        metadata: What callers read.
        saved: The model's files.
        sample: The rows kept for parity; None where none were given.
        answers: The model's own answers on them, as a table.
        environment_digest: Key of the environment it was registered in; None when none was captured.
        deleted_at: When it was deleted; None while it is there.
    """

    version_id: str
    metadata: ModelMetadata
    saved: SavedArtifact
    sample: SavedArtifact | None = None
    answers: SavedArtifact | None = None
    environment_digest: str | None = None
    deleted_at: datetime | None = None

    @property
    def key(self) -> ModelKey:
        """The model it is a version of."""
        return ModelKey(self.metadata.project, self.metadata.model_id)

    @property
    def version(self) -> str:
        """Its number."""
        return self.metadata.version

    @property
    def status(self) -> ModelStatus:
        """Where it stands."""
        return self.metadata.status

    def files(self) -> dict[str, SavedArtifact]:
        """Return what was saved with it: its `model`, and the `sample` and `answers` where there are some."""
        found = {"model": self.saved, "sample": self.sample, "answers": self.answers}
        return {name: saved for name, saved in found.items() if saved is not None}

    def told(self, **values: object) -> StoredVersion:
        """Return it with these fields of its metadata replaced, which is validated like a new one."""
        return self.trusted({**dict(self), "metadata": self.metadata.changed(**values)})


class ModelQuery(Record):
    """Which versions to list, and in which order.

    Attributes:
        filter: A condition in the search language, such as `metrics.accuracy > 0.9`; None means all.
        project: Only this project's; None means all.
        model_id: Only versions of this model.
        status: Only those with this status.
        model_type: Only those of this type.
        order_by: A column and `ASC` or `DESC`, or several with commas; None means the newest first.
        limit: Most versions in the page.
        offset: Versions to leave out at the beginning.
        cursor: Where an earlier page ended: its `next_cursor`.
    """

    filter: str | None = None
    project: str | None = None
    model_id: str | None = None
    status: ModelStatus | None = None
    model_type: str | None = None
    order_by: str | None = None
    limit: int = Field(50, ge=1, le=10_000)
    offset: int = Field(0, ge=0)
    cursor: str | None = None


class VerifyReport(Record):
    """What was found when everything of a version was read again.

    Attributes:
        checks: What was looked at, in order.
        problems: What was wrong: a sentence each, none when all is as it was stored.
    """

    project: str
    model_id: str
    version: str
    checks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether all is as it was stored."""
        return not self.problems
