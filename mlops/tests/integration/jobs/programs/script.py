"""A user's script that asks for a job and ends: URL, and what it does.

`slow` takes a while; `failing` needs all its attempts; `chain` depends on another one; `later` is for tomorrow; `busy`
asks for nothing and ends while somebody else's job runs in it; `killed` is killed in its job; `beside` asks without a
runner; `interrupted` is told by Ctrl-C to end while its job goes on, and so is `interrupted_within` in its runner's
block.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from datetime import timedelta

from mlops import clock
from mlops.database import open_database
from mlops.jobs import Backoff, JobHandler, JobRunner, enqueue
from mlops.tests.integration.jobs.conftest import KIND, have_effect, say

signal.signal(signal.SIGINT, signal.default_int_handler)  # which is ignored where a shell put all of this aside with &
what = sys.argv[2]
begun = threading.Event()


def handle(context):
    """Do what the script's name says."""
    begun.set()
    if what == "busy" or what.startswith("interrupted"):
        time.sleep(600)
    if what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "failing" and context.attempt < 3:
        raise RuntimeError("not yet")
    time.sleep(0.3)
    have_effect(context)


database = open_database(sys.argv[1])
runner = JobRunner(database, [JobHandler(KIND, handle)], backoff=Backoff(0.2, 0.2))
if what != "beside":
    runner.start()
if what == "busy":
    begun.wait(60)
else:
    with database.write() as tx:
        run_at = clock.now() + timedelta(days=1) if what == "later" else None
        job_id = enqueue(tx, kind=KIND, run_at=run_at)
        if what == "chain":
            job_id = enqueue(tx, kind=KIND, depends_on=[job_id])
        say(job_id)
if what == "interrupted_within":
    with runner:
        begun.wait(60)
        signal.raise_signal(signal.SIGINT)
if what == "interrupted":
    begun.wait(60)
    signal.raise_signal(signal.SIGINT)
