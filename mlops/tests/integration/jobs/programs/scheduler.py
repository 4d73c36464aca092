"""Asks for jobs until it is killed, a few in each transaction, in which it also writes down which: URL."""

from __future__ import annotations

import random
import sys
import time

import sqlalchemy as sa

from mlops.database import open_database
from mlops.jobs import enqueue
from mlops.tests.integration.jobs.conftest import KIND, say

database = open_database(sys.argv[1])
say("ready")
while True:
    with database.write() as tx:
        before = []
        for _ in range(random.randint(1, 4)):
            needed = before if random.random() < 0.3 else []
            priority = random.randint(-1, 1)
            before.append(enqueue(tx, kind=KIND, max_attempts=1000, priority=priority, depends_on=needed))
            tx.execute(sa.text("INSERT INTO wanted VALUES (:job_id)"), {"job_id": before[-1]})
    time.sleep(0.05)
