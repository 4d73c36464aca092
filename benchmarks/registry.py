"""The model registry: registering and loading against the bare format, looking up and promoting against limits.

Limits in milliseconds stand in the table as a reference of that many, so that the ratio says how much of them is used.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count, cycle
from pathlib import Path
from typing import Any

from benchmarks import promotion_by_hand, raw
from benchmarks.harness import Bench, Figure, Round, at_most, interleave, timed
from mlops.model_registry import ModelMetadata, ModelRegistryService, ModelStatus

__all__ = ["FIGURES"]

TREES = 100
STORED = 10_000
MOVES = 1_000
_MODEL = "forest"
_PROMOTIONS = 50  # in a row, of which the mean counts
_LOOKUPS = 200
_TAKING_TURNS = ("1.0.11", "1.0.22")

_SERIES = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < ?) "
_COPIED = {
    "version": "'1.0.' || n",
    "version_id": "lower(hex(randomblob(16)))",
    "patch": "n",  # the original is 1.0.0
    "canonical_digest": "lower(hex(randomblob(32)))",
}
_VALUES = {
    "model_registry_params": "told.name, told.text, told.number",
    "model_registry_tags": "told.name, told.text",
    "model_registry_metrics": "told.name, told.value",
}


@contextmanager
def _open(folder: Path) -> Iterator[ModelRegistryService]:
    with closing(ModelRegistryService(folder / "models", f"sqlite:///{folder / 'mlops.db'}")) as registry:
        yield registry


def _forests(how_many: int, trees: int = TREES) -> Iterator[Any]:
    """Yield fitted forests that differ, so that each becomes a version of its own."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier

    measures, diagnosis = load_breast_cancer(return_X_y=True, as_frame=True)
    for seed in range(how_many):
        yield RandomForestClassifier(n_estimators=trees, random_state=seed).fit(measures, diagnosis)


def _register(registry: ModelRegistryService, forest: Any) -> None:
    told = ModelMetadata(model_id=_MODEL, model_type="classification", accuracy=0.97, tags={"site": "north"})
    registry.register_model(forest, told, {"n_estimators": TREES, "max_depth": None})


