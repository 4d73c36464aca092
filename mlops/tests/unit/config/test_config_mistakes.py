"""What is answered to a configuration that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlops.config import ConfigManager, ConfigurationError


def refusal(environment: str | None = None, *, environ: dict[str, str] | None = None, **overrides: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        ConfigManager(environ=environ or {}).load_config(environment, **overrides)
    return str(caught.value)


def refusal_of_file(text: str) -> str:
    Path("mlops_config.json").write_text(text)
    return refusal()


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("MLOPS_DATABSE_URL", "MLOPS_DATABASE_URL"),
        ("MLOPS_API_KEYS", "MLOPS_API_KEY"),
        ("MLOPS_ENV", "MLOPS_ENVIRONMENT"),
        ("MLOPS_TRACKINGDIR", "MLOPS_TRACKING_DIR"),
    ],
)
def test_a_mistyped_variable_is_an_error_with_the_near_match(mistyped: str, meant: str) -> None:
    """A variable of ours that does nothing is never ignored."""
    message = refusal(environ={mistyped: "x"})
    assert f"Variable {mistyped} is not a setting. Did you mean {meant}" in message


SERVICE_LINKS = {
    "MLOPS_API_SERVICE_HOST": "10.0.0.1",
    "MLOPS_API_SERVICE_PORT": "8080",
    "MLOPS_API_SERVICE_PORT_HTTP": "8080",
    "MLOPS_API_PORT": "tcp://10.0.0.1:8080",
    "MLOPS_API_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "MLOPS_API_PORT_8080_TCP_ADDR": "10.0.0.1",
    "MLOPS_API_PORT_8080_TCP_PORT": "8080",
    "MLOPS_API_PORT_8080_TCP_PROTO": "tcp",
    "MLOPS_SERVICE_HOST": "10.0.0.2",
    "MLOPS_TEST_DATABASE_URL": "postgresql://test",
}


@pytest.mark.parametrize("variable", SERVICE_LINKS)
def test_variables_of_kubernetes_and_of_the_tests_are_left_alone(variable: str) -> None:
    """What Kubernetes injects for a service named mlops-api is not taken for a mistyped setting."""
    config = ConfigManager(environ={variable: SERVICE_LINKS[variable]}).load_config()
    assert config == ConfigManager(environ={}).load_config()


@pytest.mark.parametrize(("variable", "value"), [("MLOPS_API_PORT", "8080"), ("MLOPS_API_URL", "tcp://10.0.0.1")])
def test_what_only_resembles_a_service_link_is_an_error(variable: str, value: str) -> None:
    """The exemption is no wider than what Kubernetes writes."""
    assert f"Variable {variable} is not a setting" in refusal(environ={variable: value})


def test_the_api_key_is_a_setting_beside_the_service_links() -> None:
    """MLOPS_API_KEY is read although a service named mlops-api exists."""
    config = ConfigManager(environ={**SERVICE_LINKS, "MLOPS_API_KEY": "hush"}).load_config()
    assert config.origin("security.api_key") == "variable MLOPS_API_KEY"


def test_a_mistyped_key_of_the_file_names_the_file_and_the_near_match() -> None:
    """A key that does nothing is an error, in whichever environment's section it stands."""
    message = refusal_of_file(json.dumps({"production": {"database": {"max_conections": 5}}}))
    assert str(Path("mlops_config.json").absolute()) in message
    assert "production.database.max_conections" in message
    assert "Did you mean 'max_connections'?" in message


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ({"prod": {}}, "Did you mean 'production'?"),
        ({"develpoment": {}}, "Did you mean 'development'?"),
        ({"development": {"databse": {}}}, "Did you mean 'database'?"),
        ({"database": {"url": "sqlite:///x"}}, 'Put it inside one: {"development": {"database": …}}.'),
        ({"development": {"ab_testing": {"x": 1}}}, "It has no settings yet."),
        ({"development": {"database": 5}}, "expected names and values, as in {…}, not int"),
        ([], "expected names and values, as in {…}, not list"),
    ],
)
def test_a_wrong_name_or_shape_in_the_file_says_what_to_write(document: Any, hint: str) -> None:
    """Sections and environments that do not exist are answered with what does."""
    assert hint in refusal_of_file(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"development": {]}', "is not valid JSON: line 1, column 18"),
        ('{"testing": {}, "testing": {}}', "sets 'testing' twice in one object"),
    ],
)
def test_a_file_that_is_not_what_it_seems_is_named(text: str, problem: str) -> None:
    """Broken JSON is located; a duplicate key, of which one would be lost, is refused."""
    message = refusal_of_file(text)
    assert problem in message
    assert "mlops_config.json" in message


