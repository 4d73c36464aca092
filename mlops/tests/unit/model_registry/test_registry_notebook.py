"""Versions in a notebook."""

from __future__ import annotations

from datetime import UTC, datetime

from mlops.model_registry import ModelMetadata
from mlops.search import Page

EVIL = "<script>alert(1)</script>"


def version(**values: object) -> ModelMetadata:
    return ModelMetadata(model_id=EVIL, version="1.2.0", accuracy=0.973141, hyperparameters={EVIL: EVIL}, **values)


def test_a_version_shows_its_facts_and_runs_nothing() -> None:
    """Metrics have four digits; whatever users wrote is text."""
    html = version(created_at=datetime(2026, 5, 3, tzinfo=UTC), created_by=EVIL)._repr_html_()
    assert "0.9731" in html
    assert "1.2.0" in html
    assert "2026-05-03" in html
    assert "<script" not in html


def test_a_page_of_versions_is_a_row_each() -> None:
    """A page draws as its items' class draws pages."""
    html = Page([version(), version()])._repr_html_()
    assert html.count("<tr>") == 3
    assert "<script" not in html


def test_a_page_of_anything_else_is_text() -> None:
    """Escaped, and an empty one too."""
    assert Page([EVIL])._repr_html_().count("<script") == 0
    assert Page()._repr_html_().startswith("<pre>")
