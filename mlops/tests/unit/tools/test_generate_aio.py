"""The generator of async classes: what it makes of a service, and that what is checked in is current."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import threading
from pathlib import Path
from types import ModuleType

import pytest

from tools.generate_aio import ROOT, generate

SERVICE = '''
"""A service."""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class SampleError(Exception):
    """Not the service."""


class SampleService:
    """Keeps samples: "quoted" and with a \\\\d pattern.

    Example:
        >>> 1
        1
    """

    def __init__(self, url: str | None = None, *, limit: int = 3) -> None:
        self.url = url
        self.limit = limit

    @property
    def name(self) -> str:
        """A property is no method."""
        return "samples"

    @name.setter
    def name(self, value: str) -> None:
        """Nor is its setter."""

    @functools.cached_property
    def size(self) -> int:
        """Nor is this."""
        return 1

    @classmethod
    def make(cls) -> "SampleService":
        """Nor is this."""
        return cls()

    def add(self, name: str, /, value: float = 0.5, *, tags: Iterable[str] = ()) -> tuple[Any, ...]:
        """Add one sample."""
        import threading

        return name, value, tuple(tags), self.limit, threading.current_thread() is threading.main_thread()

    def log(self, *values: float, step: int = 0, **metrics: float) -> dict[str, Any]:
        """Log values."""
        return {"values": values, "step": step, "metrics": metrics}

    def touch(self) -> None:
        """Return nothing "at all\\""""

    def put(self, point: int) -> int:
        """Put a point."""
        return point

    def put_async(self, point: int) -> Awaitable[int]:
        """Put a point from a loop."""
        import asyncio

        future = asyncio.get_running_loop().create_future()
        future.set_result(-point)
        return future

    def stream(self) -> list[int]:
        """Stream points."""
        return [1]

    def stream_async(self, start: int = 0) -> Iterable[int]:
        """Handed through."""
        return range(start, 3)

    def _hidden(self) -> None:
        """Private."""

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close."""
        self.url = "closed"
'''


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module generated from a small service, loaded beside it."""
    package = tmp_path / "mlops_sample"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "service.py").write_text(SERVICE)
    text = generate(package / "service.py").replace("from mlops.mlops_sample.", "from mlops_sample.")
    (package / "aio.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    specification = importlib.util.spec_from_file_location("mlops_sample.aio", package / "aio.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("service", sorted((ROOT / "mlops").glob("*/service.py")), ids=lambda path: path.parent.name)
def test_checked_in_files_are_current(service: Path) -> None:
    """Every aio.py is what the generator makes of its service; otherwise: make generate."""
    assert service.with_name("aio.py").read_text() == generate(service)


def test_methods_are_those_of_the_service(sample: ModuleType) -> None:
    """Public methods only: no properties, no setters, no class methods, no twins, nothing private."""
    public = {name for name, member in vars(sample.Sample).items() if inspect.isfunction(member) and name[0] != "_"}
    assert public == {"add", "log", "touch", "put", "stream", "close"}


def test_signatures_and_docstrings_are_those_of_the_service(sample: ModuleType) -> None:
    """The async surface is documented and called like the sync one."""
    service = sample.SampleService
    for name in ("add", "log", "touch", "put", "close", "__init__"):
        ours, theirs = getattr(sample.Sample, name), getattr(service, name)
        assert inspect.signature(ours) == inspect.signature(theirs)
        assert name == "__init__" or text_of(ours) == text_of(theirs)
    assert text_of(sample.Sample) == text_of(service)


def text_of(thing: object) -> str:
    """Return a docstring, whatever blanks end it."""
    return (inspect.getdoc(thing) or "").rstrip()


def test_calls_hop_once_with_every_argument(sample: ModuleType) -> None:
    """Positional-only, keyword-only, star and double-star arguments arrive; the work runs off the loop's thread."""

    async def main() -> None:
        samples = sample.Sample("url", limit=9)
        assert await samples.add("a", 2.0, tags=["t"]) == ("a", 2.0, ("t",), 9, False)
        assert await samples.log(1, 2, step=3, loss=4) == {"values": (1, 2), "step": 3, "metrics": {"loss": 4}}
        assert await samples.touch() is None

    assert threading.current_thread() is threading.main_thread()
    asyncio.run(main())


def test_twins_run_on_the_loop(sample: ModuleType) -> None:
    """A twin that returns an awaitable is awaited; another one is handed through with its own signature."""

    async def main() -> None:
        samples = sample.Sample()
        assert inspect.iscoroutinefunction(samples.put)
        assert await samples.put(3) == -3
        assert not inspect.iscoroutinefunction(samples.stream)
        assert list(samples.stream(start=1)) == [1, 2]

    asyncio.run(main())


def test_the_service_is_at_hand_and_closed_at_the_end(sample: ModuleType) -> None:
    """`.sync` is the service; leaving the context closes it."""

    async def main() -> None:
        async with sample.Sample("url") as samples:
            assert isinstance(samples.sync, sample.SampleService)
            assert samples.sync.url == "url"
        assert samples.sync.url == "closed"

    asyncio.run(main())


def test_unused_imports_are_dropped(sample: ModuleType) -> None:
    """Only what signatures need is imported."""
    assert not hasattr(sample, "os")
    assert not hasattr(sample, "functools")


@pytest.mark.parametrize(
    "broken",
    [
        SERVICE.replace('        """Add one sample."""\n', ""),
        SERVICE.replace('"""Log values."""\n', '"""   """\n'),
    ],
)
def test_a_missing_docstring_stops_the_generator(tmp_path: Path, broken: str) -> None:
    """A method nobody described is named with its line."""
    (tmp_path / "service.py").write_text(broken)
    with pytest.raises(SystemExit, match=r"(add|log) \(line \d+\) has no docstring"):
        generate(tmp_path / "service.py")
