"""All figures, in the order of the table."""

from __future__ import annotations

from benchmarks import (
    ab_testing,
    batch,
    concurrent_callers,
    feature_joins,
    history,
    imports,
    jobs,
    one_at_a_time,
    peers,
    pipeline,
    registry,
    search,
    transforms,
)

__all__ = ["FIGURES"]

FIGURES = (
    *one_at_a_time.FIGURES,
    *concurrent_callers.FIGURES,
    *batch.FIGURES,
    *search.FIGURES,
    *history.FIGURES,
    *registry.FIGURES,
    *jobs.FIGURES,
    *pipeline.FIGURES,
    *transforms.FIGURES,
    *feature_joins.FIGURES,
    *ab_testing.FIGURES,
    *imports.FIGURES,
    *peers.FIGURES,
    *feature_joins.PEER_FIGURES,
    *ab_testing.PEER_FIGURES,
)
