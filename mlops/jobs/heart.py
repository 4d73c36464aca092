"""One thread per runner that keeps its leases, carries progress and logs, and looks after jobs whose worker is gone.

It asks the database in one transaction whether the jobs that run here are still this runner's and still wanted, and
tells their handlers. It is also what ends an attempt whose handler does not heed its time limit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mlops.database import Durability, Transaction
from mlops.errors import Conflict, Unavailable
from mlops.jobs import presence
from mlops.jobs.attempt import Attempt, News
from mlops.jobs.claiming import has_lost, sweep
from mlops.jobs.ending import add_logs, note_progress
from mlops.jobs.errors import JobCancelled, JobTimedOut
from mlops.jobs.executing import Outcome
from mlops.jobs.lease_clock import MICROSECONDS, boot, readings, tick
from mlops.jobs.station import Station
from mlops.jobs.tables import jobs

__all__ = ["Heart"]

_BEAT_S = 1.0


@dataclass(frozen=True)
class Rhythm:
    """How often the heart does what, in seconds, for a lease of a given length."""

    lease_s: float

    @property
    def beat_s(self) -> float:
        """Between looks at what the handlers said and at the clock."""
        return min(_BEAT_S, self.lease_s / 5)

    @property
    def renew_s(self) -> float:
        """Between renewals of the leases."""
        return self.lease_s * 0.3

    @property
    def sweep_s(self) -> float:
        """Between looks for jobs whose worker is gone."""
        return self.lease_s * 0.2

    @property
    def show_s(self) -> float:
        """Between signs of life of a worker."""
        return presence.PRESENT_S / 3


class Heart:
    """Keeps a runner's jobs its own.

    Args:
        station: What the threads of the runner share.
        slots: How many jobs it runs at once.
        abandon: Called with an attempt whose handler does not end, after the job has been settled without it.
    """

    def __init__(self, station: Station, slots: int, abandon: Callable[[Attempt], None]) -> None:
        self._station = station
        self._database = station.database
        self._claimant = station.claimant
        self._now = station.now
        self._slots = slots
        self._abandon = abandon
        self._rhythm = Rhythm(station.claimant.lease_s)
        self._poked = threading.Condition()
        self._active: dict[str, Attempt] = {}
        self._is_poked = self._stopping = False
        self._last: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="mlops-jobs-heart", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Look after these as well."""
        with self._poked:
            self._active.update((attempt.job.job_id, attempt) for attempt in attempts)

    def remove(self, attempts: Iterable[Attempt]) -> None:
        """Look after these no more."""
        with self._poked:
            for attempt in attempts:
                if self._active.get(attempt.job.job_id) is attempt:
                    del self._active[attempt.job.job_id]

    def active(self) -> list[Attempt]:
        """Return what it looks after."""
        with self._poked:
            return list(self._active.values())

    def has(self, job_id: str) -> bool:
        """Say whether it looks after this job."""
        return job_id in self._active

    def poke(self) -> None:
        """Ask the database at once whether all jobs are still wanted."""
        with self._poked:
            self._is_poked = True
            self._poked.notify_all()

    def stop(self) -> None:
        """End the thread."""
        with self._poked:
            self._stopping = True
            self._poked.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._beat()
            with self._poked:
                self._poked.wait_for(lambda: self._is_poked or self._stopping, self._rhythm.beat_s)
                if self._stopping:
                    return

    def _beat(self) -> None:
        """Do what is due; a database that cannot be reached is tried again with the next beat."""
        try:
            self._warn_late()
            self._renew()
            self._sweep()
            self._show_up()
        except (Unavailable, Conflict) as error:
            self._station.log().warning(
                "a runner's leases could not be renewed", worker=self._claimant.worker, error=str(error)
            )
        except Exception:  # noqa: BLE001 (without its heart a runner would lose every job)
            self._station.log().exception("a runner's heart stumbled")

    def _is_due(self, what: str, every_s: float) -> bool:
        """Say whether something is due, and count from now if it is."""
        present = time.monotonic()
        if present - self._last.get(what, -every_s) < every_s:
            return False
        self._last[what] = present
        return True

    def _warn_late(self) -> None:
        for attempt in self.active():
            if attempt.overdue_s() >= 0:
                attempt.interrupt(_timed_out(attempt))

    def _renew(self) -> None:
        with self._poked:
            poked, self._is_poked = self._is_poked, False
        attempts = {attempt.job.job_id: attempt for attempt in self.active()}
        news = {job_id: attempt.take_news() for job_id, attempt in attempts.items()}
        late = [attempt for attempt in attempts.values() if attempt.overdue_s() > self._claimant.lease_s / 2]
        is_due = self._is_due("renew", self._rhythm.renew_s)
        if not attempts or not (is_due or poked or any(news.values()) or late):
            return
        try:
            with self._database.write(Durability.FACT) as tx:
                kept, lost = self._keep(tx, attempts)
                late = [attempt for attempt in late if attempt.job.job_id in kept | lost]  # no others: see `_renewal`
                for job_id in kept:
                    self._write(tx, attempts[job_id], news[job_id])
                self._station.settle(tx, [Outcome(attempt, error=_timed_out(attempt)) for attempt in late])
        except BaseException:
            for job_id, attempt in attempts.items():
                attempt.put_back(news[job_id])
            raise
        for job_id in attempts.keys() - kept:
            attempts[job_id].put_back(news[job_id])
        self.remove(late)
        for attempt in late:
            self._abandon(attempt)

    def _keep(self, tx: Transaction, attempts: dict[str, Attempt]) -> tuple[set[str], set[str]]:
        """Renew the leases; tell those handlers whose job is not theirs any more, or not wanted.

        Returns:
            The jobs that were renewed, and those that are lost. What a handler has locked is neither.
        """
        rows = {row.job_id: row for row in tx.execute(self._renewal(tx.dialect, list(attempts)), readings(tx.dialect))}
        kept = {job_id for job_id, row in rows.items() if row.token == attempts[job_id].lease.token}
        for job_id in kept:
            if rows[job_id].cancel_requested:
                attempts[job_id].interrupt(JobCancelled(f"Job {job_id} was cancelled while it ran."))
        lost = self._lost(tx, attempts, attempts.keys() - kept)
        for job_id in lost:
            attempts[job_id].interrupt(attempts[job_id].lease.lost)
        return kept, lost

    def _renewal(self, dialect: str, job_ids: list[str]) -> Any:
        """Pass over rows that a handler has locked in a `commit`: nobody can take those, and it need not wait."""
        mine = (jobs.c.job_id.in_(job_ids), jobs.c.worker == self._claimant.worker, jobs.c.status == "running")
        free = sa.select(jobs.c.job_id).where(*mine).with_for_update(skip_locked=True).cte("free")
        lease_us = int(self._claimant.lease_s * MICROSECONDS)
        statement = sa.update(jobs).where(jobs.c.job_id.in_(sa.select(free.c.job_id)))
        statement = statement.values(
            held_until=tick(dialect) + lease_us, held_boot=boot(dialect), heartbeat_at=self._now()
        )
        return statement.returning(jobs.c.job_id, jobs.c.token, jobs.c.cancel_requested)

    def _lost(self, tx: Transaction, attempts: dict[str, Attempt], missing: Iterable[str]) -> set[str]:
        ids = list(missing)
        if not ids:
            return set()
        columns = (jobs.c.job_id, jobs.c.token, jobs.c.worker, jobs.c.status)
        rows = {row.job_id: row for row in tx.execute(sa.select(*columns).where(jobs.c.job_id.in_(ids)))}
        return {job_id for job_id in ids if not _is_same(rows.get(job_id), attempts[job_id])}

    def _write(self, tx: Transaction, attempt: Attempt, news: News) -> None:
        note_progress(tx, attempt.job.job_id, news.progress)
        add_logs(tx, attempt.job.job_id, attempt.number, news.lines)

    def _sweep(self) -> None:
        if not self._is_due("sweep", self._rhythm.sweep_s):
            return
        with self._database.read() as tx:
            lost = has_lost(tx)
        if lost:
            with self._database.write(Durability.FACT) as tx:
                sweep(tx, now=self._now)

    def _show_up(self) -> None:
        if self._is_due("show up", self._rhythm.show_s):
            with self._database.write(Durability.FACT) as tx:
                presence.show_up(tx, self._claimant, self._slots, now=self._now)


def _is_same(row: Any, attempt: Attempt) -> bool:
    lease = attempt.lease
    return row is not None and (row.token, row.worker, row.status) == (lease.token, lease.worker, "running")


def _timed_out(attempt: Attempt) -> JobTimedOut:
    return JobTimedOut(
        f"Attempt {attempt.number} of job {attempt.job.job_id} took longer than its limit of {attempt.limit_s:g} s."
    )
