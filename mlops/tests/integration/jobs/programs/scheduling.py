"""A scheduler until it is killed, for whom six seconds pass in each hundredth of one: URL, and when that began."""

import signal
import sys
from datetime import datetime

from mlops import clock
from mlops.database import open_database
from mlops.jobs.scheduler import Scheduler

began = datetime.fromisoformat(sys.argv[2])
Scheduler(open_database(sys.argv[1]), now=lambda: began + (clock.now() - began) * 600).start()
signal.pause()
