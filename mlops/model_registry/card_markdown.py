"""Model cards as Markdown: headings, tables and lists that any reader shows; what users wrote cannot break them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlops.formatting import format_metric, format_moment
from mlops.model_registry.card import (
    Block,
    Facts,
    Gallery,
    History,
    Metrics,
    ModelCard,
    Prose,
    Table,
    card_sections,
)

__all__ = ["card_markdown"]

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#$])")
_MARK = {True: " better", False: " worse", None: ""}


def card_markdown(card: ModelCard, *, picture_paths: Mapping[str, str] | None = None) -> str:
    """Return a card as Markdown (tables as GitHub reads them).

    Args:
        picture_paths: By title of a plot, the address that its picture is linked by; plots without one are only named.

    Raises:
        InvalidInput: A plot is no picture.
    """
    item = card.metadata
    lines = [
        f"# {_text(card.title)} {_text(item.version)}",
        "",
        f"**{item.status}** · model card of {format_moment(card.made_at)}",
    ]
    if item.description:
        lines += ["", _text(item.description)]
    if item.tags:
        lines += [
            "",
            " · ".join(_text(name if text == "true" else f"{name}: {text}") for name, text in item.tags.items()),
        ]
    for section in card_sections(card):
        lines += ["", f"## {section.title}"]
        for block in section.blocks:
            lines += ["", *_block(block, picture_paths or {})]
    return "\n".join(lines) + "\n"


def _block(block: Block, paths: Mapping[str, str]) -> list[str]:
    if isinstance(block, Prose):
        return [f"_{_text(block.text)}_" if block.is_missing else _paragraphs(block.text)]
    if isinstance(block, Facts):
        return _table(("", ""), tuple((name, f"{value}") for name, value in block.pairs))
    if isinstance(block, Table):
        return _table(block.heads, block.rows)
    if isinstance(block, Metrics):
        return _metrics(block)
    return _history(block) if isinstance(block, History) else _pictures(block, paths)


def _metrics(block: Metrics) -> list[str]:
    if not block.against:
        return _table(("Metric", "Value"), tuple((row.name, format_metric(row.value)) for row in block.rows))
    rows = [
        (row.name, format_metric(row.value), format_metric(row.before), _MARK[row.is_better].strip())
        for row in block.rows
    ]
    return _table(("Metric", "Value", f"In {block.against}", ""), tuple(rows))


def _history(block: History) -> list[str]:
    heads = ("When", "Version", "From", "To", "Who", "Why")
    rows = [
        (
            format_moment(move.at),
            move.version,
            move.from_status or "–",
            move.to_status or "deleted",
            move.actor or "–",
            move.reason or "–",
        )
        for move in block.moves
    ]
    return _table(heads, tuple(rows))


def _pictures(block: Gallery, paths: Mapping[str, str]) -> list[str]:
    found = []
    for picture in block.pictures:
        path = paths.get(picture.title)
        found.append(f"- {_text(picture.title)}" if path is None else f"![{_text(picture.title)}](<{_address(path)}>)")
    return found


def _table(heads: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> list[str]:
    lines = [heads, tuple("---" for _ in heads), *(tuple(map(_cell, row)) for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _cell(text: str) -> str:
    return " ".join(_text(text).split())


def _text(text: str) -> str:
    """Return text with what Markdown or HTML would act on made harmless, in one paragraph."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _paragraphs(text: str) -> str:
    """Return prose with its paragraphs kept; a mark at the beginning of a line starts no list."""
    parts = [_text(part) for part in re.split(r"\n\s*\n", text.strip())]
    return "\n\n".join(re.sub(r"^(\d+)([.)])|^([-+])(?=\s)", _escape_list, part) for part in parts)


def _escape_list(match: re.Match[str]) -> str:
    return f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}"


def _address(path: str) -> str:
    return re.sub(r"[<>\n\\]", "", path)
