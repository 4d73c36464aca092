"""The platform opens its parts on one database, and closes them together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from sklearn.dummy import DummyClassifier

from mlops.config import ConfigurationError
from mlops.database import close_all
from mlops.errors import InvalidInput
from mlops.model_registry import ModelMetadata
from mlops.platform import Platform
from mlops.tests.integration.platform.conftest import MakeSite


@pytest.fixture(autouse=True)
def _alone() -> None:
    """Close what other tests of this process have left open."""
    close_all()


def test_all_parts_share_one_database(make_site: MakeSite, opened_here: Callable[[], set[str]]) -> None:
    """A registered model is in the platform's audit log; one database is open, and none afterwards."""
    config = make_site("lab").config
    with Platform.open(config) as platform:
        model = DummyClassifier().fit([[0.0], [1.0]], [0, 1])
        platform.registry.sync.register_model(model, ModelMetadata(model_id="lab_classifier"), sample=[[0.0]])
        with platform.tracker.sync.run("assay") as run:
            run.log(auc=0.9)
        assert {entry.subject_id for entry in platform.audit.list_entries()} >= {"lab_classifier"}
        assert len(opened_here()) == 1
    assert opened_here() == set()


def test_the_platform_is_an_async_context_too(make_site: MakeSite, opened_here: Callable[[], set[str]]) -> None:
    """Opened in a coroutine, its parts are awaited and closed off the loop."""

    async def main() -> int:
        async with Platform.open(make_site("lab").config) as platform:
            return len(await platform.registry.list_models())

    assert asyncio.run(main()) == 0
    assert opened_here() == set()


def test_closing_twice_is_closing_once(make_site: MakeSite) -> None:
    """The second close takes no database away from another user of it."""
    config = make_site("lab").config
    first, second = Platform.open(config), Platform.open(config)
    first.close()
    first.close()
    assert second.audit.verify().is_intact
    second.close()


def test_an_environment_chooses_the_configuration() -> None:
    """Without a configuration the named environment's is loaded; both at once are a contradiction."""
    with Platform.open(environment="testing") as platform:
        assert platform.config.environment == "testing"
        with pytest.raises(InvalidInput, match="Pass one of them"):
            Platform.open(platform.config, "testing")
    with pytest.raises(ConfigurationError):
        Platform.open(environment="tests")


def test_a_part_that_cannot_open_leaves_nothing_open(make_site: MakeSite, opened_here: Callable[[], set[str]]) -> None:
    """What was opened before the failure is closed."""
    config = make_site("lab", security={"encryption_key": "short"}).config
    with pytest.raises(InvalidInput):
        Platform.open(config)
    assert opened_here() == set()
