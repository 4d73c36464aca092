"""Starts writers that are there to be killed, without paying for the imports each time.

    nursery.py URL

For each line with a number on standard input it forks a child that writes as `writer.py` does, prints `pid PID`, and
prints `ended` once the child is gone. It never opens a database itself.
"""

from __future__ import annotations

import os
import sys

from writer import write


def main() -> None:
    """Fork a writer per line."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            write(sys.argv[1], int(line), 10_000)
            os._exit(0)
        os.write(1, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"ended\n")


if __name__ == "__main__":
    main()
