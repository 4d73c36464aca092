"""A worker that runs a hanging handler in a process of its own: URL."""

import signal
import sys

from mlops.database import open_database
from mlops.jobs import JobHandler, JobRunner, isolated
from mlops.tests.integration.jobs.conftest import KIND
from mlops.tests.integration.jobs.isolated_handlers import hang

database = open_database(sys.argv[1])
JobRunner(database, [JobHandler(KIND, isolated(hang))], lease_s=1.0).start()
signal.pause()