def test_a_file_that_was_asked_for_must_be_there() -> None:
    """Only the file of the working directory may be missing."""
    with pytest.raises(ConfigurationError, match=r"absent\.json cannot be read: No such file"):
        ConfigManager("absent.json").load_config()
    assert "absent.json cannot be read" in refusal(environ={"MLOPS_CONFIG_FILE": "absent.json"})


def test_a_file_in_another_encoding_is_refused() -> None:
    """Bytes that are not UTF-8 are not guessed at."""
    Path("mlops_config.json").write_bytes(b'{"development": {"database": {"url": "\xff"}}}')
    assert "is not UTF-8 text" in refusal()


def test_a_wrong_type_in_the_file_names_file_key_and_value() -> None:
    """Text where a number is wanted is refused in JSON, which has numbers."""
    message = refusal_of_file(json.dumps({"development": {"database": {"pool_size": "ten"}}}))
    assert f"file {Path('mlops_config.json').absolute()}, development.database.pool_size: 'ten'" in message
    assert "Expected: whole number ≥ 1." in message


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("MLOPS_HEALTH_CHECK_INTERVAL", "soon", "whole number ≥ 1"),
        ("MLOPS_ERROR_THRESHOLD", "1.5", "number ≥ 0 and ≤ 1"),
        ("MLOPS_DATABASE_LOCK_TIMEOUT_S", "nan", "number > 0 and ≤ 86400"),
        ("MLOPS_EXPERIMENT_TRACKING_CAPTURE_ENVIRONMENT", "perhaps", "true or false"),
    ],
)
def test_a_wrong_value_of_a_variable_names_it_and_what_is_allowed(variable: str, value: str, expected: str) -> None:
    """The variable, its setting, its value and the accepted values stand in one sentence."""
    message = refusal(environ={variable: value})
    assert message.startswith(f"variable {variable} (")
    assert repr(value) in message
    assert f"Expected: {expected}." in message


def test_wrong_arguments_are_refused_like_the_rest() -> None:
    """Arguments are checked as strictly as the file."""
    assert "argument databse: 'databse' is not a section. Did you mean 'database'?" in refusal(databse={})
    assert "argument database.url: 5 cannot be used" in refusal(database={"url": 5})
    assert "'prod' is not an environment. Did you mean 'production'?" in refusal("prod")
    assert refusal(environ={"MLOPS_ENVIRONMENT": "dev"}).startswith("variable MLOPS_ENVIRONMENT: 'dev'")


def test_a_pool_larger_than_the_bound_names_both_sources() -> None:
    """Two settings that contradict each other are named with where each was set."""
    message = refusal(environ={"MLOPS_DATABASE_POOL_SIZE": "20"}, database={"max_connections": 10})
    assert "less than pool_size (20)" in message
    assert "variable MLOPS_DATABASE_POOL_SIZE" in message
    assert "argument database.max_connections" in message


def test_a_refused_secret_is_not_in_the_message_nor_in_its_causes() -> None:
    """Neither the text of the error nor what a traceback would print beside it shows the value."""
    with pytest.raises(ConfigurationError) as caught:
        ConfigManager().load_config(security={"signing_key": ["hush"]})
    assert "security.signing_key: *** cannot be used" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_error_carries_setting_and_origin() -> None:
    """Programs need not read the message."""
    with pytest.raises(ConfigurationError) as caught:
        ConfigManager(environ={"MLOPS_ERROR_THRESHOLD": "2"}).load_config()
    assert (caught.value.setting, caught.value.origin) == (
        "monitoring.error_threshold",
        "variable MLOPS_ERROR_THRESHOLD",
    )
