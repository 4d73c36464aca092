"""The frame of all pages."""

from __future__ import annotations

import base64
import hashlib
import re

from mlops.html_pages import page, style_sheet

STYLE = style_sheet(".own{color:var(--own)}\n", light="--own:#111111", dark="--own:#eeeeee")


def test_the_policy_allows_this_style_sheet_and_nothing_else() -> None:
    """By the digest of exactly what stands between the tags; pictures only where a page has some."""
    found = page("t", "<p>x</p>", style=STYLE)
    [between] = re.findall(r"<style>(.*?)</style>", found, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(between.encode()).digest()).decode()
    assert f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;; base-uri" in found
    assert "img-src data:" not in found
    assert "img-src data:" in page("t", "", style=STYLE, has_pictures=True)


def test_a_title_is_text() -> None:
    """Whatever people called a thing."""
    assert "<title>&lt;/title&gt;&lt;script&gt;</title>" in page("</title><script>", "", style=STYLE)


def test_a_room_adds_colours_and_rules_behind_the_shared_ones() -> None:
    """So that its own win; paper is bright, whatever the reader's screen is."""
    assert STYLE.index(".own{") > STYLE.index("footer{")
    dark, paper = STYLE.index("@media (prefers-color-scheme:dark)"), STYLE.index("@media print{:root")
    assert dark < paper
    assert STYLE.count("--own:#111111") == 2
    assert STYLE.count("--own:#eeeeee") == 1
    assert STYLE.count("{") == STYLE.count("}")
