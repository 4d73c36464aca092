"""What holds of every registry at every moment, whoever wrote to it and however they ended."""

from __future__ import annotations

from mlops import audit
from mlops.model_registry import ModelMove, ModelRegistryService, ModelStatus
from mlops.model_registry.lifecycle import present_statuses

__all__ = ["check_files", "check_history", "check_registry"]


def check_registry(registry: ModelRegistryService, model_id: str) -> None:
    """Check all that holds of a model."""
    check_history(registry, model_id)
    check_files(registry, model_id)
    with registry._database.read() as tx:
        assert audit.verify(tx).is_intact


def check_history(registry: ModelRegistryService, model_id: str) -> None:
    """Check that one version serves at most, and that the history has no gaps and replays to the present."""
    present = {version.version: version.status for version in registry.list_versions(model_id)}
    assert list(present.values()).count(ModelStatus.PRODUCTION) <= 1
    moves = registry.history(model_id)
    assert present_statuses(moves) == present
    assert [move.sequence for move in moves] == list(range(1, len(moves) + 1))
    _check_chain(moves)


def check_files(registry: ModelRegistryService, model_id: str) -> None:
    """Check that every version can be read and loaded."""
    for version in registry.list_versions(model_id):
        assert registry.verify(model_id, version.version).is_sound


def _check_chain(moves: list[ModelMove]) -> None:
    """Check that each version that took over names the one that served until then, and that times do not go back."""
    serving: str | None = None
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    for before, move in zip([None, *moves], moves, strict=False):
        if move.to_status is ModelStatus.PRODUCTION:
            left = before.version if before and before.from_status is ModelStatus.PRODUCTION else None
            assert serving is None
            assert move.replaced_version in {None, left}
            serving = move.version
        elif move.version == serving:
            serving = None