def _dump(forest: Any, path: Path) -> str:
    """Write a model as a file of skops that survives power loss; return its SHA-256."""
    import skops.io

    skops.io.dump(forest, path)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        os.fsync(stream.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return digest


def _measure_register(bench: Bench) -> list[Round]:
    folder, plain = bench.fresh("registry"), bench.fresh("plain")
    plain.mkdir(parents=True)
    forests = list(_forests(bench.rounds + 1))
    ours, theirs, number = iter(forests), iter(forests), count()
    with _open(folder) as registry:
        rounds = interleave(
            bench,
            lambda: timed(lambda: _register(registry, next(ours))) * 1e3,
            lambda: timed(lambda: _dump(next(theirs), plain / f"{next(number)}.skops")) * 1e3,
        )
        if len(registry.list_versions(_MODEL)) != len(forests):
            raise RuntimeError("some forests were not registered as a version of their own")
    return rounds


def _measure_load(bench: Bench) -> list[Round]:
    import skops.io

    folder, path = bench.fresh("registry"), bench.fresh("plain.skops")
    forest = next(_forests(1))
    _dump(forest, path)
    trusted = skops.io.get_untrusted_types(file=path)
    with _open(folder) as registry:
        _register(registry, forest)
        return interleave(
            bench,
            lambda: timed(lambda: registry.get_model(_MODEL)) * 1e3,
            lambda: timed(lambda: skops.io.load(path, trusted=trusted)) * 1e3,
        )


@contextmanager
def _filled(bench: Bench) -> Iterator[ModelRegistryService]:
    """Yield a registry with many versions of one model, which several figures share."""
    folder = bench.shared / f"versions-{STORED}"
    is_new = not folder.exists()
    with _open(folder) as registry:
        if is_new:
            _register(registry, next(_forests(1, trees=2)))
            _copy(folder / "mlops.db")
            registry.promote_model(_MODEL, f"1.0.{STORED // 2}", ModelStatus.PRODUCTION)
        yield registry


def _copy(database: Path) -> None:
    """Make the one version that is stored into many, which differ in number and content."""
    with closing(sqlite3.connect(database)) as connection:
        columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(model_registry)")]
        values = ", ".join(_COPIED.get(name, f'"{name}"') for name in columns)
        [(original,)] = connection.execute("SELECT version_id FROM model_registry").fetchall()
        connection.execute(
            f"INSERT INTO model_registry {_SERIES} SELECT {values} FROM model_registry, series", [STORED - 1]
        )
        for table, own in _VALUES.items():
            connection.execute(
                f"INSERT INTO {table} SELECT version.version_id, {own} FROM model_registry AS version, {table} AS told "
                "WHERE told.version_id = ? AND version.version_id <> told.version_id",
                [original],
            )
        connection.commit()


def _measure_metadata(bench: Bench) -> list[Round]:
    with _filled(bench) as registry:
        wanted = cycle([None, "1.0.77", "latest", f"1.0.{STORED - 1}"])
        return interleave(
            bench,
            lambda: _mean_ms(lambda: registry.get_model_metadata(_MODEL, next(wanted)), times=_LOOKUPS),
            lambda: 1.0,
        )


def _promotions(registry: ModelRegistryService) -> Callable[[], float]:
    turns = cycle(_TAKING_TURNS)

    def promote() -> object:
        return registry.promote_model(_MODEL, next(turns), ModelStatus.PRODUCTION, reason="better on new samples")

    return lambda: _mean_ms(promote, times=_PROMOTIONS)


def _measure_promote(bench: Bench) -> list[Round]:
    with _filled(bench) as registry:
        connection = raw.connect(bench.fresh("raw.db"))
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE moves (sequence INTEGER PRIMARY KEY, version TEXT, status TEXT, reason TEXT)")
        connection.commit()
        with closing(connection):
            return interleave(
                bench,
                _promotions(registry),
                lambda: _mean_ms(lambda: _commit_a_row(connection), times=_PROMOTIONS),
            )


def _measure_promote_rows(bench: Bench) -> list[Round]:
    with _filled(bench) as registry:
        promotions = _promotions(registry)
        promotions()
        source = bench.shared / f"versions-{STORED}" / "mlops.db"
        with closing(promotion_by_hand.copy_database(source, bench.fresh("copy.db"))) as connection:
            write = promotion_by_hand.writer(connection, _TAKING_TURNS)
            return interleave(bench, promotions, lambda: _mean_ms(write, times=_PROMOTIONS))


def _commit_a_row(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO moves (version, status, reason) VALUES ('1.0.11', 'production', 'better on new samples')"
    )
    connection.commit()


def _measure_history(bench: Bench) -> list[Round]:
    with _open(bench.fresh("registry")) as registry:
        for forest in _forests(2, trees=2):
            _register(registry, forest)
        turns = cycle(["1.0.0", "1.0.1"])
        while len(registry.history(_MODEL)) < MOVES:
            registry.promote_model(_MODEL, next(turns), ModelStatus.PRODUCTION, reason="better on new samples")
        return interleave(bench, lambda: _mean_ms(lambda: registry.history(_MODEL), times=20), lambda: 10.0)


def _mean_ms(work: Callable[[], object], *, times: int) -> float:
    return timed(lambda: [work() for _ in range(times)]) * 1e3 / times


_FOREST = f"a RandomForest of {TREES} trees, fitted on the 569 biopsies"
_AMONG = f"with {STORED:,} versions of the model stored"

FIGURES = (
    Figure(
        "registry-register",
        f"`register_model` of {_FOREST}",
        "skops: dump of the same forest to a file, its SHA-256, fsync of the file and its folder",
        "ms",
        at_most(1.5),
        _measure_register,
    ),
    Figure(
        "registry-load",
        f"`get_model` of {_FOREST}, files verified",
        "skops: load of the same forest from a file",
        "ms",
        at_most(1.3),
        _measure_load,
    ),
    Figure(
        "registry-metadata",
        f"`get_model_metadata` {_AMONG}: by number, `latest`, in production; mean of {_LOOKUPS}",
        "1 ms",
        "ms",
        at_most(1.0),
        _measure_metadata,
    ),
    Figure(
        "registry-promote",
        f"`promote_model` to production {_AMONG}, the incumbent archived; mean of {_PROMOTIONS}",
        "raw sqlite3: one row inserted and committed with `synchronous=FULL`",
        "ms",
        at_most(3.0),
        _measure_promote,
    ),
    Figure(
        "registry-promote-rows",
        f"`promote_model` to production {_AMONG}, the incumbent archived; mean of {_PROMOTIONS}",
        "raw sqlite3: the same rows written by hand in one transaction with `synchronous=FULL`",
        "ms",
        at_most(3.0),
        _measure_promote_rows,
    ),
    Figure(
        "registry-history",
        f"`history` of a model with {MOVES:,} moves",
        "10 ms",
        "ms",
        at_most(1.0),
        _measure_history,
    ),
)
