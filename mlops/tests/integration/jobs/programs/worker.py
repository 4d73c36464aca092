"""A worker in a process of its own, until it is killed: URL, and the seconds of its leases.

Its wall clock jumps by days, and each job takes a moment in which it may be killed.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from datetime import timedelta

from mlops import clock
from mlops.database import open_database
from mlops.jobs import JobHandler, JobRunner
from mlops.tests.integration.jobs.conftest import AT_ONCE, KIND, say, write_effect


def handle(context):
    """Take a moment, then commit effect and end together, now and then by two steps."""
    time.sleep(random.random() * 0.05)
    context.log("working")
    context.check()
    with context.commit() as tx:
        write_effect(tx, context.job_id)
        time.sleep(random.random() * 0.01)
        context.finish(tx, context.attempt)


def now():
    """Return a moment that may be days away."""
    return clock.now() + timedelta(days=random.choice([0, 0, -2, 2]))


database = open_database(sys.argv[1])
runner = JobRunner(
    database, [JobHandler(KIND, handle)], workers=2, lease_s=float(sys.argv[2]), backoff=AT_ONCE, now=now
)
runner.start()
say("ready")
signal.pause()
