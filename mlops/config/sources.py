"""Reading what was set: call arguments, environment variables, the configuration file.

Each reader returns the values it found by dotted name, unchecked but for their names; a name that does not exist is
an error with the near match. A variable that is set to nothing counts as not set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops.config.catalogue import CONTROL_VARIABLES, catalogue, sections
from mlops.config.errors import ConfigurationError
from mlops.config.settings import Environment
from mlops.errors import did_you_mean, near_matches

__all__ = ["DEFAULT_FILE", "Given", "from_arguments", "from_file", "from_variables", "parse_environment"]

DEFAULT_FILE = "mlops_config.json"
_OWN_PREFIX = "MLOPS_"
_TEST_PREFIX = "MLOPS_TEST_"
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE_LINK = re.compile(
    r"MLOPS_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)"
)
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


@dataclass(frozen=True)
class Given:
    """A value as somebody set it.

    Attributes:
        value: As read, not checked yet.
        origin: `argument`, `variable NAME` or `file PATH`.
        where: The exact place, for messages.
        is_text: Whether the source knows only text, so that "5" may stand for a number.
    """

    value: Any = field(repr=False)  # it may be a secret
    origin: str
    where: str
    is_text: bool = False


def from_arguments(overrides: Mapping[str, Any]) -> dict[str, Given]:
    """Read `load_config(database={"url": …})`."""
    values = _flatten(overrides, "argument ")
    return {name: Given(value, "argument", f"argument {name}") for name, value in values.items()}


def from_variables(environ: Mapping[str, str]) -> dict[str, Given]:
    """Read the `MLOPS_*` variables; those that Kubernetes injects for services and `MLOPS_TEST_*` are left alone."""
    by_variable = {setting.variable: setting.name for setting in catalogue()}
    given = {}
    for variable, value in environ.items():
        if not variable.startswith(_OWN_PREFIX) or variable in CONTROL_VARIABLES or not value:
            continue
        if variable in by_variable:
            origin = f"variable {variable}"
            given[by_variable[variable]] = Given(value, origin, f"{origin} ({by_variable[variable]})", is_text=True)
        elif not _is_foreign(variable, value):
            raise _unknown_variable(variable, [*by_variable, *CONTROL_VARIABLES])
    return given


def _unknown_variable(variable: str, known: Sequence[str]) -> ConfigurationError:
    # without the prefix that all of them share, or all of them would look alike
    near = _near(variable.removeprefix(_OWN_PREFIX), [name.removeprefix(_OWN_PREFIX) for name in known])
    meant = " or ".join(_OWN_PREFIX + name for name in near)
    hint = f"Did you mean {meant}?" if meant else f"Settings are {', '.join(known)}."
    return ConfigurationError(f"Variable {variable} is not a setting. {hint}", origin=f"variable {variable}")


def _is_foreign(variable: str, value: str) -> bool:
    """Tell what shares our prefix without being ours: the tests' own variables and Kubernetes' service links."""
    if variable.startswith(_TEST_PREFIX) or _SERVICE_LINK.fullmatch(variable):
        return True
    return variable.endswith("_PORT") and _SERVICE_ADDRESS.match(value) is not None


def from_file(path: Path, environment: Environment) -> dict[str, Given]:
    """Read one environment's section of the configuration file; the names of all its sections are checked."""
    origin = f"file {path}"
    values: dict[str, Any] = {}
    for key, section in _table(_read(path), origin).items():
        named = parse_environment(key, where=origin)
        found = _flatten(_table(section, f"{origin}, {key}"), f"{origin}, {key}.")
        if named is environment:
            values = found
    return {name: Given(value, origin, f"{origin}, {environment}.{name}") for name, value in values.items()}


def parse_environment(name: str, *, where: str) -> Environment:
    """Return the environment of that name.

    Raises:
        ConfigurationError: There is none; the message names `where` and the near match.
    """
    known = [str(member) for member in Environment]
    if name in known:
        return Environment(name)
    hint = "".join(f"Did you mean {near!r}?" for near in _near(name, known)[:1])
    if name in sections():
        hint = f'Put it inside one: {{"development": {{"{name}": …}}}}.'
    allowed = f"Environments are {', '.join(known)}."
    raise ConfigurationError(" ".join(filter(None, [f"{where}: {name!r} is not an environment.", hint, allowed])))


def _read(path: Path) -> Any:
    origin = f"file {path}"
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_without_duplicates)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        reason = "is not UTF-8 text"
    except json.JSONDecodeError as error:
        reason = f"is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}"
    except _DuplicateKeyError as error:
        reason = f"sets {error} twice in one object; keep one"
    raise ConfigurationError(f"Configuration file {path} {reason}.", origin=origin)


class _DuplicateKeyError(Exception):
    """A key that stands twice in one JSON object, where Python would keep the last without a word."""


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKeyError(repr(key))
        found[key] = value
    return found


def _flatten(document: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Turn sections of settings into values by dotted name, refusing names that do not exist."""
    models = sections()
    values = {}
    for section, content in document.items():
        if section not in models:
            raise _unknown(f"{place}{section}:", section, models, "a section")
        for key, value in _table(content, f"{place}{section}").items():
            if key not in models[section].model_fields:
                raise _unknown(f"{place}{section}.{key}:", key, models[section].model_fields, f"in {section}")
            values[f"{section}.{key}"] = value
    return values


def _table(value: Any, place: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise ConfigurationError(f"{place}: expected names and values, as in {{…}}, not {type(value).__name__}.")


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Return the names that `name` abbreviates, else those that look like it."""
    return [full for full in known if name and full.startswith(name)] or list(near_matches(name, known))


def _unknown(place: str, name: str, known: Iterable[str], what: str) -> ConfigurationError:
    names = list(known)
    hint = did_you_mean(name, names) or (f"Known are {', '.join(names)}." if names else "It has no settings yet.")
    return ConfigurationError(f"{place} {name!r} is not {what}. {hint}", setting=name)
