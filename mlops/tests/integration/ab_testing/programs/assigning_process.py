"""Assigns users as told on the command line; prints their variants in order, separated by commas."""

from __future__ import annotations

import sys

from mlops.ab_testing import ABTestManager


def main(url: str, folder: str, test_id: str, users: str) -> None:
    """Assign everybody."""
    with ABTestManager(url, folder).sync as manager:
        sys.stdin.readline()  # until all processes are there
        sys.stdout.write(
            ",".join(str(manager.assign_variant(test_id, f"user_{number}")) for number in range(int(users)))
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
