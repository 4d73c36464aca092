"""Logs interactions of one user after another until it is killed; prints each id once it is acknowledged."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from mlops.ab_testing import ABTestInteraction, ABTestManager


def main(url: str, folder: str, test_id: str, name: str) -> None:
    """Log from four threads at once."""
    manager = ABTestManager(url, folder).sync

    def log(thread: int) -> None:
        for number in range(100_000):
            user_id = f"user_{number % 50}"
            key = f"{name}-{thread}-{number}"
            manager.log_interaction(
                ABTestInteraction(
                    interaction_id=key,
                    test_id=test_id,
                    variant_id=manager.assign_variant(test_id, user_id),
                    user_id=user_id,
                    latency_ms=number % 10,
                    success=True,
                    response_data={"prediction": "yes"},
                )
            )
            manager.record_outcome(key, "yes", test_id=test_id)
            sys.stdout.write(f"{key}\n")
            sys.stdout.flush()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(log, range(4)))


if __name__ == "__main__":
    main(*sys.argv[1:])
