"""All figures, in the order of the table."""

from __future__ import annotations

from benchmarks import batch, concurrent_callers, history, imports, one_at_a_time, peers, registry, search

__all__ = ["FIGURES"]

FIGURES = (
    *one_at_a_time.FIGURES,
    *concurrent_callers.FIGURES,
    *batch.FIGURES,
    *search.FIGURES,
    *history.FIGURES,
    *registry.FIGURES,
    *imports.FIGURES,
    *peers.FIGURES,
)
