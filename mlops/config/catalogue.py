"""What there is to set, read off the models: name, variable, type, limits, default, effect of every setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mlops.config.settings import Announced, MLOpsConfig, Settings, Variable

__all__ = ["CONTROL_VARIABLES", "Setting", "catalogue", "sections"]

CONTROL_VARIABLES = {
    "MLOPS_ENVIRONMENT": "Which environment's section of the file applies; `development` when unset.",
    "MLOPS_CONFIG_FILE": "Path of the configuration file, instead of `mlops_config.json` in the working directory.",
}
_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false", SecretStr: "secret text"}
_LIMITS = {Ge: "≥ {0.ge}", Gt: "> {0.gt}", Le: "≤ {0.le}"}
Marker = TypeVar("Marker", Variable, Announced)


@dataclass(frozen=True)
class Setting:
    """One setting: `section` and `field` locate it in `MLOpsConfig`, `info` is pydantic's account of the field."""

    section: str
    field: str
    info: FieldInfo

    @property
    def name(self) -> str:
        """Dotted name, as in `database.url`."""
        return f"{self.section}.{self.field}"

    @property
    def variable(self) -> str:
        """Name of the environment variable that sets it."""
        marked = self._marker(Variable)
        return marked.name if marked else f"MLOPS_{self.section}_{self.field}".upper()

    @property
    def announcement(self) -> str:
        """Why it has no effect, as in `no effect yet: arrives with the model registry`; empty when it has one."""
        marked = self._marker(Announced)
        return f"no effect yet: arrives with {marked.part}" if marked else ""

    @property
    def is_secret(self) -> bool:
        """Whether the value is never shown."""
        return self._kind is SecretStr

    @property
    def type_text(self) -> str:
        """Kind and limits in words, as in `whole number ≥ 1`."""
        limits = [_LIMITS[type(limit)].format(limit) for limit in _flat(self.info) if type(limit) in _LIMITS]
        return " ".join([_KINDS[self._kind], " and ".join(limits)]).strip()

    @property
    def default(self) -> Any:
        """Default value; None when there is none or when it follows from another setting."""
        return None if self.info.default is PydanticUndefined else self.info.default

    @property
    def description(self) -> str:
        """What the setting does."""
        return self.info.description or ""

    def validate(self, value: Any, *, strict: bool) -> Any:
        """Check one value by itself; `strict` refuses text where a number is wanted. Raises pydantic's error."""
        kind: Any = Annotated[self.info.annotation, self.name, *self.info.metadata]
        return TypeAdapter[Any](kind).validate_python(value, strict=strict)

    @property
    def _kind(self) -> Any:
        annotation = self.info.annotation
        return next(kind for kind in (annotation, *_unwrapped(annotation)) if kind in _KINDS)

    def _marker(self, kind: type[Marker]) -> Marker | None:
        return next((mark for mark in self.info.metadata if isinstance(mark, kind)), None)


def _unwrapped(annotation: Any) -> list[Any]:
    """List the types inside `Annotated[…]` and `… | None`, outermost first."""
    inside = [part for part in get_args(annotation) if isinstance(part, type) or get_args(part)]
    return [*inside, *(deeper for part in inside for deeper in _unwrapped(part))]


def _flat(info: FieldInfo) -> list[Any]:
    """List the limits of a field, those inside nested `Field(…)`s included."""
    return [deeper for mark in info.metadata for deeper in (_flat(mark) if isinstance(mark, FieldInfo) else [mark])]


def sections() -> Mapping[str, type[Settings]]:
    """Return the model of every section by its name, in the order of the documentation."""
    models = {name: info.annotation for name, info in MLOpsConfig.model_fields.items()}
    return {name: model for name, model in models.items() if isinstance(model, type) and issubclass(model, Settings)}


def catalogue() -> tuple[Setting, ...]:
    """Return every setting there is, section by section."""
    return tuple(
        Setting(section, field, info)
        for section, model in sections().items()
        for field, info in model.model_fields.items()
    )
