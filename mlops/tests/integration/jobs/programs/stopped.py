"""Takes a job, waits to be stopped and let on, then tries to commit: URL. Prints `begun`, and what became of it."""

from __future__ import annotations

import sys
import threading

from mlops.database import open_database
from mlops.jobs import JobHandler, JobRunner, LeaseLost
from mlops.tests.integration.jobs.conftest import KIND, say, write_effect

ended = threading.Event()


def handle(context):
    """Commit when told to."""
    say("begun")
    sys.stdin.readline()
    try:
        with context.commit(result="late") as tx:
            write_effect(tx, context.job_id)
    except LeaseLost:
        say("refused")
        raise
    else:
        say("committed")
    finally:
        ended.set()


with open_database(sys.argv[1]) as database, JobRunner(database, [JobHandler(KIND, handle)], lease_s=0.5):
    say("ready")
    ended.wait()
