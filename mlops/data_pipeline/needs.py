"""What a process must have registered to do a run, as capabilities: its job requires them, processes offer them."""

from __future__ import annotations

from mlops.data_pipeline.entities import DataSchema, FeatureEngineeringConfig
from mlops.data_pipeline.named_rules import NamedRules
from mlops.features import registered_transformations

__all__ = ["needs_of", "registered_here"]

_RULE = "rule:"
_TRANSFORMATION = "transformation:"


def needs_of(schema: DataSchema, config: FeatureEngineeringConfig | None) -> frozenset[str]:
    """Return what a run by this schema and configuration needs."""
    rules = [_RULE + rule.polars_name for rule in schema.validation_rules if rule.polars_name]
    return frozenset(rules + [_TRANSFORMATION + name for name in (config.custom_transformations if config else ())])


def registered_here(rules: NamedRules) -> frozenset[str]:
    """Return what this process has at this moment."""
    transformations = [_TRANSFORMATION + name for name in registered_transformations()]
    return frozenset([_RULE + name for name in rules.names()] + transformations)
