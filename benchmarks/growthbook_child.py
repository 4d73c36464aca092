"""GrowthBook's half of the peer figure: runs in the peers' environment, imports nothing of ours but `children`.

Its quickest way to one user's variant: one instance for all users, an experiment that was made before, the newer of its
two hashes, no tracking callback, no conditions and no network.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.children import serve


class _Tasks:
    """What is asked of GrowthBook."""

    def __init__(self, growthbook: Any) -> None:
        self._client = growthbook.GrowthBook()
        self._experiment = growthbook.Experiment(
            key="pepper", variations=["control", "treatment_1"], weights=[0.5, 0.5], hashVersion=2
        )

    def assign(self, count: int) -> dict[str, float]:
        """Evaluate the experiment for users one at a time; return the seconds and the share given the treatment."""
        client, experiment = self._client, self._experiment
        users = [f"user_{number}" for number in range(count)]
        treated = 0
        started = time.perf_counter()
        for user in users:
            client.set_attributes({"id": user})
            treated += client.run(experiment).variationId
        return {"seconds": time.perf_counter() - started, "treated": treated / count}


def main() -> None:
    """Serve the task."""
    import growthbook

    serve({"assign": _Tasks(growthbook).assign})


if __name__ == "__main__":
    main()
