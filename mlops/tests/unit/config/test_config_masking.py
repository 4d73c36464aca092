"""No password and no key is ever shown."""

from __future__ import annotations

import pickle
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.config import ConfigManager, MLOpsConfig, mask_passwords

URL = "postgresql://ann:s3cr3t@db:5432/lab"


def secretive() -> MLOpsConfig:
    return ConfigManager(environ={}).load_config(
        database={"url": URL, "redis_url": "redis://:s3cr3t@cache"},
        experiment_tracking={"tracking_dir": "ftp://ann:s3cr3t@files/runs"},
        security={"signing_key": "s3cr3t"},
    )


def test_the_database_url_is_plain_text_for_programs() -> None:
    """The URL connects as it is, and prints as the guide prints it."""
    assert secretive().database.url == URL
    assert f"Database URL: {secretive().database.url}" == f"Database URL: {URL}"


@pytest.mark.parametrize("show", [repr, str, lambda c: repr(c.model_dump()), lambda c: c.model_dump_json()])
def test_no_printed_form_shows_a_password_or_key(show: type[str]) -> None:
    """Reprs and dumps mask the passwords in URLs and the keys, and keep the rest readable."""
    for shown in (show(secretive()), show(secretive().database), show(secretive().security)):
        assert "s3cr3t" not in shown
    assert "postgresql://ann:***@db:5432/lab" in show(secretive())


def test_a_configuration_survives_pickling_whole() -> None:
    """A spawned process gets the real values, with their origins."""
    copy = pickle.loads(pickle.dumps(secretive()))
    assert copy.database.url == URL
    assert copy.security.signing_key.get_secret_value() == "s3cr3t"
    assert copy.origin("database.url") == "argument"


@given(st.text(string.ascii_letters + string.digits + string.punctuation, min_size=1))
def test_any_quoted_password_disappears(password: str) -> None:
    """Whatever the password is made of, only its mask stays."""
    masked = mask_passwords(f"connect to postgresql://ann:{quote(password, safe='')}@db:5432/lab now")
    assert masked == "connect to postgresql://ann:***@db:5432/lab now"


@given(st.text(string.ascii_letters + string.digits + "@:/", min_size=1))
def test_an_unquoted_password_disappears_too(password: str) -> None:
    """A URL that its writer forgot to quote gives nothing away."""
    assert mask_passwords(f"redis://:{password}@cache:6379") == "redis://:***@cache:6379"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "postgresql:///lab?user=ann&password=x&sslmode=require",
            "postgresql:///lab?user=ann&password=***&sslmode=require",
        ),
        ("s3://bucket/key?aws_secret_access_key=x", "s3://bucket/key?aws_secret_access_key=***"),
        ("sqlite:///mlops.db", "sqlite:///mlops.db"),
        ("http://localhost:8080/dashboard", "http://localhost:8080/dashboard"),
        ("mail ann@example.org", "mail ann@example.org"),
        ("", ""),
    ],
)
def test_parameters_are_masked_and_other_text_is_left(text: str, masked: str) -> None:
    """Passwords in parameters are hidden; text without a password is unchanged."""
    assert mask_passwords(text) == masked
